//! What operators and their tools ask a shop.

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::client::{Call, Reply};
use crate::trials::trials;
use crate::world::World;

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "operations",
        [
            the_shop_is_alive_and_ready,
            an_unknown_path_is_a_problem_that_says_so,
            a_request_id_is_kept,
            a_request_id_that_is_not_sane_is_replaced,
            no_answer_tells_what_the_shop_is_made_of,
        ]
    )
}

fn the_shop_is_alive_and_ready(world: &World) -> Result<()> {
    for path in ["/livez", "/readyz"] {
        let reply = world.shop.send(Call::new("GET", path))?;
        reply.expect_status(200)?;
        reply.expect(!reply.text().trim().is_empty(), || "it should say so".into())?;
    }
    Ok(())
}

fn an_unknown_path_is_a_problem_that_says_so(world: &World) -> Result<()> {
    for path in [
        "/nonsense",
        "/graphql/nonsense",
        "/../etc/passwd",
        "/%00",
        "/graphqlx",
        "/livez/x",
    ] {
        let reply = world.shop.send(Call::new("GET", path))?;
        reply
            .expect_status(404)?
            .expect_media_type("application/problem+json")?;
        let problem = reply.json()?;
        let fine = problem.get("status") == Some(&json!(404))
            && problem.get("code") == Some(&json!("NOT_FOUND"))
            && problem
                .get("title")
                .and_then(Value::as_str)
                .is_some_and(|title| !title.is_empty());
        reply.expect(fine, || {
            "expected a problem of RFC 9457 with status 404, a title and code NOT_FOUND".into()
        })?;
    }
    Ok(())
}

fn typename(world: &World, request_id: Option<&str>) -> Result<Reply> {
    let call = Call::post(&json!({ "query": "{ __typename }" }));
    let reply = world.shop.send(match request_id {
        None => call,
        Some(id) => call.header("x-request-id", id),
    })?;
    reply.expect_status(200)?;
    Ok(reply)
}

fn a_request_id_is_kept(world: &World) -> Result<()> {
    for id in ["a", "018f3c5e-7a1b-7c3d-9e4f-0123456789ab", "trace_1.2-3"] {
        let reply = typename(world, Some(id))?;
        reply.expect(reply.header("x-request-id") == Some(id), || {
            format!("the request id should be {id}")
        })?;
    }
    let refused = world
        .shop
        .send(Call::new("GET", "/nonsense").header("x-request-id", "of-a-refusal"))?;
    let kept = refused.header("x-request-id") == Some("of-a-refusal");
    refused.expect(kept, || "a refusal should have the request's id, too".into())?;
    for path in ["/livez", "/readyz"] {
        let reply = world
            .shop
            .send(Call::new("GET", path).header("x-request-id", "of-an-orchestrator"))?;
        let kept = reply.header("x-request-id") == Some("of-an-orchestrator");
        reply.expect(kept, || {
            "how the shop is should be told with the request's id".into()
        })?;
    }
    Ok(())
}

fn a_request_id_that_is_not_sane_is_replaced(world: &World) -> Result<()> {
    let mut replacements = HashSet::new();
    for id in ["", " ", "a b", "<script>", "\"quoted\"", &"x".repeat(2_000)] {
        let reply = typename(world, Some(id))?;
        let given = reply.header("x-request-id").unwrap_or_default();
        reply.expect(!given.is_empty() && given != id.trim(), || {
            "the request id should be a new one".into()
        })?;
        let new = replacements.insert(given.to_owned());
        reply.expect(new, || "each request should have an id of its own".into())?;
    }
    Ok(())
}

fn no_answer_tells_what_the_shop_is_made_of(world: &World) -> Result<()> {
    for call in [
        Call::new("GET", "/nonsense"),
        Call::new("GET", "/livez"),
        Call::post(&json!({ "query": "{ nonsense }" })),
        Call::post(&json!({ "query": "{ product(id: \"nonsense\") { _id } }" })),
    ] {
        let reply = world.shop.send(call)?;
        let text = reply.text().to_lowercase();
        for word in [
            "sqlite",
            "wasmtime",
            "panicked",
            "src/",
            ".rs:",
            world.shop.secret(),
        ] {
            reply.expect(!text.contains(word), || {
                "an answer should not tell what is inside".into()
            })?;
        }
        reply.expect(
            reply.header("server").is_none_or(|server| !server.contains('/')),
            || "no version in Server".into(),
        )?;
    }
    Ok(())
}
