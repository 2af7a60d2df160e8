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
fn counts_each_mutation_of_an_operation_and_a_high_cost() {
    let shop = Shop::with(&[("RATE_LIMIT", "6")]);
    let post = |from, body: &Value| shop.rest_with(&[address(from)], "POST", "/graphql", body);
    let operation = |mutations: &str| json!({ "query": format!("mutation {{ {mutations} }}") });
    let fragment = json!({ "query": "mutation { ...F ...F } fragment F on Mutation { logout }" });
    for (from, body, remaining) in [
        ("192.0.2.1", operation("logout"), "5"),
        ("192.0.2.2", operation("logout a: logout b: logout"), "3"),
        ("192.0.2.3", fragment, "4"),
        (
            "192.0.2.4",
            json!([operation("logout a: logout"), operation("logout a: logout")]),
            "2",
        ),
        ("192.0.2.5", operation("logout a: nonsense"), "4"),
        ("192.0.2.6", json!({ "query": "{ products { name } }" }), "5"),
        (
            "192.0.2.7",
            json!({ "query": "{ products { name price sku slug } }" }),
            "3",
        ),
    ] {
        let (_, headers, _) = post(from, &body);
        assert_eq!(text(&headers, "ratelimit-remaining"), remaining, "{body}");
    }
    let create = "createProduct(input: {name: \"a\", price: 5, quantity: 1}) { _id }";
    let many: String = (0..7).map(|number| format!("m{number}: {create} ")).collect();
    let (status, headers, refused) = post_as_key(&shop, &operation(&many));
    assert_eq!(status, 429);
    assert_eq!(refused["errors"][0]["extensions"]["code"], "RATE_LIMITED");
    assert!(!text(&headers, "retry-after").is_empty());
    let (_, _, products) = shop.rest(NOBODY, "GET", "/api/products", &NONE);
    assert_eq!(products["items"], json!([]), "nothing was executed");
}

fn post_as_key(shop: &Shop, body: &Value) -> (u16, HeaderMap, Value) {
    shop.rest(KEY, "POST", "/graphql", body)
}

#[test]
fn limits_public_clients_without_a_setting() {
    let shop = Shop::new();
    let get = |from| shop.rest(from, "GET", "/nonsense", &NONE);
    let public = address("203.0.113.9");
    assert_eq!(text(&get(public).1, "ratelimit-limit"), "6000");
    for other in [
        address("127.0.0.1"),
        address("192.168.0.7"),
        address("::1"),
        NOBODY,
        KEY,
    ] {
        assert_eq!(text(&get(other).1, "ratelimit-limit"), "", "{other:?}");
    }
    // A new minute may begin during the test.
    let refused = (0..12_001).find(|_| get(public).0 == 429);
    assert!(refused.is_some());
    assert_eq!(get(address("127.0.0.1")).0, 404);
}

#[test]
fn a_graphql_error_with_a_time_to_wait_has_the_header() {
    let shop = Shop::with(&[("SIGN_IN_FAILURES", "1")]);
    let login = json!({ "query": "mutation { login(input: {username: \"ada\", password: \"a wrong password\"}) { access_token } }" });
    let post = |body: &Value| shop.rest(address("192.0.2.1"), "POST", "/graphql", body);
    let (_, headers, _) = post(&login);
    assert_eq!(text(&headers, "retry-after"), "");
    let (_, headers, refused) = post(&login);
    let seconds = &refused["errors"][0]["extensions"]["retryAfter"];
    assert_eq!(text(&headers, "retry-after"), seconds.to_string(), "{refused}");
    let (_, headers, _) = post(&json!([{ "query": "{ __typename }" }, login]));
    assert!(!text(&headers, "retry-after").is_empty());
}

#[test]
fn a_compressed_body_is_refused() {
    let shop = Shop::new();
    for (path, pointer) in [
        ("/graphql", "/errors/0/extensions/code"),
        ("/api/users/login", "/code"),
        ("/nonsense", "/code"),
    ] {
        let coding = ("content-encoding", "gzip");
        let (status, headers, refused) =
            shop.rest(coding, "POST", path, &json!({ "query": "{ __typename }" }));
        assert_eq!(
            (status, text(&headers, "accept-encoding")),
            (415, "identity"),
            "{path}"
        );
        assert_eq!(refused.pointer(pointer), Some(&json!("UNSUPPORTED_MEDIA_TYPE")));
    }
    let plain = ("content-encoding", "identity");
    let (status, ..) = shop.rest(plain, "POST", "/graphql", &json!({ "query": "{ __typename }" }));
    assert_eq!(status, 200);
}

#[test]
fn webhooks_without_a_secret_are_an_unknown_path() {
    let shop = Shop::with(&[("STRIPE_WEBHOOK_SECRET", "")]);
    let post = |path: &str| shop.rest(NOBODY, "POST", path, &json!({ "id": "evt_1" }));
    let (status, _, problem) = post("/webhooks/stripe");
    let (unknown, _, other) = post("/webhooks/other");
    assert_eq!((status, unknown), (404, 404));
    let detail = |problem: &Value| problem["detail"].as_str().unwrap().replace("stripe", "other");
    assert_eq!(detail(&problem), detail(&other));
    assert_eq!(problem["code"], other["code"]);
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
