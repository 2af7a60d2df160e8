//! What stands around every request: limits, other origins, protection of browsers, persisted queries, and what caches may do.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use http::{HeaderMap, Request};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use shop::{KEY, NOBODY, Shop};

const NONE: Value = Value::Null;
const HOME: &str = "https://shop.example";

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

#[test]
fn each_caller_has_so_many_requests_a_minute() {
    let shop = Shop::with(&[("RATE_LIMIT", "3")]);
    let near = ("x-forwarded-for", "192.0.2.1");
    let ask = |who| shop.rest(who, "GET", "/api/products", &NONE);
    // The minute may turn while the test runs: what counts is what is told.
    let (status, headers, _) = ask(near);
    assert_eq!(
        (
            status,
            text(&headers, "ratelimit-limit"),
            text(&headers, "ratelimit-remaining")
        ),
        (200, "3", "2")
    );
    let refused = (0..8).map(|_| ask(near)).find(|(status, ..)| *status != 200);
    let (status, headers, problem) = refused.unwrap();
    assert_eq!((status, &problem["code"]), (429, &json!("RATE_LIMITED")));
    assert_eq!(text(&headers, "ratelimit-remaining"), "0");
    let wait: u32 = text(&headers, "retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait));
    assert_eq!(text(&headers, "ratelimit-reset"), wait.to_string());
    for other in [("x-forwarded-for", "192.0.2.2"), KEY, NOBODY] {
        assert_eq!(ask(other).0, 200, "{other:?}");
    }
    let anonymous = ask(NOBODY);
    assert_eq!(
        text(&anonymous.1, "ratelimit-limit"),
        "",
        "nobody is told apart without an address"
    );
    for path in ["/livez", "/readyz"] {
        for _ in 0..4 {
            let (status, headers, _) = shop.rest(near, "GET", path, &NONE);
            assert_eq!((status, text(&headers, "ratelimit-limit")), (200, ""));
        }
    }
    let body = json!({ "query": "{ __typename }" });
    let (status, headers, answer) = (0..8)
        .map(|_| shop.rest(near, "POST", "/graphql", &body))
        .find(|(status, ..)| *status != 200)
        .unwrap();
    assert_eq!(
        (status, &answer["errors"][0]["extensions"]["code"]),
        (429, &json!("RATE_LIMITED"))
    );
    assert!(!text(&headers, "retry-after").is_empty());
}

#[test]
fn a_batch_counts_as_the_requests_in_it() {
    let shop = Shop::with(&[("RATE_LIMIT", "6")]);
    let from = |address| ("x-forwarded-for", address);
    let ask = |who, body: &Value| shop.rest(who, "POST", "/graphql", body);
    let left = |headers: &HeaderMap| text(headers, "ratelimit-remaining").to_owned();
    let one = json!({ "query": "{ __typename }" });
    let batch = |count: usize| json!(vec![one.clone(); count]);
    // The minute may turn while the test runs: what counts is told by the first answer of each address.
    for (address, body, remaining) in [
        ("192.0.2.1", one.clone(), "5"),
        ("192.0.2.2", batch(1), "5"),
        ("192.0.2.3", batch(4), "2"),
        ("192.0.2.4", batch(6), "0"),
        ("192.0.2.5", json!([one, 7, { "query": "{" }]), "3"),
        // What is refused before it is looked at is one request.
        ("192.0.2.6", batch(11), "5"),
        ("192.0.2.7", json!([]), "5"),
    ] {
        let (status, headers, _) = ask(from(address), &body);
        assert!(status == 200 || status == 400, "{status}");
        assert_eq!(left(&headers), remaining, "{body}");
    }
    let blanks = Request::post("/graphql").header("content-type", "application/json");
    let reply = shop.send(
        blanks.header("x-forwarded-for", "192.0.2.8"),
        format!(" \n{}", batch(2)),
    );
    assert_eq!(left(reply.headers()), "4");

    let create = "mutation { createProduct(input: {name: \"a\", price: 5, quantity: 9}) { _id } }";
    let (status, headers, answer) = ask(KEY, &json!(vec![json!({ "query": create }); 7]));
    assert_eq!(
        (status, &answer["errors"][0]["extensions"]["code"]),
        (429, &json!("RATE_LIMITED"))
    );
    assert!(!text(&headers, "retry-after").is_empty());
    let message = answer["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("Send fewer"), "{message}");
    let (_, _, products) = shop.rest(from("192.0.2.9"), "GET", "/api/products", &NONE);
    assert_eq!(products["items"], json!([]), "none of it was done");
    let refused = (0..4).map(|_| ask(from("192.0.2.10"), &batch(4)));
    let statuses: Vec<_> = refused.map(|(status, ..)| status).collect();
    assert!(statuses.contains(&200) && statuses.contains(&429), "{statuses:?}");
    // REST takes no batches.
    let (_, headers, _) = shop.rest(from("192.0.2.11"), "POST", "/api/orders", &batch(4));
    assert_eq!(left(&headers), "5");
}

#[test]
fn the_pages_of_named_origins_may_read_answers() {
    let shop = Shop::with(&[("CORS_ORIGINS", "https://shop.example, http://localhost:5173")]);
    let ask = |origin: &str| shop.rest(("origin", origin), "GET", "/api/products", &NONE).1;
    let headers = ask(HOME);
    assert_eq!(text(&headers, "access-control-allow-origin"), HOME);
    assert_eq!(text(&headers, "vary"), "Origin");
    assert!(text(&headers, "access-control-expose-headers").contains("etag"));
    let other = ask("https://evil.example");
    assert_eq!(
        (text(&other, "access-control-allow-origin"), text(&other, "vary")),
        ("", "Origin")
    );
    let preflight = |origin: &str| {
        let request = Request::options("/api/products").header("origin", origin);
        shop.send(request.header("access-control-request-method", "PUT"), "")
    };
    let reply = preflight(HOME);
    assert_eq!(reply.status(), 204);
    assert!(text(reply.headers(), "access-control-allow-methods").contains("PUT"));
    for taken in ["idempotency-key", "last-event-id"] {
        assert!(text(reply.headers(), "access-control-allow-headers").contains(taken));
    }
    assert_eq!(text(reply.headers(), "access-control-allow-origin"), HOME);
    assert_eq!(
        text(
            preflight("https://evil.example").headers(),
            "access-control-allow-methods"
        ),
        ""
    );

    let open = Shop::with(&[("CORS_ORIGINS", "*")]);
    let headers = open.rest(("origin", HOME), "GET", "/api/products", &NONE).1;
    assert_eq!(text(&headers, "access-control-allow-origin"), "*");
    let closed = Shop::new();
    let headers = closed.rest(("origin", HOME), "GET", "/api/products", &NONE).1;
    assert!(
        headers
            .keys()
            .all(|name| !name.as_str().starts_with("access-control"))
    );
}

#[test]
fn every_answer_tells_browsers_what_it_is_not_for() {
    let shop = Shop::with(&[("HSTS_SECONDS", "600")]);
    for path in [
        "/",
        "/livez",
        "/api/products",
        "/nonsense",
        "/docs",
        "/openapi.json",
        "/graphql?query={__typename}",
    ] {
        let (_, headers, _) = shop.rest(NOBODY, "GET", path, &NONE);
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("strict-transport-security", "max-age=600"),
        ] {
            assert_eq!(text(&headers, name), value, "{path}");
        }
        let policy = text(&headers, "content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert_eq!(policy.contains("script-src"), path == "/docs", "{path}: {policy}");
    }
    let plain = Shop::new().rest(NOBODY, "GET", "/livez", &NONE).1;
    assert_eq!(text(&plain, "strict-transport-security"), "");
}

fn digest(query: &str) -> String {
    format!("{:x}", Sha256::digest(query))
}

fn code(answer: &Value) -> &Value {
    &answer["errors"][0]["extensions"]["code"]
}

fn named(query: Option<&str>, digest: &str) -> Value {
    let mut body = json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": digest } } });
    if let Some(query) = query {
        body["query"] = json!(query);
    }
    body
}

#[test]
fn a_document_is_sent_once_and_named_from_then_on() {
    let shop = Shop::with(&[("PERSISTED_QUERIES", "automatic")]);
    let query = "{ __typename }";
    let ask = |body: &Value| shop.answer(NOBODY, body);
    let unknown = ask(&named(None, &digest(query)));
    assert_eq!(code(&unknown), "PERSISTED_QUERY_NOT_FOUND");
    assert_eq!(unknown["errors"][0]["message"], "PersistedQueryNotFound");
    assert_eq!(
        code(&ask(&named(Some("{ products { _id } }"), &digest(query)))),
        "BAD_REQUEST"
    );
    assert_eq!(
        code(&ask(&named(None, &digest(query)))),
        "PERSISTED_QUERY_NOT_FOUND",
        "a lie is not kept"
    );
    assert_eq!(
        ask(&named(Some(query), &digest(query)))["data"]["__typename"],
        "Query"
    );
    assert_eq!(ask(&named(None, &digest(query)))["data"]["__typename"], "Query");
    let off = Shop::new().answer(NOBODY, &named(None, &digest(query)));
    assert_eq!(code(&off), "PERSISTED_QUERY_NOT_SUPPORTED");
}

#[test]
fn a_shop_can_execute_its_own_documents_only() {
    let query = "query Own { __typename }";
    let manifest = json!({ (digest(query)): query }).to_string();
    let shop = Shop::with(&[
        ("PERSISTED_QUERIES", "only"),
        ("PERSISTED_QUERIES_MANIFEST", &manifest),
    ]);
    let ask = |body: &Value| shop.answer(NOBODY, body);
    assert_eq!(ask(&named(None, &digest(query)))["data"]["__typename"], "Query");
    assert_eq!(
        ask(&json!({ "documentId": format!("sha256:{}", digest(query)) }))["data"]["__typename"],
        "Query"
    );
    assert_eq!(ask(&json!({ "query": query }))["data"]["__typename"], "Query");
    let other = "{ __typename }";
    assert_eq!(code(&ask(&json!({ "query": other }))), "PERSISTED_QUERY_ONLY");
    assert_eq!(
        code(&ask(&named(Some(other), &digest(other)))),
        "PERSISTED_QUERY_ONLY"
    );
    assert_eq!(
        code(&ask(&named(Some(other), &digest(query)))),
        "PERSISTED_QUERY_ONLY"
    );
    assert_eq!(
        code(&ask(&named(None, &digest(other)))),
        "PERSISTED_QUERY_NOT_FOUND"
    );
    assert_eq!(
        code(&ask(&json!([{ "query": other }]))[0]),
        "PERSISTED_QUERY_ONLY"
    );
}

#[test]
fn caches_may_keep_what_is_the_same_for_everybody() {
    let shop = Shop::new();
    let id = shop.product("a");
    let url = "/graphql?query=%7Bproducts%7Bname%7D%7D";
    for _ in 0..2 {
        let (status, headers, _) = shop.rest(NOBODY, "GET", url, &NONE);
        assert_eq!(
            (status, text(&headers, "cache-control")),
            (200, "public, no-cache")
        );
        let tag = text(&headers, "etag").to_owned();
        let (status, _, body) = shop.rest(("if-none-match", &tag), "GET", url, &NONE);
        assert_eq!((status, body), (304, NONE));
    }
    let (_, headers, _) = shop.rest(NOBODY, "GET", url, &NONE);
    let tag = text(&headers, "etag").to_owned();
    shop.rest(
        KEY,
        "PUT",
        &format!("/api/products/{id}"),
        &json!({ "name": "b" }),
    );
    assert_eq!(shop.rest(("if-none-match", &tag), "GET", url, &NONE).0, 200);
    let own = "/graphql?query=%7Busers%7B_id%7D%7D";
    let (_, headers, _) = shop.rest(KEY, "GET", own, &NONE);
    assert_eq!(
        (text(&headers, "cache-control"), text(&headers, "etag")),
        ("no-store", "")
    );
}
