//! Endpoints and headers for operators and their tools.

use std::collections::HashSet;
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
        "operations",
        portable = [
            the_shop_is_alive_and_ready,
            an_unknown_path_is_a_not_found_problem,
            a_request_id_is_returned,
            a_missing_or_invalid_request_id_is_replaced
        ],
        component = [responses_do_not_reveal_internals]
    )
}

fn the_shop_is_alive_and_ready(shop: &Shop) -> Result<()> {
    for path in ["/livez", "/readyz"] {
        let response = shop.get(As::Anonymous, path)?;
        response.expect_status(200)?;
        response.expect(!response.body().trim().is_empty(), "the body should not be empty")?;
    }
    Ok(())
}

fn an_unknown_path_is_a_not_found_problem(shop: &Shop) -> Result<()> {
    for path in [
        "/nonsense",
        "/graphql/nonsense",
        "/../etc/passwd",
        "/%00",
        "/graphqlx",
        "/livez/x",
    ] {
        let response = shop.get(As::Anonymous, path)?;
        response
            .expect_status(404)?
            .expect_media_type("application/problem+json")?;
        response.has("/status", 404)?;
        response.has("/code", "NOT_FOUND")?;
        response.expect(
            !response.text("/title")?.is_empty(),
            "the problem should have a title",
        )?;
    }
    Ok(())
}

fn a_request_id_is_returned(shop: &Shop) -> Result<()> {
    for id in ["a", "018f3c5e-7a1b-7c3d-9e4f-0123456789ab", "trace_1.2-3"] {
        for (request, status) in [
            (Request::query("{ __typename }"), 200),
            (Request::new("GET", "/nonsense"), 404),
            (Request::new("GET", "/livez"), 200),
            (Request::new("GET", "/readyz"), 200),
        ] {
            let response = shop.send(request.header("x-request-id", id))?;
            response.expect_status(status)?;
            response.has_header("x-request-id", id)?;
        }
    }
    Ok(())
}

fn a_missing_or_invalid_request_id_is_replaced(shop: &Shop) -> Result<()> {
    let long = "x".repeat(2_000);
    let invalid = ["", " ", "a b", "<script>", "\"quoted\"", &long].map(Some);
    let mut replacements = HashSet::new();
    for id in invalid.into_iter().chain([None; 20]) {
        let mut request = Request::query("{ __typename }");
        if let Some(id) = id {
            request = request.header("x-request-id", id);
        }
        let response = shop.send(request)?;
        response.expect_status(200)?;
        let found = response.header("x-request-id").unwrap_or_default();
        response.expect(
            !found.is_empty() && Some(found) != id.map(str::trim),
            "the request id should be new",
        )?;
        response.expect(
            replacements.insert(found.to_owned()),
            "no two requests should have the same id",
        )?;
    }
    Ok(())
}

fn responses_do_not_reveal_internals(shop: &Shop) -> Result<()> {
    for request in [
        Request::new("GET", "/nonsense"),
        Request::new("GET", "/livez"),
        Request::query("{ nonsense }"),
        Request::query("{ product(id: \"nonsense\") { _id } }"),
    ] {
        let response = shop.send(request)?;
        let text = response.body().to_lowercase();
        for word in ["sqlite", "wasmtime", "panicked", "src/", ".rs:", shop.secret()] {
            response.expect(!text.contains(word), "the response should not reveal internals")?;
        }
        response.expect(
            response
                .header("server")
                .is_none_or(|server| !server.contains('/')),
            "Server should not contain a version",
        )?;
    }
    Ok(())
}
