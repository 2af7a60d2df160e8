//! What the shop tells browsers and caches with each answer.

use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::Trial;

use crate::client::Call;
use crate::trials::trials;
use crate::world::World;

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "browsers",
        [
            answers_are_protected,
            other_origins_read_nothing_unless_they_are_named,
            caches_may_keep_what_is_public
        ]
    )
}

fn answers_are_protected(world: &World) -> Result<()> {
    for path in [
        "/graphql?query={__typename}",
        "/api/products?first=1",
        "/docs",
        "/api/nonsense",
        "/openapi.json",
        "/livez",
        "/readyz",
    ] {
        let reply = world.shop.send(Call::new("GET", path))?;
        for (name, expected) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            reply.expect(reply.header(name) == Some(expected), || {
                format!("expected {name}: {expected}")
            })?;
        }
        let policy = reply
            .header("content-security-policy")
            .unwrap_or_default()
            .to_owned();
        reply.expect(policy.starts_with("default-src 'none'"), || {
            "expected a policy".into()
        })?;
    }
    Ok(())
}

/// The shop under test names none.
fn other_origins_read_nothing_unless_they_are_named(world: &World) -> Result<()> {
    let call = Call::new("GET", "/api/products?first=1").header("origin", "https://elsewhere.example");
    let reply = world.shop.send(call)?;
    reply.expect(reply.header("access-control-allow-origin").is_none(), || {
        "no other origin should be let in".into()
    })?;
    let asked = Call::new("OPTIONS", "/api/products")
        .header("origin", "https://elsewhere.example")
        .header("access-control-request-method", "POST");
    let reply = world.shop.send(asked)?;
    reply.expect(reply.header("access-control-allow-methods").is_none(), || {
        "no other origin should be let in".into()
    })?;
    Ok(())
}

fn caches_may_keep_what_is_public(world: &World) -> Result<()> {
    let id = world.product(1, 1)?;
    let query = format!("/graphql?query=%7Bproduct(id:%22{id}%22)%7Bname%7D%7D");
    for path in [query.as_str(), "/api/products?first=1"] {
        let reply = world.shop.send(Call::new("GET", path))?;
        reply.expect_status(200)?;
        reply.expect(reply.header("cache-control") == Some("public, no-cache"), || {
            "anybody may keep it, and has to ask".into()
        })?;
        reply.expect(reply.header("etag").is_some(), || "expected an ETag".into())?;
    }
    let own = world
        .shop
        .send_as(world.ada()?.caller(), Call::get(&[("query", "{ me { _id } }")]))?;
    own.expect(own.header("cache-control") == Some("no-store"), || {
        "nobody should keep it".into()
    })?;
    Ok(())
}
