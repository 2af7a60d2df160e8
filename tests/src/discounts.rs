//! Discount codes: what they take off, for whom, how often; and that an order adds up with them.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::As;
use crate::concurrency::{at_once, winners};
use crate::trials::trials;
use crate::world::{Stock, World, unique};

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "discounts",
        [
            an_order_with_a_code_adds_up_line_by_line,
            an_amount_takes_off_no_more_than_there_is,
            of_30_orders_with_a_code_for_7_exactly_7_succeed,
            a_customer_uses_a_code_as_often_as_it_is_good_for_each,
            a_cancelled_order_gives_its_use_back,
            a_code_that_is_no_good_is_refused_and_takes_nothing,
            a_code_is_made_once,
            a_code_outside_its_bounds_is_refused,
            a_region_is_an_iso_code,
        ]
    )
}

const PLACE: &str = "mutation ($products: [OrderProductInput], $code: String, $region: String) {
    placeOrder(products: $products, discountCode: $code, region: $region) {
        _id subtotal discount tax total discountCode region products { subtotal discount tax total } } }";

fn place(world: &World, who: As<'_>, lines: &[(&str, i64)], code: &str) -> Result<Answer> {
    let lines: Vec<Value> = lines
        .iter()
        .map(|(id, quantity)| json!({ "_id": id, "quantity": quantity }))
        .collect();
    world
        .shop
        .graphql(who, PLACE, json!({ "products": lines, "code": code }))
}

/// Fails unless an order's lines add up to it, and its parts to what is to be paid.
fn check_sums(answer: &Answer) -> Result<()> {
    let whole = |part: &str| answer.int(&format!("/placeOrder/{part}"));
    for part in ["subtotal", "discount", "tax", "total"] {
        let lines = answer.column("/placeOrder/products", &format!("/{part}"))?;
        let sum: i64 = lines.iter().filter_map(Value::as_i64).sum();
        answer.expect(sum == whole(part)?, format!("the lines' {part} should add up"))?;
    }
    let paid = whole("subtotal")? - whole("discount")? + whole("tax")?;
    answer.expect(
        paid == whole("total")?,
        "the total should be subtotal - discount + tax",
    )
}

/// Disables a code, and tells how many orders have used it.
fn disabled_after(world: &World, code: &str) -> Result<i64> {
    let query = "mutation ($code: String!) { disableDiscount(code: $code) { used enabled } }";
    let answer = world.shop.graphql(As::Key, query, json!({ "code": code }))?;
    answer.int("/disableDiscount/used")
}

fn an_order_with_a_code_adds_up_line_by_line(world: &World) -> Result<()> {
    let code = world.discount(json!({ "percent": 33 }))?;
    let (first, second, third) = (
        world.product(999, 9)?,
        world.product(1, 9)?,
        world.product(50, 9)?,
    );
    let lines = [(first.as_str(), 3), (second.as_str(), 1), (third.as_str(), 2)];
    let answer = place(world, world.ada()?.caller(), &lines, &code.to_lowercase())?;
    answer.expect(
        answer.text("/placeOrder/discountCode")? == code,
        "the order should name its code",
    )?;
    // 33 % of 3,098 are 1,022.34.
    answer.expect(
        answer.int("/placeOrder/discount")? == 1_022,
        "a percentage is rounded down",
    )?;
    check_sums(&answer)
}

fn an_amount_takes_off_no_more_than_there_is(world: &World) -> Result<()> {
    let code = world.discount(json!({ "amount": 700, "minimum": 500 }))?;
    let (small, large) = (world.product(499, 9)?, world.product(250, 9)?);
    let ada = world.ada()?;
    place(world, ada.caller(), &[(&small, 1)], &code)?.bad_input("discountCode")?;
    for (quantity, discount) in [(2, 500), (3, 700)] {
        let answer = place(world, ada.caller(), &[(&large, quantity)], &code)?;
        answer.expect(
            answer.int("/placeOrder/discount")? == discount,
            format!("it should take off {discount}"),
        )?;
        check_sums(&answer)?;
    }
    Ok(())
}

fn of_30_orders_with_a_code_for_7_exactly_7_succeed(world: &World) -> Result<()> {
    let code = world.discount(json!({ "percent": 50, "limit": 7 }))?;
    let product = world.product(10, 100)?;
    let customers = [world.ada()?, world.bob()?];
    let answers = at_once(30, |number| {
        let customer = customers.get(number % 2).context("there are two customers")?;
        place(world, customer.caller(), &[(&product, 1)], &code)
    })?;
    let won = winners(&answers, "BAD_USER_INPUT")?;
    ensure!(won == 7, "7 orders should succeed, not {won}");
    ensure!(disabled_after(world, &code)? == 7, "7 uses should be counted");
    // What the refused ones had reserved is back.
    world.stock_becomes(
        &product,
        Stock {
            received: 100,
            on_hand: 93,
            reserved: 0,
            sold: 7,
        },
    )
}

fn a_customer_uses_a_code_as_often_as_it_is_good_for_each(world: &World) -> Result<()> {
    let code = world.discount(json!({ "percent": 50, "limitPerCustomer": 2 }))?;
    let product = world.product(10, 100)?;
    let ada = world.ada()?;
    let answers = at_once(10, |_| place(world, ada.caller(), &[(&product, 1)], &code))?;
    let won = winners(&answers, "BAD_USER_INPUT")?;
    ensure!(won == 2, "2 orders should succeed, not {won}");
    check_sums(&place(world, world.bob()?.caller(), &[(&product, 1)], &code)?)
}

fn a_cancelled_order_gives_its_use_back(world: &World) -> Result<()> {
    let code = world.discount(json!({ "percent": 50, "limit": 1, "limitPerCustomer": 1 }))?;
    let product = world.product(10, 9)?;
    let ada = world.ada()?;
    for _ in 0..2 {
        let placed = place(world, ada.caller(), &[(&product, 1)], &code)?;
        let id = placed.text("/placeOrder/_id")?;
        place(world, ada.caller(), &[(&product, 1)], &code)?.bad_input("discountCode")?;
        let cancel = "mutation ($id: ID!) { cancelOrder(id: $id) { status } }";
        world
            .shop
            .graphql(ada.caller(), cancel, json!({ "id": id }))?
            .text("/cancelOrder/status")?;
    }
    ensure!(disabled_after(world, &code)? == 0, "no use should be left");
    Ok(())
}

fn a_code_that_is_no_good_is_refused_and_takes_nothing(world: &World) -> Result<()> {
    let product = world.product(10, 5)?;
    let disabled = world.discount(json!({ "percent": 50 }))?;
    disabled_after(world, &disabled)?;
    let codes = [
        disabled,
        world.discount(json!({ "percent": 50, "startsAt": "2999-01-01T00:00:00Z" }))?,
        world.discount(json!({ "amount": 1, "currency": "XTS" }))?,
        world.discount(json!({ "amount": 1, "minimum": 11 }))?,
        unique("nothing"),
        String::new(),
        "x".repeat(10_000),
    ];
    for code in &codes {
        let answer = place(world, world.ada()?.caller(), &[(&product, 1)], code)?;
        answer.bad_input("discountCode")?;
        answer.expect(
            answer.partial("/placeOrder")?.is_null(),
            "nothing should be placed",
        )?;
    }
    world.stock_becomes(
        &product,
        Stock {
            received: 5,
            on_hand: 5,
            reserved: 0,
            sold: 0,
        },
    )
}

fn create(world: &World, input: &Value) -> Result<Answer> {
    let query = "mutation ($input: CreateDiscountInput!) { createDiscount(input: $input) {
        code percent amount currency minimum limit limitPerCustomer startsAt endsAt enabled used createdAt } }";
    world.shop.graphql(As::Key, query, json!({ "input": input }))
}

fn a_code_is_made_once(world: &World) -> Result<()> {
    let code = unique("once");
    let answers = at_once(10, |number| {
        create(world, &json!({ "code": code, "percent": 1 + number }))
    })?;
    let won = winners(&answers, "CONFLICT")?;
    ensure!(won == 1, "one should be made, not {won}");
    let listed = world
        .shop
        .query(As::Key, "{ discounts(first: 100) { edges { node { code } } } }")?;
    let codes = listed.column("/discounts/edges", "/node/code")?;
    listed.expect(
        codes.contains(&json!(code.to_uppercase())),
        "the newest should be among the first",
    )
}

fn a_code_outside_its_bounds_is_refused(world: &World) -> Result<()> {
    let code = unique("bounds");
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
        create(world, &input)?
            .bad_input(field)
            .map_err(|error| error.context(input.to_string()))?;
    }
    let disable = "mutation ($code: String!) { disableDiscount(code: $code) { code } }";
    world
        .shop
        .graphql(As::Key, disable, json!({ "code": code }))?
        .refused("NOT_FOUND")?;
    Ok(())
}

fn a_region_is_an_iso_code(world: &World) -> Result<()> {
    let product = world.product(1_000, 9)?;
    let place = |region: &str| {
        let variables = json!({ "products": [{ "_id": product, "quantity": 1 }], "region": region });
        world.shop.graphql(world.ada()?.caller(), PLACE, variables)
    };
    for wrong in ["", "Bavaria", "D", "US-", "US-CALI", "*"] {
        place(wrong)?.bad_input("region")?;
    }
    let answer = place("us-ca")?;
    answer.expect(
        answer.text("/placeOrder/region")? == "US-CA",
        "the order should name its region",
    )?;
    check_sums(&answer)
}
