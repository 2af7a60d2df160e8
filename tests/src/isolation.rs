//! Instances of components are reused for many requests: nothing of one request is seen by the next.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::client::{As, Call};
use crate::trials::trials;
use crate::world::{World, place_order};

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "isolation",
        [
            users_that_take_turns_see_only_themselves,
            a_request_without_proof_inherits_none,
            variables_and_errors_of_one_request_are_gone_in_the_next,
            requests_of_one_batch_share_their_caller_and_nothing_else,
            a_request_id_belongs_to_one_request,
        ]
    )
}

fn users_that_take_turns_see_only_themselves(world: &World) -> Result<()> {
    let users = [
        world.register("turn")?,
        world.register("turn")?,
        world.register("turn")?,
    ];
    let product = world.product(1, 1_000)?;
    for user in &users {
        place_order(&world.shop, user.caller(), &[(&product, 1)])?.text("/placeOrder/_id")?;
    }
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..8)
            .map(|worker| {
                let (users, shop) = (&users, &world.shop);
                scope.spawn(move || -> Result<()> {
                    for turn in 0..30 {
                        let user = users
                            .get((worker + turn) % users.len())
                            .context("there are three users")?;
                        let answer = shop.query(
                            user.caller(),
                            "{ me { _id username } users { _id } orders { userId } }",
                        )?;
                        answer.expect(answer.text("/me/_id")? == user.id, "me should be the caller")?;
                        answer.expect(
                            answer.text("/me/username")? == user.name,
                            "me should have the caller's name",
                        )?;
                        answer.expect(
                            answer.column("/users", "/_id")? == [json!(user.id)],
                            "users should be the caller",
                        )?;
                        let owners = answer.column("/orders", "/userId")?;
                        answer.expect(owners == [json!(user.id)], "orders should be the caller's")?;
                    }
                    Ok(())
                })
            })
            .collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().map_err(|_| anyhow::anyhow!("a worker panicked"))?)
    })
}

fn a_request_without_proof_inherits_none(world: &World) -> Result<()> {
    let ada = world.ada()?;
    for who in [ada.caller(), As::Key, world.root()?.caller()] {
        for _ in 0..20 {
            world.shop.query(who, "{ users { _id } }")?.list("/users")?;
            world
                .shop
                .query(As::Anonymous, "{ users { _id } }")?
                .refused("UNAUTHENTICATED")?;
            world
                .shop
                .query(As::Anonymous, "{ me { _id } }")?
                .refused("UNAUTHENTICATED")?;
        }
    }
    Ok(())
}

fn variables_and_errors_of_one_request_are_gone_in_the_next(world: &World) -> Result<()> {
    let query = "query ($first: Int) { productConnection(first: $first) { edges { cursor } } }";
    let (one, other) = (world.product(1, 1)?, world.product(1, 1)?);
    for _ in 0..20 {
        world
            .shop
            .graphql(As::Anonymous, query, json!({ "first": 0 }))?
            .bad_input("first")?;
        let one_page = world.shop.graphql(As::Anonymous, query, json!({ "first": 1 }))?;
        one_page.expect(
            one_page.list("/productConnection/edges")?.len() == 1,
            "one product was asked for",
        )?;
        let default = world.shop.query(As::Anonymous, query)?;
        default.expect(
            default.list("/productConnection/edges")?.len() > 1,
            "the page should be of the default size",
        )?;
        for id in [&one, &other] {
            let answer = world.shop.graphql(
                As::Anonymous,
                "query ($id: ID!) { product(id: $id) { _id } }",
                json!({ "id": id }),
            )?;
            answer.expect(
                answer.text("/product/_id")? == id,
                "the product should be the one asked for",
            )?;
        }
    }
    Ok(())
}

fn requests_of_one_batch_share_their_caller_and_nothing_else(world: &World) -> Result<()> {
    let (ada, bob) = (world.ada()?, world.bob()?);
    let requests = json!([
        { "query": "query A($id: ID!) { user(id: $id) { _id } }", "variables": { "id": bob.id } },
        { "query": "query A { me { _id } }" },
        { "query": "query A($id: ID!) { user(id: $id) { _id } }", "variables": { "id": ada.id } },
    ]);
    let reply = world.shop.send_as(ada.caller(), Call::post(&requests))?;
    let results = reply.json()?;
    let at = |pointer: &str| results.pointer(pointer).and_then(Value::as_str);
    reply.expect(at("/0/errors/0/extensions/code") == Some("FORBIDDEN"), || {
        "Bob is not Ada's to see".into()
    })?;
    reply.expect(at("/1/data/me/_id") == Some(ada.id.as_str()), || {
        "me should be Ada".into()
    })?;
    reply.expect(results.pointer("/1/errors").is_none(), || {
        "an error should stay in its request".into()
    })?;
    reply.expect(at("/2/data/user/_id") == Some(ada.id.as_str()), || {
        "Ada is Ada's to see".into()
    })?;
    Ok(())
}

fn a_request_id_belongs_to_one_request(world: &World) -> Result<()> {
    let mut ids = Vec::new();
    for _ in 0..20 {
        let reply = world
            .shop
            .send(Call::post(&json!({ "query": "{ __typename }" })))?;
        let id = reply.header("x-request-id").map(str::to_owned);
        ids.push(id.ok_or_else(|| reply.failure("there should be a request id"))?);
    }
    ids.sort();
    ids.dedup();
    ensure!(
        ids.len() == 20,
        "each request should have an id of its own: {ids:?}"
    );
    Ok(())
}
