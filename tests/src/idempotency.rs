//! `Idempotency-Key`: a repeated request has its effect once, and its first response is replayed.

use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::json;

use crate::fixtures::{Stock, order_lines, unique};
use crate::http::{Request, Response};
use crate::parallel::at_once;
use crate::shop::{As, Shop};
use crate::trials::trials;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "idempotency",
        portable = [
            a_repeated_order_is_placed_once,
            concurrent_orders_with_one_key_are_placed_once,
            a_key_is_valid_for_one_request,
            a_repeated_mutation_runs_once,
            a_repeated_sign_out_is_replayed,
            a_repeated_registration_returns_the_same_tokens
        ]
    )
}

/// Places an order with an idempotency key.
fn place(shop: &Shop, caller: As<'_>, key: &str, product: &str, quantity: i64) -> Result<Response> {
    let lines = json!({ "products": order_lines(&[(product, quantity)]) });
    let request = Request::json("POST", "/api/orders", &lines).header("idempotency-key", key);
    shop.send_as(caller, request)
}

fn is_replayed(response: &Response) -> bool {
    response.header("idempotency-replayed") == Some("true")
}

/// Fails unless the second response is a replay of the first.
fn expect_replay(first: &Response, again: &Response) -> Result<()> {
    first.expect(!is_replayed(first), "the first response should not be a replay")?;
    again.has_header("idempotency-replayed", "true")?;
    again.expect_status(first.status)?;
    again.expect(
        again.body() == first.body() && again.header("location") == first.header("location"),
        "expected the first response",
    )
}

fn a_repeated_order_is_placed_once(shop: &Shop) -> Result<()> {
    let (product, key) = (shop.product(1, 5)?, unique("key"));
    let place = || place(shop, shop.ada()?.caller(), &key, &product, 2);
    let first = place()?;
    first.expect_status(201)?;
    expect_replay(&first, &place()?)?;
    shop.stock_becomes(&product, Stock::settled(5, 2))
}

fn concurrent_orders_with_one_key_are_placed_once(shop: &Shop) -> Result<()> {
    let (product, key) = (shop.product(1, 50)?, unique("key"));
    let responses = at_once(8, |_| place(shop, shop.ada()?.caller(), &key, &product, 1))?;
    let mut placed = 0;
    for response in responses {
        if response.status == 201 {
            placed += usize::from(!is_replayed(&response));
        } else {
            response.problem(409, "IDEMPOTENCY_KEY_IN_USE")?;
            response.expect(response.header("retry-after").is_some(), "expected Retry-After")?;
        }
    }
    ensure!(placed == 1, "one order should be placed, not {placed}");
    shop.stock_becomes(&product, Stock::settled(50, 1))
}

fn a_key_is_valid_for_one_request(shop: &Shop) -> Result<()> {
    let (product, key) = (shop.product(1, 5)?, unique("key"));
    let place = |caller, quantity| place(shop, caller, &key, &product, quantity);
    let ada = shop.ada()?.caller();
    place(ada, 1)?.expect_status(201)?;
    place(ada, 2)?.problem(422, "IDEMPOTENCY_KEY_REUSED")?;
    // The same key of another caller is another key.
    let other = place(shop.bob()?.caller(), 2)?;
    other.expect_status(201)?;
    other.expect(
        !is_replayed(&other),
        "the response to another caller should not be replayed",
    )
}

fn a_repeated_mutation_runs_once(shop: &Shop) -> Result<()> {
    let (key, name) = (unique("key"), unique("repeated"));
    let create = |price: i64| {
        let query = "mutation ($input: CreateProductInput) { createProduct(input: $input) { _id } }";
        let input = json!({ "name": name, "price": price, "quantity": 1 });
        let body = json!({ "query": query, "variables": { "input": input } });
        shop.send_as(As::Key, Request::post(&body).header("idempotency-key", &key))
    };
    let first = create(1)?;
    first.expect_status(200)?;
    first.text("/data/createProduct/_id")?;
    expect_replay(&first, &create(1)?)?;
    let other = create(2)?;
    other.has("/errors/0/extensions/code", "IDEMPOTENCY_KEY_REUSED")?;
    other.expect_status(422).map(drop)
}

fn a_repeated_sign_out_is_replayed(shop: &Shop) -> Result<()> {
    let (user, key) = (shop.register("repeated")?, unique("key"));
    let sign_out = |key: &str| {
        let request = Request::new("POST", "/api/users/logout").header("idempotency-key", key);
        shop.send_as(user.caller(), request)
    };
    let first = sign_out(&key)?;
    first.expect_status(204)?;
    expect_replay(&first, &sign_out(&key)?)?;
    sign_out(&unique("key"))?.problem(401, "UNAUTHENTICATED")
}

fn a_repeated_registration_returns_the_same_tokens(shop: &Shop) -> Result<()> {
    let (name, key) = (unique("key"), unique("key"));
    let credentials = json!({ "username": name, "password": "a long password" });
    let register = || {
        let request = Request::json("POST", "/api/users/register", &credentials);
        shop.send(request.header("idempotency-key", &key))
    };
    let first = register()?;
    first.expect_status(201)?;
    expect_replay(&first, &register()?)
}
