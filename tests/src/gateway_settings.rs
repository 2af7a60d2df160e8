//! The settings of the gateway: rate limits, CORS and persisted queries.

use std::time::Duration;

use anyhow::{Context, Result};
use libtest_mimic::Trial;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::configured::{Host, configured_trials};
use crate::http::Request;
use crate::process::Home;
use crate::shop::As;

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    configured_trials!(
        "gateway_settings",
        portable = [each_caller_has_a_rate_limit, listed_origins_get_cors_headers],
        component = [
            a_batch_counts_as_the_requests_in_it,
            each_mutation_of_an_operation_counts,
            public_clients_have_a_rate_limit_without_a_setting,
            webhooks_of_stripe_need_a_secret,
            a_shop_keeps_short_documents_by_their_digests,
            a_shop_can_allow_persisted_queries_only
        ]
    )
}

fn each_caller_has_a_rate_limit(host: &Host) -> Result<()> {
    let home = Home::new()?;
    let running = host.start(&home, &[("RATE_LIMIT", "5")])?;
    let shop = running.shop();
    let first = shop.get(As::Anonymous, "/api/products")?;
    first.expect_status(200)?;
    first.has_header("ratelimit-limit", "5")?;
    // A new minute may begin once during this loop.
    let mut refused = shop.get(As::Anonymous, "/api/products")?;
    for _ in 1..12 {
        if refused.status != 200 {
            break;
        }
        refused = shop.get(As::Anonymous, "/api/products")?;
    }
    refused.problem(429, "RATE_LIMITED")?;
    for name in ["retry-after", "ratelimit-reset", "ratelimit-remaining"] {
        refused.expect(refused.header(name).is_some(), format!("expected {name}"))?;
    }
    shop.get(As::Key, "/api/products")?.expect_status(200)?;
    for path in ["/livez", "/readyz"] {
        shop.get(As::Anonymous, path)?.expect_status(200)?;
    }
    running.stop()
}

fn a_batch_counts_as_the_requests_in_it(host: &Host) -> Result<()> {
    let home = Home::new()?;
    let running = host.start(&home, &[("RATE_LIMIT", "5")])?;
    let shop = running.shop();
    let batch = |count: usize| Request::post(&json!(vec![json!({ "query": "{ __typename }" }); count]));
    let first = shop.send(batch(1))?;
    if first.header("ratelimit-remaining") != Some("4") {
        // An earlier test has used up a part of this minute's limit.
        let left = first
            .header("ratelimit-reset")
            .context("the response has the end of the minute")?;
        std::thread::sleep(Duration::from_secs(left.parse()?));
        shop.send(batch(1))?.expect_status(200)?;
    }
    let allowed = shop.send(batch(4))?;
    allowed.expect_status(200)?;
    allowed.has_header("ratelimit-remaining", "0")?;
    // The batch exceeds the limit of a minute, so that it does not matter whether a new minute begins.
    let refused = shop.send(batch(6))?;
    refused.expect_status(429)?;
    refused.has("/errors/0/extensions/code", "RATE_LIMITED")?;
    refused.expect(refused.header("retry-after").is_some(), "expected Retry-After")?;
    running.stop()
}

fn each_mutation_of_an_operation_counts(host: &Host) -> Result<()> {
    let home = Home::new()?;
    let running = host.start(&home, &[("RATE_LIMIT", "5")])?;
    let shop = running.shop();
    let create = |number| {
        let input = format!("{{ name: \"counted {number}\", price: 1, quantity: 1 }}");
        format!("p{number}: createProduct(input: {input}) {{ _id }} ")
    };
    let all: String = (0..6).map(create).collect();
    // The operation exceeds the limit of a minute, so that it does not matter whether a new minute begins.
    for mutation in [
        format!("mutation {{ {all} }}"),
        format!("mutation {{ ...F }} fragment F on Mutation {{ {all} }}"),
    ] {
        let refused = shop.send_as(As::Key, Request::query(&mutation))?;
        refused.expect_status(429)?;
        refused.has("/errors/0/extensions/code", "RATE_LIMITED")?;
        refused.expect(refused.header("retry-after").is_some(), "expected Retry-After")?;
    }
    shop.get(As::Anonymous, "/api/products")?
        .has("/items", json!([]))?;
    running.stop()
}

fn public_clients_have_a_rate_limit_without_a_setting(host: &Host) -> Result<()> {
    let home = Home::new()?;
    let running = host.start(&home, &[("CLIENT_ADDRESS_HEADER", "x-forwarded-for")])?;
    let shop = running.shop();
    let get = |caller, address: &str| {
        let request = Request::new("GET", "/api/products").header("x-forwarded-for", address);
        shop.send_as(caller, request)
    };
    for address in ["203.0.113.9", "2001:db8::9"] {
        let counted = get(As::Anonymous, address)?;
        counted.has_header("ratelimit-limit", "6000")?;
        let key = get(As::Key, address)?;
        key.expect(
            key.header("ratelimit-limit").is_none(),
            "the API key should not be counted",
        )?;
    }
    for address in ["127.0.0.1", "10.0.0.1", "192.168.0.1", "fe80::1", "::1"] {
        let free = get(As::Anonymous, address)?;
        free.expect(
            free.status == 200 && free.header("ratelimit-limit").is_none(),
            format!("{address} should not be counted"),
        )?;
    }
    running.stop()
}

fn webhooks_of_stripe_need_a_secret(host: &Host) -> Result<()> {
    let home = Home::new()?;
    let running = host.start(&home, &[])?;
    let shop = running.shop();
    let post = |path| shop.rest(As::Anonymous, "POST", path, json!({ "id": "evt_1" }));
    let refused = post("/webhooks/stripe")?;
    refused.problem(404, "NOT_FOUND")?;
    refused.expect(
        !refused.body().contains("STRIPE_"),
        "the answer should not name a setting",
    )?;
    let unknown = post("/webhooks/unknown")?;
    refused.has(
        "/detail",
        unknown
            .text("/detail")?
            .replace("/webhooks/unknown", "/webhooks/stripe"),
    )?;
    running.stop()
}

fn a_shop_keeps_short_documents_by_their_digests(host: &Host) -> Result<()> {
    let home = Home::new()?;
    let running = host.start(&home, &[("PERSISTED_QUERIES", "automatic")])?;
    let shop = running.shop();
    let named = |digest: &str, query: Option<&str>| {
        let extension = json!({ "persistedQuery": { "version": 1, "sha256Hash": digest } });
        Request::post(&match query {
            Some(query) => json!({ "query": query, "extensions": extension }),
            None => json!({ "extensions": extension }),
        })
    };
    let digest = "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38";
    shop.send(named(digest, Some("{__typename}")))?
        .has("/data/__typename", "Query")?;
    shop.send(named(digest, None))?.has("/data/__typename", "Query")?;
    let long = format!("{{__typename}} # {}", "x".repeat(60_000));
    let digest = format!("{:x}", Sha256::digest(&long));
    shop.send(named(&digest, Some(&long)))?
        .has("/data/__typename", "Query")?;
    shop.send(named(&digest, None))?
        .has("/errors/0/extensions/code", "PERSISTED_QUERY_NOT_FOUND")?;
    running.stop()
}

fn listed_origins_get_cors_headers(host: &Host) -> Result<()> {
    let home = Home::new()?;
    let origin = "https://shop.example";
    let running = host.start(&home, &[("CORS_ORIGINS", origin), ("HSTS_SECONDS", "600")])?;
    let shop = running.shop();
    for (sender, allowed) in [(origin, Some(origin)), ("https://elsewhere.example", None)] {
        for request in [
            Request::new("OPTIONS", "/graphql").header("access-control-request-method", "POST"),
            Request::new("GET", "/api/products"),
            Request::new("GET", "/livez"),
            Request::graphql(" ".repeat((1 << 20) + 1)),
        ] {
            let response = shop.send(request.header("origin", sender))?;
            response.expect(
                response.header("access-control-allow-origin") == allowed,
                format!("{sender} should get {allowed:?} as the allowed origin"),
            )?;
            response.has_header("strict-transport-security", "max-age=600")?;
        }
    }
    running.stop()
}

fn a_shop_can_allow_persisted_queries_only(host: &Host) -> Result<()> {
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
    let persisted = json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": digest } } });
    shop.send(Request::post(&persisted))?
        .has("/data/__typename", "Query")?;
    shop.send(Request::query("{ products { _id } }"))?
        .has("/errors/0/extensions/code", "PERSISTED_QUERY_ONLY")?;
    running.stop()
}
