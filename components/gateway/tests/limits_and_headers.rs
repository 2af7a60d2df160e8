//! The rate limit of each caller, and the headers of all responses.
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
use shop::{KEY, NOBODY, Shop};

const NONE: Value = Value::Null;
const ORIGIN: &str = "https://shop.example";

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

fn address(address: &str) -> (&str, &str) {
    ("x-forwarded-for", address)
}

#[test]
fn limits_the_requests_of_each_address() {
    let shop = Shop::with(&[("RATE_LIMIT", "3")]);
    let get = |caller| shop.rest(caller, "GET", "/api/products", &NONE);
    let caller = address("192.0.2.1");
    let (status, headers, _) = get(caller);
    assert_eq!(status, 200);
    assert_eq!(text(&headers, "ratelimit-limit"), "3");
    assert_eq!(text(&headers, "ratelimit-remaining"), "2");
    // A new minute may begin during the test.
    let rejected = (0..8).map(|_| get(caller)).find(|(status, ..)| *status != 200);
    let (status, headers, problem) = rejected.unwrap();
    assert_eq!((status, &problem["code"]), (429, &json!("RATE_LIMITED")));
    assert_eq!(text(&headers, "ratelimit-remaining"), "0");
    let wait: u32 = text(&headers, "retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait));
    assert_eq!(text(&headers, "ratelimit-reset"), wait.to_string());
    for other in [address("192.0.2.2"), KEY, NOBODY] {
        assert_eq!(get(other).0, 200, "{other:?}");
    }
    let unknown = get(NOBODY).1;
    assert_eq!(text(&unknown, "ratelimit-limit"), "", "its address is unknown");
    for path in ["/livez", "/readyz"] {
        let (status, headers, _) = shop.rest(caller, "GET", path, &NONE);
        assert_eq!((status, text(&headers, "ratelimit-limit")), (200, ""));
    }
}

#[test]
fn counts_each_request_of_a_batch() {
    let shop = Shop::with(&[("RATE_LIMIT", "6")]);
    let post = |caller, body: &Value| shop.rest(caller, "POST", "/graphql", body);
    let one = json!({ "query": "{ __typename }" });
    let batch = |count: usize| json!(vec![one.clone(); count]);
    for (caller, body, remaining) in [
        ("192.0.2.1", one.clone(), "5"),
        ("192.0.2.2", batch(1), "5"),
        ("192.0.2.3", batch(4), "2"),
        ("192.0.2.4", batch(6), "0"),
        ("192.0.2.5", json!([one, 7, { "query": "{" }]), "3"),
        // A batch that is too large or empty is one request.
        ("192.0.2.6", batch(11), "5"),
        ("192.0.2.7", json!([]), "5"),
    ] {
        let (status, headers, _) = post(address(caller), &body);
        assert!(status == 200 || status == 400, "{status}");
        assert_eq!(text(&headers, "ratelimit-remaining"), remaining, "{body}");
    }
    let create = json!({ "query": "mutation { createProduct(input: {name: \"a\", price: 5}) { _id } }" });
    let (status, headers, answer) = post(KEY, &json!(vec![create; 7]));
    assert_eq!(status, 429);
    assert_eq!(answer["errors"][0]["extensions"]["code"], "RATE_LIMITED");
    assert!(!text(&headers, "retry-after").is_empty());
    let (_, _, products) = shop.rest(NOBODY, "GET", "/api/products", &NONE);
    assert_eq!(products["items"], json!([]), "nothing of the batch was executed");
    let (_, headers, _) = shop.rest(address("192.0.2.8"), "POST", "/api/orders", &batch(4));
    assert_eq!(text(&headers, "ratelimit-remaining"), "5", "REST has no batches");
}

#[test]
fn allows_pages_of_listed_origins_to_read_responses() {
    let shop = Shop::with(&[("CORS_ORIGINS", "https://shop.example, http://localhost:5173")]);
    let get = |shop: &Shop| shop.rest(("origin", ORIGIN), "GET", "/api/products", &NONE).1;
    let headers = get(&shop);
    assert_eq!(text(&headers, "access-control-allow-origin"), ORIGIN);
    let vary = |headers: &HeaderMap| headers.get_all("vary").iter().any(|name| name == "Origin");
    assert!(vary(&headers));
    assert!(text(&headers, "access-control-expose-headers").contains("etag"));
    let other = ("origin", "https://other.example");
    let headers = shop.rest(other, "GET", "/api/products", &NONE).1;
    assert_eq!(text(&headers, "access-control-allow-origin"), "");
    assert!(vary(&headers));
    let preflight = |origin: &str| {
        let request = Request::options("/api/products").header("origin", origin);
        shop.send(request.header("access-control-request-method", "PUT"), "")
    };
    let response = preflight(ORIGIN);
    assert_eq!(response.status(), 204);
    let headers = response.headers();
    assert!(text(headers, "access-control-allow-methods").contains("PUT"));
    for name in [
        "authorization",
        "x-api-key",
        "idempotency-key",
        "if-match",
        "last-event-id",
        "traceparent",
        "tracestate",
        "baggage",
        "apollo-require-preflight",
        "x-apollo-operation-name",
        "apollographql-client-name",
        "apollographql-client-version",
        "graphql-preflight",
        "x-request-id",
    ] {
        assert!(text(headers, "access-control-allow-headers").contains(name));
    }
    let refused = preflight(other.1);
    assert_eq!(refused.status(), 403);
    assert_eq!(text(refused.headers(), "access-control-allow-methods"), "");
    let problem: Value = serde_json::from_slice(refused.body()).unwrap();
    assert_eq!(problem["code"], "FORBIDDEN");
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains("CORS_ORIGINS") && detail.contains(other.1),
        "{detail}"
    );

    let any = Shop::with(&[("CORS_ORIGINS", "*")]);
    assert_eq!(text(&get(&any), "access-control-allow-origin"), "*");
    let is_cors = |name: &http::HeaderName| name.as_str().starts_with("access-control");
    assert!(!get(&Shop::new()).keys().any(is_cors));
}

#[test]
fn only_pages_may_load_scripts() {
    let shop = Shop::new();
    for path in [
        "/",
        "/livez",
        "/api/products",
        "/nonsense",
        "/docs",
        "/openapi.json",
    ] {
        let (_, headers, _) = shop.rest(NOBODY, "GET", path, &NONE);
        let policy = text(&headers, "content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert_eq!(policy.contains("script-src"), path == "/docs", "{path}: {policy}");
    }
}

#[test]
fn names_the_scheme_of_the_missing_token() {
    let (status, headers, _) = Shop::new().rest(NOBODY, "GET", "/api/users/me", &NONE);
    assert_eq!((status, text(&headers, "www-authenticate")), (401, "Bearer"));
}
