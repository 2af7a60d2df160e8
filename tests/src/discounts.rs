//! Discount codes: their amounts, their limits, and the sums of orders that use them.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::fixtures::{Stock, order_lines, unique};
use crate::graphql::GraphqlResponse;
use crate::parallel::{at_once, winner, winners};
use crate::shop::{As, Shop, User};
use crate::trials::trials;
use crate::values::text_at;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "discounts",
        portable = [
            of_30_orders_with_a_code_for_7_exactly_7_succeed,
            a_code_has_a_limit_for_each_customer,
            a_cancelled_order_releases_its_use_of_a_code,
            of_10_discounts_with_one_code_exactly_one_is_created
        ],
        component = [
            an_order_with_a_code_adds_up_line_by_line,
            an_amount_never_exceeds_the_subtotal,
            an_unusable_code_is_refused_and_reserves_nothing,
            a_percentage_has_hundredths,
            the_message_says_which_limit_is_reached,
            invalid_discounts_are_refused,
            a_region_is_an_iso_code
        ]
    )
}

const PLACE: &str = "mutation ($products: [OrderProductInput], $code: String, $region: String) {
    placeOrder(products: $products, discountCode: $code, region: $region) {
        _id subtotal discount tax total discountCode region products { subtotal discount tax total } } }";

fn place(shop: &Shop, caller: As<'_>, lines: &[(&str, i64)], code: &str) -> Result<GraphqlResponse> {
    let variables = json!({ "products": order_lines(lines), "code": code });
    shop.graphql(caller, PLACE, variables)
}

/// Fails unless the lines add up to the order, and the order's parts add up to its total.
fn check_sums(answer: &GraphqlResponse) -> Result<()> {
    let order = |part: &str| answer.int(&format!("/placeOrder/{part}"));
    for part in ["subtotal", "discount", "tax", "total"] {
        let lines = answer.column("/placeOrder/products", &format!("/{part}"))?;
        let sum: i64 = lines.iter().filter_map(Value::as_i64).sum();
        answer.expect(sum == order(part)?, format!("the lines' {part} should add up"))?;
    }
    let paid = order("subtotal")? - order("discount")? + order("tax")?;
    answer.expect(
        paid == order("total")?,
        "the total should be subtotal - discount + tax",
    )
}

/// Disables a code and returns how many orders use it.
fn disable(shop: &Shop, code: &str) -> Result<i64> {
    let query = "mutation ($code: String!) { disableDiscount(code: $code) { used enabled } }";
    let answer = shop.graphql(As::Key, query, json!({ "code": code }))?;
    answer.int("/disableDiscount/used")
}

fn an_order_with_a_code_adds_up_line_by_line(shop: &Shop) -> Result<()> {
    let code = shop.discount(json!({ "percent": 33 }))?;
    let (first, second, third) = (shop.product(999, 9)?, shop.product(1, 9)?, shop.product(50, 9)?);
    let lines = [(first.as_str(), 3), (second.as_str(), 1), (third.as_str(), 2)];
    let answer = place(shop, shop.ada()?.caller(), &lines, &code.to_lowercase())?;
    answer.has("/placeOrder/discountCode", &code)?;
    // 33 % of 3,098 are 1,022.34.
    answer.has("/placeOrder/discount", 1_022)?;
    check_sums(&answer)
}

fn a_percentage_has_hundredths(shop: &Shop) -> Result<()> {
    let query = "mutation ($input: CreateDiscountInput!) {
        createDiscount(input: $input) { percent basisPoints } }";
    let create = |input: Value| shop.graphql(As::Key, query, json!({ "input": input }));
    let code = unique("part");
    let created = create(json!({ "code": code, "basisPoints": 620 }))?;
    created.has("/createDiscount", json!({ "percent": null, "basisPoints": 620 }))?;
    // 6.2 % of 10.00 are 0.62, and of 0.99 they are 0.06138.
    let ada = shop.ada()?;
    for (price, discount) in [(1_000, 62), (99, 6)] {
        let answer = place(shop, ada.caller(), &[(&shop.product(price, 9)?, 1)], &code)?;
        answer.has("/placeOrder/discount", discount)?;
        check_sums(&answer)?;
    }
    let whole = create(json!({ "code": unique("whole"), "percent": 6 }))?;
    whole.has("/createDiscount", json!({ "percent": 6, "basisPoints": 600 }))?;
    for points in [0, 10_001] {
        create(json!({ "code": unique("wrong"), "basisPoints": points }))?.bad_input("percent")?;
    }
    Ok(())
}

fn the_message_says_which_limit_is_reached(shop: &Shop) -> Result<()> {
    let (ada, bob) = (shop.ada()?, shop.bob()?);
    let product = shop.product(10, 100)?;
    let code = shop.discount(json!({ "percent": 50, "limit": 3, "limitPerCustomer": 2 }))?;
    let order = |user: &User| place(shop, user.caller(), &[(&product, 1)], &code);
    let message = |answer: GraphqlResponse| -> Result<String> {
        Ok(text_at(answer.bad_input("discountCode")?, "/message")?.to_owned())
    };
    for _ in 0..2 {
        check_sums(&order(ada)?)?;
    }
    let own = message(order(ada)?)?;
    ensure!(own.contains("customer") && own.contains("2 orders"), "{own}");
    check_sums(&order(bob)?)?;
    let all = message(order(bob)?)?;
    ensure!(!all.contains("customer") && all.contains("3 orders"), "{all}");
    Ok(())
}

fn an_amount_never_exceeds_the_subtotal(shop: &Shop) -> Result<()> {
    let code = shop.discount(json!({ "amount": 700, "minimum": 500 }))?;
    let (small, large) = (shop.product(499, 9)?, shop.product(250, 9)?);
    let ada = shop.ada()?;
    place(shop, ada.caller(), &[(&small, 1)], &code)?.bad_input("discountCode")?;
    for (quantity, discount) in [(2, 500), (3, 700)] {
        let answer = place(shop, ada.caller(), &[(&large, quantity)], &code)?;
        answer.has("/placeOrder/discount", discount)?;
        check_sums(&answer)?;
    }
    Ok(())
}

fn of_30_orders_with_a_code_for_7_exactly_7_succeed(shop: &Shop) -> Result<()> {
    let code = shop.discount(json!({ "percent": 50, "limit": 7 }))?;
    let product = shop.product(10, 100)?;
    let customers = [shop.ada()?, shop.bob()?];
    let answers = at_once(30, |number| {
        let customer = customers.get(number % 2).context("there are two customers")?;
        place(shop, customer.caller(), &[(&product, 1)], &code)
    })?;
    let won = winners(&answers, "BAD_USER_INPUT")?;
    ensure!(won.len() == 7, "7 orders should succeed, not {}", won.len());
    ensure!(disable(shop, &code)? == 7, "7 uses should be counted");
    // The refused orders have released their reservations.
    shop.stock_becomes(&product, Stock::settled(100, 7))
}

fn a_code_has_a_limit_for_each_customer(shop: &Shop) -> Result<()> {
    let code = shop.discount(json!({ "percent": 50, "limitPerCustomer": 2 }))?;
    let product = shop.product(10, 100)?;
    let ada = shop.ada()?;
    let answers = at_once(10, |_| place(shop, ada.caller(), &[(&product, 1)], &code))?;
    let won = winners(&answers, "BAD_USER_INPUT")?;
    ensure!(won.len() == 2, "2 orders should succeed, not {}", won.len());
    check_sums(&place(shop, shop.bob()?.caller(), &[(&product, 1)], &code)?)
}

fn a_cancelled_order_releases_its_use_of_a_code(shop: &Shop) -> Result<()> {
    let code = shop.discount(json!({ "percent": 50, "limit": 1, "limitPerCustomer": 1 }))?;
    let product = shop.product(10, 9)?;
    let ada = shop.ada()?;
    for _ in 0..2 {
        let placed = place(shop, ada.caller(), &[(&product, 1)], &code)?;
        let id = placed.text("/placeOrder/_id")?;
        place(shop, ada.caller(), &[(&product, 1)], &code)?.bad_input("discountCode")?;
        shop.cancel_order(ada.caller(), id, None)?
            .text("/cancelOrder/status")?;
    }
    ensure!(disable(shop, &code)? == 0, "no order should use the code");
    Ok(())
}

fn an_unusable_code_is_refused_and_reserves_nothing(shop: &Shop) -> Result<()> {
    let product = shop.product(10, 5)?;
    let disabled = shop.discount(json!({ "percent": 50 }))?;
    disable(shop, &disabled)?;
    let codes = [
        disabled,
        shop.discount(json!({ "percent": 50, "startsAt": "2999-01-01T00:00:00Z" }))?,
        shop.discount(json!({ "amount": 1, "currency": "EUR" }))?,
        shop.discount(json!({ "amount": 1, "minimum": 11 }))?,
        unique("nothing"),
        String::new(),
        "x".repeat(10_000),
    ];
    for code in &codes {
        let answer = place(shop, shop.ada()?.caller(), &[(&product, 1)], code)?;
        answer.bad_input("discountCode")?;
        answer.is_null("/placeOrder")?;
    }
    shop.stock_becomes(&product, Stock::settled(5, 0))
}

fn create(shop: &Shop, input: &Value) -> Result<GraphqlResponse> {
    let query = "mutation ($input: CreateDiscountInput!) { createDiscount(input: $input) {
        code percent amount currency minimum limit limitPerCustomer startsAt endsAt enabled used createdAt } }";
    shop.graphql(As::Key, query, json!({ "input": input }))
}

fn of_10_discounts_with_one_code_exactly_one_is_created(shop: &Shop) -> Result<()> {
    let code = unique("once");
    let answers = at_once(10, |number| {
        create(shop, &json!({ "code": code, "percent": 1 + number }))
    })?;
    winner(&answers, "CONFLICT")?;
    // The newest discounts are on the first page.
    shop.query(As::Key, "{ discounts(first: 100) { edges { node { code } } } }")?
        .column_contains("/discounts/edges", "/node/code", code.to_uppercase())
}

fn invalid_discounts_are_refused(shop: &Shop) -> Result<()> {
    let code = unique("invalid");
    for (field, input) in [
        ("percent", json!({ "code": code })),
        ("percent", json!({ "code": code, "percent": 5, "amount": 5 })),
        ("percent", json!({ "code": code, "percent": 0 })),
        ("percent", json!({ "code": code, "percent": 101 })),
        ("amount", json!({ "code": code, "amount": -1 })),
        (
            "minimum",
            json!({ "code": code, "amount": 1, "minimum": -2_147_483_648_i64 }),
        ),
        (
            "currency",
            json!({ "code": code, "amount": 1, "currency": "dollars" }),
        ),
        (
            "currency",
            json!({ "code": code, "amount": 1, "currency": "ZZZ" }),
        ),
        (
            "currency",
            json!({ "code": code, "amount": 1, "currency": "BTC" }),
        ),
        (
            "currency",
            json!({ "code": code, "amount": 1, "currency": "XXX" }),
        ),
        (
            "currency",
            json!({ "code": code, "amount": 1, "currency": "XTS" }),
        ),
        (
            "currency",
            json!({ "code": code, "amount": 1, "currency": "XAU" }),
        ),
        (
            "currency",
            json!({ "code": code, "amount": 1, "currency": "HRK" }),
        ),
        ("limit", json!({ "code": code, "percent": 5, "limit": 0 })),
        (
            "limitPerCustomer",
            json!({ "code": code, "percent": 5, "limitPerCustomer": -1 }),
        ),
        (
            "endsAt",
            json!({ "code": code, "percent": 5, "endsAt": "2020-01-01T00:00:00Z" }),
        ),
        ("code", json!({ "code": "", "percent": 5 })),
        ("code", json!({ "code": "a/b", "percent": 5 })),
        ("code", json!({ "code": "x".repeat(41), "percent": 5 })),
    ] {
        create(shop, &input)?
            .bad_input(field)
            .with_context(|| input.to_string())?;
    }
    let disable = "mutation ($code: String!) { disableDiscount(code: $code) { code } }";
    shop.graphql(As::Key, disable, json!({ "code": code }))?
        .refused("NOT_FOUND")?;
    Ok(())
}

fn a_region_is_an_iso_code(shop: &Shop) -> Result<()> {
    let product = shop.product(1_000, 9)?;
    let place = |region: &str| {
        let variables = json!({ "products": [{ "_id": product, "quantity": 1 }], "region": region });
        shop.graphql(shop.ada()?.caller(), PLACE, variables)
    };
    for wrong in [
        "", "Bavaria", "D", "DEU", "US-", "US-CALI", "*", "ZZ", "XX", "EU", "ZZ-CA",
    ] {
        place(wrong)?.bad_input("region")?;
    }
    for (wrong, right) in [("UK", "GB"), ("uk-eng", "GB"), ("EL", "GR")] {
        let answer = place(wrong)?;
        let message = text_at(answer.bad_input("region")?, "/message")?;
        ensure!(message.ends_with(&format!("is {right}.")), "{message}");
    }
    let answer = place("us-ca")?;
    answer.has("/placeOrder/region", "US-CA")?;
    check_sums(&answer)
}
