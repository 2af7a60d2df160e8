//! What stands around every request, in shops that are configured for it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::json;

use crate::client::{As, Call, JSON};
use crate::configured::{Host, configured_trials};
use crate::own::Home;

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    configured_trials!(
        "edge",
        [
            each_caller_has_so_many_requests_a_minute,
            a_batch_counts_as_the_requests_in_it,
            the_pages_of_named_origins_may_read_answers,
            a_shop_can_execute_its_own_documents_only,
        ]
    )
}

fn each_caller_has_so_many_requests_a_minute(host: &Host) -> Result<()> {
    let home = Home::new()?;
    let running = host.start(&home, &[("RATE_LIMIT", "5")])?;
    let shop = running.shop();
    let first = shop.send(Call::new("GET", "/api/products"))?;
    first.expect_status(200)?;
    first.expect(first.header("ratelimit-limit") == Some("5"), || {
        "expected RateLimit-Limit".into()
    })?;
    // The minute may turn meanwhile, once.
    let mut refused = None;
    for _ in 0..12 {
        let reply = shop.send(Call::new("GET", "/api/products"))?;
        if reply.status != 200 {
            refused = Some(reply);
            break;
        }
    }
    let Some(refused) = refused else {
        anyhow::bail!("one of thirteen requests should be too many");
    };
    crate::rest::problem(&refused, 429, "RATE_LIMITED")?;
    for name in ["retry-after", "ratelimit-reset", "ratelimit-remaining"] {
        refused.expect(refused.header(name).is_some(), || format!("expected {name}"))?;
    }
    shop.send_as(As::Key, Call::new("GET", "/api/products"))?
        .expect_status(200)?;
    for path in ["/livez", "/readyz"] {
        shop.send(Call::new("GET", path))?.expect_status(200)?;
    }
    running.stop()
}

fn a_batch_counts_as_the_requests_in_it(host: &Host) -> Result<()> {
    let home = Home::new()?;
    let running = host.start(&home, &[("RATE_LIMIT", "5")])?;
    let shop = running.shop();
    let batch = |count: usize| Call::post(&json!(vec![json!({ "query": "{ __typename }" }); count]));
    let first = shop.send(batch(1))?;
    if first.header("ratelimit-remaining") != Some("4") {
        // Of this minute a test before has had its share.
        let left = first
            .header("ratelimit-reset")
            .context("the minute's end is told")?;
        std::thread::sleep(Duration::from_secs(left.parse()?));
        shop.send(batch(1))?.expect_status(200)?;
    }
    let fits = shop.send(batch(4))?;
    fits.expect_status(200)?;
    fits.expect(fits.header("ratelimit-remaining") == Some("0"), || {
        "four more should be counted".into()
    })?;
    // More than a minute has, and so not of the minute that may turn meanwhile.
    let refused = shop.send(batch(6))?;
    refused.expect_status(429)?;
    let code = refused.json()?.pointer("/errors/0/extensions/code").cloned();
    refused.expect(code == Some(json!("RATE_LIMITED")), || {
        "expected code RATE_LIMITED".into()
    })?;
    refused.expect(refused.header("retry-after").is_some(), || {
        "expected Retry-After".into()
    })?;
    running.stop()
}

fn the_pages_of_named_origins_may_read_answers(host: &Host) -> Result<()> {
    let home = Home::new()?;
    let origin = "https://shop.example";
    let running = host.start(&home, &[("CORS_ORIGINS", origin), ("HSTS_SECONDS", "600")])?;
    let shop = running.shop();
    for (asks, told) in [(origin, Some(origin)), ("https://elsewhere.example", None)] {
        let call = Call::new("OPTIONS", "/graphql")
            .header("origin", asks)
            .header("access-control-request-method", "POST");
        let large = Call::new("POST", "/graphql")
            .header("content-type", JSON)
            .body(" ".repeat((1 << 20) + 1));
        for reply in [
            shop.send(call)?,
            shop.send(Call::new("GET", "/api/products").header("origin", asks))?,
            shop.send(Call::new("GET", "/livez").header("origin", asks))?,
            shop.send(large.header("origin", asks))?,
        ] {
            let allowed = reply.header("access-control-allow-origin").map(str::to_owned);
            reply.expect(allowed.as_deref() == told, || {
                format!("{asks} should be told {told:?}")
            })?;
            reply.expect(
                reply.header("strict-transport-security") == Some("max-age=600"),
                || "expected Strict-Transport-Security".into(),
            )?;
        }
    }
    running.stop()
}

fn a_shop_can_execute_its_own_documents_only(host: &Host) -> Result<()> {
    let home = Home::new()?;
    let (digest, document) = (
        "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38",
        "{__typename}",
    );
    let manifest = json!({ (digest): document }).to_string();
    let settings = [
        ("PERSISTED_QUERIES", "only"),
        ("PERSISTED_QUERIES_MANIFEST", manifest.as_str()),
    ];
    let running = host.start(&home, &settings)?;
    let shop = running.shop();
    let named = json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": digest } } });
    let reply = shop.send(Call::post(&named))?;
    let data = reply.json()?.pointer("/data/__typename").cloned();
    ensure!(
        data == Some(json!("Query")),
        "its own document should be executed: {}",
        reply.text()
    );
    let other = shop.send(Call::post(&json!({ "query": "{ products { _id } }" })))?;
    let code = other.json()?.pointer("/errors/0/extensions/code").cloned();
    ensure!(
        code == Some(json!("PERSISTED_QUERY_ONLY")),
        "no other should be: {}",
        other.text()
    );
    running.stop()
}
