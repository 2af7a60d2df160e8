//! Amounts beyond 32 bits: exact from the product to the refund, in GraphQL's `Amount` and in REST.

use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::configured::{Host, configured_trials};
use crate::fixtures::unique;
use crate::process::Home;
use crate::shop::{As, Shop, User};
use crate::trials::trials;
use crate::values::text_at;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    let mut trials = trials!(
        shop,
        "large_amounts",
        component = [an_input_takes_one_of_two_amounts]
    );
    trials.extend(configured_trials!(
        "large_amounts",
        portable = [amounts_beyond_32_bits_are_exact]
    ));
    trials
}

/// A shop of its own, since clients that select `price` get an error for each of these products.
fn amounts_beyond_32_bits_are_exact(host: &Host) -> Result<()> {
    let home = Home::new()?;
    let settings = [
        ("MERCATO_ENVIRONMENT", "development"),
        ("PAYMENT_GATEWAY", "test"),
    ];
    let running = host.start(&home, &settings)?;
    let shop = running.shop();
    a_large_amount_is_exact_from_the_product_to_the_refund(&shop)?;
    the_largest_amount_can_be_ordered_and_no_more(&shop)?;
    an_int_field_names_the_field_that_has_the_amount(&shop)?;
    running.stop()
}

/// The largest amount.
const LARGEST: i64 = 9_007_199_254_740_991;
/// 25,000,000.00 IDR.
const PRICE: i64 = 2_500_000_000;

fn product(shop: &Shop, price: i64) -> Result<String> {
    let query = "mutation ($input: CreateProductInput!) { createProduct(input: $input) { _id } }";
    let input = json!({ "name": unique("dear"), "priceAmount": price, "currency": "IDR", "quantity": 9 });
    let created = shop.graphql(As::Key, query, json!({ "input": input }))?;
    Ok(created.text("/createProduct/_id")?.to_owned())
}

/// Orders one unit, and returns the order's id.
fn order(shop: &Shop, user: &User, product: &str) -> Result<String> {
    let query = "mutation ($products: [OrderProductInput]) { placeOrder(products: $products) { _id } }";
    let products = json!([{ "_id": product, "quantity": 1 }]);
    let placed = shop.graphql(user.caller(), query, json!({ "products": products }))?;
    Ok(placed.text("/placeOrder/_id")?.to_owned())
}

fn a_large_amount_is_exact_from_the_product_to_the_refund(shop: &Shop) -> Result<()> {
    let user = shop.register("rich")?;
    let product = product(shop, PRICE)?;
    shop.get(As::Anonymous, &format!("/api/products/{product}"))?
        .has("/price", PRICE)?;

    let query = "mutation ($id: ID!) { addToCart(productId: $id, quantity: 3) {
        totalAmount lines { unitPrice total } products { unitPriceAmount totalAmount } } }";
    let cart = shop.graphql(user.caller(), query, json!({ "id": product }))?;
    cart.has("/addToCart/totalAmount", 3 * PRICE)?;
    cart.has(
        "/addToCart/lines/0",
        json!({ "unitPrice": PRICE, "total": 3 * PRICE }),
    )?;
    cart.has(
        "/addToCart/products/0",
        json!({ "unitPriceAmount": PRICE, "totalAmount": 3 * PRICE }),
    )?;
    shop.get(user.caller(), "/api/cart/me")?
        .has("/total", 3 * PRICE)?;

    let code =
        shop.discount(json!({ "exactAmount": PRICE, "minimumAmount": 2 * PRICE, "currency": "IDR" }))?;
    let query = "mutation ($code: String, $total: Amount) {
        checkoutCart(discountCode: $code, expectedTotalAmount: $total) {
            _id subtotalAmount discountAmount taxAmount totalAmount lines { total discount } } }";
    let checkout = |total: i64| shop.graphql(user.caller(), query, json!({ "code": code, "total": total }));
    checkout(3 * PRICE - 1)?.refused("CONFLICT")?;
    let order = checkout(3 * PRICE)?;
    order.has("/checkoutCart/subtotalAmount", 3 * PRICE)?;
    order.has("/checkoutCart/discountAmount", PRICE)?;
    order.has("/checkoutCart/totalAmount", 2 * PRICE)?;
    order.has(
        "/checkoutCart/lines/0",
        json!({ "total": 2 * PRICE, "discount": PRICE }),
    )?;
    let id = order.text("/checkoutCart/_id")?;
    shop.get(user.caller(), &format!("/api/orders/{id}"))?
        .has("/total", 2 * PRICE)?;

    let query = "mutation ($id: ID!) { payOrder(orderId: $id, paymentMethod: \"tok_ok\") {
        status exactAmount refundedAmount } }";
    let paid = shop.graphql(user.caller(), query, json!({ "id": id }))?;
    paid.has("/payOrder/status", "SUCCEEDED")?;
    paid.has("/payOrder/exactAmount", 2 * PRICE)?;
    let query = "mutation ($id: ID!, $amount: Amount) { refundPayment(id: $id, exactAmount: $amount) {
        refundedAmount refunds { exactAmount } } }";
    let refund = |amount: Option<i64>| shop.graphql(As::Key, query, json!({ "id": id, "amount": amount }));
    refund(Some(PRICE + 1))?.has("/refundPayment/refunds/0/exactAmount", PRICE + 1)?;
    refund(Some(PRICE))?.refused("BAD_USER_INPUT")?;
    refund(None)?.has("/refundPayment/refundedAmount", 2 * PRICE)?;
    shop.get(As::Key, &format!("/api/payments/{id}"))?
        .has("/refunded", 2 * PRICE)
}

fn the_largest_amount_can_be_ordered_and_no_more(shop: &Shop) -> Result<()> {
    let (ada, id) = (shop.ada()?, product(shop, LARGEST)?);
    let order = |quantity: i64| {
        let body = json!({ "products": [{ "_id": id, "quantity": quantity }] });
        shop.rest(ada.caller(), "POST", "/api/orders", body)
    };
    order(2)?.problem(400, "BAD_USER_INPUT")?;
    let placed = order(1)?;
    placed.expect_status(201)?;
    placed.has("/total", LARGEST)?;
    let query = "query ($id: ID!) { order(id: $id) { totalAmount lines { total } } }";
    let read = shop.graphql(ada.caller(), query, json!({ "id": placed.text("/_id")? }))?;
    read.has(
        "/order",
        json!({ "totalAmount": LARGEST, "lines": [{ "total": LARGEST }] }),
    )?;
    for price in [LARGEST + 1, i64::MAX, -1] {
        let body = json!({ "name": unique("dear"), "price": price, "quantity": 1 });
        shop.rest(As::Key, "POST", "/api/products", body)?
            .problem(400, "BAD_USER_INPUT")?;
    }
    Ok(())
}

fn an_int_field_names_the_field_that_has_the_amount(shop: &Shop) -> Result<()> {
    let (user, dear, cheap) = (shop.register("rich")?, product(shop, PRICE)?, shop.product(5, 9)?);
    let orders = [order(shop, &user, &dear)?, order(shop, &user, &cheap)?];
    let answer = shop.query(user.caller(), "{ orders { _id total } }")?;
    let error = answer.refused("AMOUNT_TOO_LARGE")?;
    answer.expect(
        error.get("path") == Some(&json!(["orders", 1, "total"])),
        "the error should have the path of the field",
    )?;
    answer.expect(
        text_at(error, "/message")?.contains("`totalAmount`"),
        "the error should name the other field",
    )?;
    let [_, cheap_order] = &orders;
    answer.expect(
        answer.partial("/orders")? == &json!([{ "_id": cheap_order, "total": 5 }, null]),
        "the other order should be there",
    )?;
    let query = "query ($id: ID!) { product(id: $id) { price } }";
    let answer = shop.graphql(As::Anonymous, query, json!({ "id": dear }))?;
    answer.refused("AMOUNT_TOO_LARGE")?;
    answer.is_null("/product")?;
    answer.http.expect_status(200).map(drop)
}

fn an_input_takes_one_of_two_amounts(shop: &Shop) -> Result<()> {
    let name = unique("dear");
    let both = json!({ "name": name, "price": 5, "priceAmount": 5, "quantity": 1 });
    shop.create_product(As::Key, both)?.bad_input("price")?;
    let neither = json!({ "name": name, "quantity": 1 });
    shop.create_product(As::Key, neither)?.bad_input("price")?;
    for amount in [json!(LARGEST + 1), json!(12.5), json!("5"), Value::Bool(true)] {
        let input = json!({ "name": name, "priceAmount": amount, "quantity": 1 });
        let answer = shop.create_product(As::Key, input)?;
        answer.refused_with_one_of(&["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"])?;
    }
    Ok(())
}
