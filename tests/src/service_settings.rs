//! The settings of the services: expiry, tax and low stock.

use anyhow::{Context, Result};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::configured::{Host, configured_trials};
use crate::fixtures::unique;
use crate::graphql::GraphqlResponse;
use crate::process::Home;
use crate::shop::{As, Shop};
use crate::wait::{LATER, eventually};

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    configured_trials!(
        "service_settings",
        portable = [
            an_unpaid_order_expires_and_returns_its_stock,
            an_unchanged_cart_expires,
            the_operator_is_notified_of_low_stock,
            registrations_from_one_address_are_limited
        ],
        component = [an_order_has_the_tax_of_its_region]
    )
}

/// Repeats a query until its response matches.
fn becomes(
    shop: &Shop,
    caller: As<'_>,
    query: &str,
    matches: impl Fn(&GraphqlResponse) -> bool,
) -> Result<()> {
    eventually(LATER, "the response should change", || {
        let answer = shop.query(caller, query)?;
        Ok((matches(&answer), answer.http.body()))
    })
    .map(drop)
}

fn an_unpaid_order_expires_and_returns_its_stock(host: &Host) -> Result<()> {
    let home = Home::new()?;
    let running = host.start(&home, &[("ORDER_EXPIRY_SECONDS", "2")])?;
    let shop = running.shop();
    let (ada, product) = (shop.register("ada")?, shop.product(100, 5)?);
    let id = shop.order(ada.caller(), &[(&product, 3)])?;
    let query = format!("{{ order(id: \"{id}\") {{ status }} product(id: \"{product}\") {{ quantity }} }}");
    becomes(&shop, ada.caller(), &query, |answer| {
        answer.has("/order/status", "CANCELLED").is_ok() && answer.has("/product/quantity", 5).is_ok()
    })?;
    shop.set_order_status(&id, "PAID")?
        .refused("INVALID_TRANSITION")?;
    running.stop()
}

fn an_unchanged_cart_expires(host: &Host) -> Result<()> {
    let home = Home::new()?;
    let running = host.start(&home, &[("CART_EXPIRY_SECONDS", "2")])?;
    let shop = running.shop();
    let (ada, product) = (shop.register("ada")?, shop.product(100, 5)?);
    shop.add_to_cart(ada.caller(), &product, 2)?
        .has("/addToCart/total", 200)?;
    let query = "{ cart { total products { quantity } } }";
    becomes(&shop, ada.caller(), query, |answer| {
        answer.has("/cart/products", json!([])).is_ok()
    })?;
    running.stop()
}

fn an_order_has_the_tax_of_its_region(host: &Host) -> Result<()> {
    let home = Home::new()?;
    let running = host.start(&home, &[("TAX_RATES", "US-CA=7.25,US-NY=8.875,DE=19,GB=20,*=0")])?;
    let shop = running.shop();
    let (ada, product) = (shop.register("ada")?, shop.product(999, 99)?);
    let query = "mutation ($id: String!, $region: String) {
        placeOrder(products: [{ _id: $id, quantity: 3 }], region: $region) { subtotal tax total } }";
    // A subdivision without a rate has the rate of its country. The exact taxes are 217.2825, 265.98375,
    // 599.4 and 569.43.
    for (region, tax) in [
        (json!("US-CA"), 217),
        (json!("US-NY"), 266),
        (json!("GB"), 599),
        (json!("DE"), 569),
        (json!("DE-BY"), 569),
        (json!("FR"), 0),
        (Value::Null, 0),
    ] {
        let variables = json!({ "id": product, "region": region });
        let order = shop.graphql(ada.caller(), query, variables)?;
        let expected = json!({ "subtotal": 2997, "tax": tax, "total": 2997 + tax });
        order.has("/placeOrder", expected)?;
    }
    // A code that is no region would have no tax.
    for region in ["UK", "EL", "ZZ"] {
        let variables = json!({ "id": product, "region": region });
        let refused = shop.graphql(ada.caller(), query, variables)?;
        refused.bad_input("region")?;
        refused.is_null("/placeOrder")?;
    }
    running.stop()
}

fn the_operator_is_notified_of_low_stock(host: &Host) -> Result<()> {
    let home = Home::new()?;
    // The recipient is masked, so that only the host of the address identifies the operator of this test.
    let host_part = format!("@{}.example.com", unique("operator"));
    let operator = format!("operator{host_part}");
    let settings = [("OPERATOR_EMAIL", &*operator), ("LOW_STOCK", "2")];
    let running = host.start(&home, &settings)?;
    let shop = running.shop();
    let (ada, product) = (shop.register("ada")?, shop.product(100, 5)?);
    shop.order(ada.caller(), &[(&product, 3)])?;
    let query = "{ notifications(first: 10) { edges { node { kind medium recipient } } } }";
    let expected = json!({ "kind": "LOW_STOCK", "medium": "EMAIL", "recipient": format!("o…{host_part}") });
    becomes(&shop, As::Key, query, |answer| {
        answer
            .column_contains("/notifications/edges", "/node", &expected)
            .is_ok()
    })?;
    running.stop()
}

fn registrations_from_one_address_are_limited(host: &Host) -> Result<()> {
    let home = Home::new()?;
    let running = host.start(&home, &[("REGISTRATION_LIMIT", "3")])?;
    let shop = running.shop();
    let register = || shop.register_as(&unique("limited"), "a long password of a test");
    for _ in 0..3 {
        register()?.text("/registerUser/user/_id")?;
    }
    // A minute may end meanwhile, so that as many are allowed again.
    let answers = (0..4).map(|_| register()).collect::<Result<Vec<_>>>()?;
    let refused = answers.iter().find(|answer| answer.codes() == ["RATE_LIMITED"]);
    let refused = refused.context("a registration should be refused")?;
    let seconds = refused
        .errors()
        .first()
        .and_then(|error| error.pointer("/extensions/retryAfter"))
        .and_then(Value::as_u64);
    refused.expect(
        seconds.is_some_and(|seconds| (1..=60).contains(&seconds)),
        "the error should contain the seconds to wait",
    )?;
    running.stop()
}
