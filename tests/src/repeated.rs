//! `Idempotency-Key`: what comes again is not done again.

use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::client::{As, Call, Reply};
use crate::rest::{call, problem};
use crate::trials::trials;
use crate::world::{Stock, World, text_at, unique};

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "repeated",
        [
            an_order_that_comes_again_is_placed_once,
            orders_that_come_at_once_with_one_key_are_placed_once,
            a_key_is_for_one_request,
            a_mutation_that_comes_again_is_done_once,
            what_ended_the_session_is_answered_again,
            a_registration_that_comes_again_brings_the_same_tokens,
        ]
    )
}

fn place(world: &World, key: &str, product: &str, quantity: i64) -> Result<Reply> {
    let lines = json!({ "products": [{ "_id": product, "quantity": quantity }] });
    let call = call("POST", "/api/orders", lines).header("idempotency-key", key);
    world.shop.send_as(world.ada()?.caller(), call)
}

fn is_replayed(reply: &Reply) -> bool {
    reply.header("idempotency-replayed") == Some("true")
}

fn an_order_that_comes_again_is_placed_once(world: &World) -> Result<()> {
    let (product, key) = (world.product(1, 5)?, unique("key"));
    let first = place(world, &key, &product, 2)?;
    first.expect_status(201)?;
    ensure!(!is_replayed(&first), "the first answer is new");
    let again = place(world, &key, &product, 2)?;
    again.expect_status(201)?;
    again.expect(is_replayed(&again), || "expected Idempotency-Replayed".into())?;
    again.expect(again.text() == first.text(), || {
        "expected the first answer".into()
    })?;
    again.expect(again.header("location") == first.header("location"), || {
        "expected the first Location".into()
    })?;
    world.stock_becomes(
        &product,
        Stock {
            received: 5,
            on_hand: 3,
            reserved: 0,
            sold: 2,
        },
    )
}

fn orders_that_come_at_once_with_one_key_are_placed_once(world: &World) -> Result<()> {
    let (product, key) = (world.product(1, 50)?, unique("key"));
    let replies: Vec<Result<Reply>> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| place(world, &key, &product, 1)))
            .collect();
        calls.into_iter().filter_map(|call| call.join().ok()).collect()
    });
    ensure!(replies.len() == 8, "each request should be answered");
    let mut placed = 0;
    for reply in replies {
        let reply = reply?;
        if reply.status == 201 {
            placed += usize::from(!is_replayed(&reply));
        } else {
            problem(&reply, 409, "IDEMPOTENCY_KEY_IN_USE")?;
            reply.expect(reply.header("retry-after").is_some(), || {
                "expected Retry-After".into()
            })?;
        }
    }
    ensure!(placed == 1, "one of them should be executed, not {placed}");
    world.stock_becomes(
        &product,
        Stock {
            received: 50,
            on_hand: 49,
            reserved: 0,
            sold: 1,
        },
    )
}

fn a_key_is_for_one_request(world: &World) -> Result<()> {
    let (product, key) = (world.product(1, 5)?, unique("key"));
    place(world, &key, &product, 1)?.expect_status(201)?;
    problem(&place(world, &key, &product, 2)?, 422, "IDEMPOTENCY_KEY_REUSED")?;
    // The same key of another caller is another key.
    let lines = json!({ "products": [{ "_id": product, "quantity": 2 }] });
    let call = call("POST", "/api/orders", lines).header("idempotency-key", &key);
    let other = world.shop.send_as(world.bob()?.caller(), call)?;
    other.expect_status(201)?;
    ensure!(
        !is_replayed(&other),
        "another caller's answer should never be told"
    );
    Ok(())
}

fn a_mutation_that_comes_again_is_done_once(world: &World) -> Result<()> {
    let key = unique("key");
    let name = unique("repeated");
    let create = |price: i64| {
        let query = "mutation ($input: CreateProductInput) { createProduct(input: $input) { _id } }";
        let input = json!({ "name": name, "price": price, "quantity": 1 });
        let body = json!({ "query": query, "variables": { "input": input } });
        world
            .shop
            .send_as(As::Key, Call::post(&body).header("idempotency-key", &key))
    };
    let first = create(1)?;
    first.expect_status(200)?;
    let id = text_at(&first.json()?, "/data/createProduct/_id")?.to_owned();
    let again = create(1)?;
    again.expect(is_replayed(&again), || "expected Idempotency-Replayed".into())?;
    ensure!(
        text_at(&again.json()?, "/data/createProduct/_id")? == id,
        "it should be the same product"
    );
    let other = create(2)?;
    let code = other.json()?.pointer("/errors/0/extensions/code").cloned();
    other.expect(code == Some(json!("IDEMPOTENCY_KEY_REUSED")), || {
        "expected code IDEMPOTENCY_KEY_REUSED".into()
    })?;
    other.expect_status(422)?;
    Ok(())
}

fn what_ended_the_session_is_answered_again(world: &World) -> Result<()> {
    let (user, key) = (world.register("repeated")?, unique("key"));
    let sign_out = |key: &str| {
        let call = call("POST", "/api/users/logout", Value::Null).header("idempotency-key", key);
        world.shop.send_as(user.caller(), call)
    };
    for replayed in [false, true] {
        let reply = sign_out(&key)?;
        reply.expect_status(204)?;
        ensure!(is_replayed(&reply) == replayed, "it should be done once");
    }
    problem(&sign_out(&unique("key"))?, 401, "UNAUTHENTICATED")
}

fn a_registration_that_comes_again_brings_the_same_tokens(world: &World) -> Result<()> {
    let (name, key) = (unique("key"), unique("key"));
    let credentials: Value = json!({ "username": name, "password": "a long password" });
    let register = || {
        let call = call("POST", "/api/users/register", credentials.clone()).header("idempotency-key", &key);
        world.shop.send(call)
    };
    let first = register()?;
    first.expect_status(201)?;
    let again = register()?;
    again.expect(is_replayed(&again), || "expected Idempotency-Replayed".into())?;
    again.expect(again.text() == first.text(), || {
        "expected the first answer".into()
    })?;
    Ok(())
}
