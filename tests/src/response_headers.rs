//! Response headers for browsers and caches.

use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::Trial;

use crate::http::Request;
use crate::shop::{As, Shop};
use crate::trials::trials;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "response_headers",
        component = [
            responses_have_security_headers,
            unlisted_origins_get_no_cors_headers,
            caches_may_store_public_responses
        ]
    )
}

fn responses_have_security_headers(shop: &Shop) -> Result<()> {
    for path in [
        "/graphql?query={__typename}",
        "/api/products?first=1",
        "/docs",
        "/api/nonsense",
        "/openapi.json",
        "/livez",
        "/readyz",
    ] {
        let response = shop.get(As::Anonymous, path)?;
        for (name, expected) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            response.has_header(name, expected)?;
        }
        let policy = response.header("content-security-policy").unwrap_or_default();
        response.expect(
            policy.starts_with("default-src 'none'"),
            "expected a Content-Security-Policy",
        )?;
    }
    Ok(())
}

/// The shop under test lists no origin.
fn unlisted_origins_get_no_cors_headers(shop: &Shop) -> Result<()> {
    let get = Request::new("GET", "/api/products?first=1");
    let preflight = Request::new("OPTIONS", "/api/products").header("access-control-request-method", "POST");
    for (request, header) in [
        (get, "access-control-allow-origin"),
        (preflight, "access-control-allow-methods"),
    ] {
        let response = shop.send(request.header("origin", "https://elsewhere.example"))?;
        response.expect(
            response.header(header).is_none(),
            format!("another origin should not get {header}"),
        )?;
    }
    Ok(())
}

fn caches_may_store_public_responses(shop: &Shop) -> Result<()> {
    let id = shop.product(1, 1)?;
    let query = format!("/graphql?query=%7Bproduct(id:%22{id}%22)%7Bname%7D%7D");
    for path in [query.as_str(), "/api/products?first=1"] {
        let response = shop.get(As::Anonymous, path)?;
        response.expect_status(200)?;
        response.has_header("cache-control", "public, no-cache")?;
        response.expect(response.header("etag").is_some(), "expected an ETag")?;
    }
    let own = shop.send_as(shop.ada()?.caller(), Request::get(&[("query", "{ me { _id } }")]))?;
    own.has_header("cache-control", "no-store")
}
