//! Response headers for browsers and caches.

use std::io::Read;
use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::Trial;
use serde_json::json;

use crate::http::Request;
use crate::shop::{As, Shop};
use crate::trials::trials;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "response_headers",
        portable = [answers_are_compressed_as_the_client_asks],
        component = [
            a_change_takes_the_tag_of_a_compressed_answer,
            a_client_that_accepts_no_coding_is_refused,
            a_refused_preflight_names_the_setting,
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

/// Returns the path of a product whose answer is long enough to be compressed.
fn long_product(shop: &Shop) -> Result<String> {
    let description = "A sock of fine wool. ".repeat(200);
    let input = json!({ "name": "sock", "price": 1, "quantity": 1, "description": description });
    Ok(format!("/api/products/{}", shop.product_from(input)?))
}

fn answers_are_compressed_as_the_client_asks(shop: &Shop) -> Result<()> {
    let path = long_product(shop)?;
    let get =
        |path: &str, codings: &str| shop.send(Request::new("GET", path).header("accept-encoding", codings));
    let plain = shop.get(As::Anonymous, &path)?;
    plain.expect(plain.header("content-encoding").is_none(), "expected no coding")?;
    plain.expect(plain.header("vary").is_some(), "expected Vary")?;
    for (codings, coding) in [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("gzip;q=0.5, zstd", "zstd"),
        ("br;q=0, *;q=0.1", "gzip"),
    ] {
        // The second answer comes from the cache.
        for _ in 0..2 {
            let compressed = get(&path, codings)?;
            compressed.expect_status(200)?;
            compressed.has_header("content-encoding", coding)?;
            compressed.expect(
                compressed.bytes().len() * 4 < plain.bytes().len(),
                format!("{coding} should shorten the body"),
            )?;
            let tag = compressed.header("etag").unwrap_or_default().to_owned();
            compressed.expect(
                tag.ends_with(&format!("-{coding}\"")),
                "expected the tag of the coding",
            )?;
            let again = Request::new("GET", &path)
                .header("accept-encoding", codings)
                .header("if-none-match", &tag);
            let again = shop.send(again)?;
            again.expect_status(304)?;
            again.has_header("etag", &tag)?;
        }
    }
    let gzip = get(&path, "gzip")?;
    let mut text = String::new();
    flate2::read::GzDecoder::new(gzip.bytes()).read_to_string(&mut text)?;
    gzip.expect(text == plain.body(), "expected the same text")?;
    for (path, codings) in [
        (path.as_str(), "identity"),
        (path.as_str(), "gzip;q=0.1, identity"),
        ("/api/products?first=1&sku=unknown", "gzip"),
    ] {
        let plain = get(path, codings)?;
        plain.expect(plain.header("content-encoding").is_none(), "expected no coding")?;
        plain.json()?;
    }
    let query =
        Request::query("{ __schema { types { name fields { name } } } }").header("accept-encoding", "gzip");
    let answer = shop.send(query)?;
    answer.has_header("content-encoding", "gzip")
}

fn a_change_takes_the_tag_of_a_compressed_answer(shop: &Shop) -> Result<()> {
    let path = long_product(shop)?;
    let read = shop.send(Request::new("GET", &path).header("accept-encoding", "gzip"))?;
    let tag = read.header("etag").unwrap_or_default().to_owned();
    let edit = |price: i64| {
        let request = Request::json("PUT", &path, &json!({ "price": price })).header("if-match", &tag);
        shop.send_as(As::Key, request)
    };
    edit(2)?.expect_status(200)?;
    edit(3)?.problem(409, "CONFLICT")
}

fn a_client_that_accepts_no_coding_is_refused(shop: &Shop) -> Result<()> {
    for codings in ["identity;q=0", "*;q=0", "identity;q=0, deflate"] {
        let refused = shop.send(Request::new("GET", "/api/products").header("accept-encoding", codings))?;
        refused.problem(406, "NOT_ACCEPTABLE")?;
    }
    // A body of any length is compressed for a client that does not accept it otherwise.
    let request =
        Request::new("GET", "/api/products?sku=unknown").header("accept-encoding", "identity;q=0, gzip");
    shop.send(request)?.has_header("content-encoding", "gzip")
}

/// The shop under test lists no origin.
fn a_refused_preflight_names_the_setting(shop: &Shop) -> Result<()> {
    let preflight = Request::new("OPTIONS", "/api/products")
        .header("origin", "https://elsewhere.example")
        .header("access-control-request-method", "POST");
    let refused = shop.send(preflight)?;
    refused.problem(403, "FORBIDDEN")?;
    let detail = refused.text("/detail")?;
    refused.expect(
        detail.contains("CORS_ORIGINS") && detail.contains("https://elsewhere.example"),
        "the detail should name the origin and the setting",
    )
}
