//! REST: conditional requests, problems and health checks.
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
const UNKNOWN: &str = "0198c0de-1f2e-7abc-8def-0123456789ab";

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

#[test]
fn answers_304_if_nothing_has_changed() {
    let shop = Shop::new();
    let id = shop.product("a");
    let path = format!("/api/products/{id}");
    for path in [path.as_str(), "/products"] {
        let (_, headers, _) = shop.rest(NOBODY, "GET", path, &NONE);
        let tag = text(&headers, "etag").to_owned();
        for known in [tag.clone(), format!("\"x\", W/{tag}"), "*".into()] {
            let (status, headers, body) = shop.rest(("if-none-match", &known), "GET", path, &NONE);
            assert_eq!((status, body), (304, NONE), "{path} {known}");
            assert_eq!(text(&headers, "etag"), tag);
        }
        // A stock movement changes the tag without an edit.
        shop.rest(
            KEY,
            "PATCH",
            &format!("/api/products/{id}/stock"),
            &json!({ "quantity": 1 }),
        );
        assert_eq!(
            shop.rest(("if-none-match", &tag), "GET", path, &NONE).0,
            200,
            "{path}"
        );
    }
}

#[test]
fn rejects_a_change_of_a_stale_version() {
    let shop = Shop::new();
    let ada = shop.user("ada");
    let product = shop.product("a");
    let (_, _, order) = shop.rest(
        ada.header(),
        "POST",
        "/api/orders",
        &json!({ "products": [{ "_id": product, "quantity": 1 }] }),
    );
    let order = format!("/api/orders/{}", order["_id"].as_str().unwrap());
    let status = format!("{order}/status");
    let stock = format!("/api/products/{product}/stock");
    let product = format!("/api/products/{product}");
    let rows = [
        ("PUT", product.as_str(), json!({ "price": 6 })),
        ("PATCH", &stock, json!({ "quantity": 1 })),
        ("PUT", "/api/users/me", json!({ "name": "Ada" })),
        ("PATCH", &status, json!({ "status": "paid" })),
        ("DELETE", &order, NONE),
        ("DELETE", "/api/users/me", NONE),
    ];
    for (method, path, body) in rows {
        let caller = if path.ends_with("/me") || method == "DELETE" {
            ada.header()
        } else {
            KEY
        };
        let (read_path, reader) = (path.replace("/status", "").replace("/stock", ""), caller);
        let (_, headers, current) = shop.rest(reader, "GET", &read_path, &NONE);
        let tag = text(&headers, "etag").to_owned();
        let (refused, headers, problem) =
            shop.rest_with(&[caller, ("if-match", "\"77\"")], method, path, &body);
        assert_eq!(
            (refused, &problem["code"]),
            (409, &json!("CONFLICT")),
            "{method} {path}: {problem}"
        );
        assert_eq!(problem["version"], current["version"], "{method} {path}");
        assert!(!text(&headers, "etag").is_empty(), "{method} {path}");
        let (refused, _, problem) = shop.rest_with(&[caller, ("if-match", "nonsense")], method, path, &body);
        assert_eq!(
            (refused, &problem["errors"][0]["field"]),
            (400, &json!("If-Match")),
            "{method} {path}"
        );
        let (done, ..) = shop.rest_with(&[caller, ("if-match", &tag)], method, path, &body);
        assert!((200..300).contains(&done), "{method} {path} {done}");
    }
    let (refused, _, problem) = shop.rest(KEY, "PUT", &product, &json!({ "price": 7, "version": 1 }));
    assert_eq!((refused, &problem["version"]), (409, &json!(2)));
    let (done, ..) = shop.rest_with(
        &[KEY, ("if-match", "\"1\", \"2\"")],
        "PUT",
        &product,
        &json!({ "price": 7 }),
    );
    assert_eq!(done, 200);
}

#[test]
fn sends_a_code_and_exports_a_users_data() {
    let shop = Shop::new();
    let ada = shop.user("ada");
    let email = json!({ "email": "ada@example.com" });
    assert_eq!(shop.rest(ada.header(), "PUT", "/api/users/me", &email).0, 200);
    let verify = |body: Value| shop.rest(ada.header(), "POST", "/api/users/verify", &body);
    let (status, _, sent) = verify(json!({ "channel": "email" }));
    assert_eq!((status, &sent["channel"]), (202, &json!("email")));
    let (status, ..) = verify(json!({ "channel": "email", "code": "nonsense" }));
    assert_eq!(status, 400);
    let (status, _, problem) = shop.rest(KEY, "GET", "/api/users/me", &NONE);
    assert_eq!((status, &problem["code"]), (403, &json!("FORBIDDEN")));
    let (status, _, export) = shop.rest(ada.header(), "GET", "/api/users/me/export", &NONE);
    assert_eq!(
        (status, &export["user"]["profile"]["email"]),
        (200, &email["email"])
    );
    for list in ["/orders", "/payments", "/cart/products"] {
        assert_eq!(export.pointer(list), Some(&json!([])));
    }
    let preference = json!({ "kind": "welcome", "medium": "email", "enabled": true });
    assert_eq!(export["notificationPreferences"][0], preference);
}

#[test]
fn answers_errors_with_problems() {
    let shop = Shop::new();
    let long = "x".repeat(1 << 20);
    let rows: [(&str, &str, &str, u16, &str, &str); 13] = [
        ("GET", "/api/nonsense", "", 404, "NOT_FOUND", "/api/nonsense"),
        ("GET", "/nonsense", "", 404, "NOT_FOUND", "/nonsense"),
        (
            "DELETE",
            "/api/products",
            "",
            405,
            "METHOD_NOT_ALLOWED",
            "GET, HEAD, POST",
        ),
        (
            "POST",
            "/api/products",
            "{\"name\": \"a\",\n nonsense",
            400,
            "BAD_REQUEST",
            "line 2 column 2",
        ),
        ("POST", "/api/products", "{} x", 400, "BAD_REQUEST", "trailing"),
        ("POST", "/api/products", "[]", 400, "BAD_USER_INPUT", "body"),
        ("POST", "/api/products", "", 400, "BAD_REQUEST", "EOF"),
        ("POST", "/api/products", &long, 413, "PAYLOAD_TOO_LARGE", "bytes"),
        (
            "POST",
            "/api/products",
            r#"{"name": "a", "price": 1, "quantity": 1, "colour": 1}"#,
            400,
            "BAD_USER_INPUT",
            "colour",
        ),
        (
            "POST",
            "/api/products",
            r#"{"name": "a", "price": "1", "quantity": 1}"#,
            400,
            "BAD_USER_INPUT",
            "price",
        ),
        (
            "POST",
            "/api/products",
            r#"{"name": "a", "price": -1, "quantity": 1}"#,
            400,
            "BAD_USER_INPUT",
            "price",
        ),
        ("GET", "/api/products?first=x", "", 400, "BAD_USER_INPUT", "first"),
        (
            "GET",
            "/api/products?colour=red",
            "",
            400,
            "BAD_USER_INPUT",
            "colour",
        ),
    ];
    for (method, path, body, status, code, word) in rows {
        let body = if body == long {
            format!("\"{long}\"")
        } else {
            body.to_owned()
        };
        let request = Request::builder().method(method).uri(path).header(KEY.0, KEY.1);
        let reply = shop.send(request.header("content-type", "application/json"), body.clone());
        let problem: Value = serde_json::from_slice(reply.body()).unwrap();
        let shown = format!("{method} {path} {}: {problem}", body.get(..40).unwrap_or(&body));
        assert_eq!(reply.status(), status, "{shown}");
        assert_eq!(
            text(reply.headers(), "content-type"),
            "application/problem+json",
            "{shown}"
        );
        assert_eq!(
            (&problem["code"], &problem["status"]),
            (&json!(code), &json!(status)),
            "{shown}"
        );
        assert_eq!(problem["instance"], path.split('?').next().unwrap(), "{shown}");
        assert_eq!(
            (&problem["type"], problem["title"].is_string()),
            (&json!("about:blank"), true)
        );
        assert!(problem["detail"].as_str().unwrap().contains(word), "{shown}");
        if code == "BAD_USER_INPUT" {
            assert_eq!(problem["errors"][0]["field"], word, "{shown}");
        }
        if status == 405 {
            assert_eq!(text(reply.headers(), "allow"), "OPTIONS, GET, HEAD, POST");
        }
    }
    let untyped = shop.send(Request::post("/api/products").header(KEY.0, KEY.1), "{}");
    assert_eq!(untyped.status(), 415);
    for (path, status, field) in [
        ("/api/products/nonsense", 400, Some("id")),
        (&format!("/api/products/{UNKNOWN}"), 404, None),
        ("/api/products?after=nonsense", 400, Some("after")),
        ("/api/products?first=101", 400, Some("first")),
    ] {
        let (answered, _, problem) = shop.rest(NOBODY, "GET", path, &NONE);
        assert_eq!(
            (answered, problem["errors"][0]["field"].as_str()),
            (status, field),
            "{path}"
        );
    }
    let lines =
        json!({ "products": [{ "_id": UNKNOWN, "quantity": 1 }, { "_id": UNKNOWN, "quantity": "x" }] });
    let (_, _, problem) = shop.rest(shop.user("ada").header(), "POST", "/orders", &lines);
    assert_eq!(problem["errors"][0]["field"], "products[1].quantity");
}

#[test]
fn answers_health_checks_without_a_tag() {
    let shop = Shop::new();
    for (path, word) in [("/livez", "live"), ("/readyz", "ready")] {
        let known = ("if-none-match", "*");
        let (status, headers, health) = shop.rest(known, "GET", path, &NONE);
        assert_eq!((status, &health), (200, &json!({ "status": word })));
        assert_eq!(
            (text(&headers, "etag"), text(&headers, "cache-control")),
            ("", "no-store")
        );
        assert_eq!(shop.rest(NOBODY, "HEAD", path, &NONE).0, 200);
        let (status, headers, problem) = shop.rest(KEY, "POST", path, &NONE);
        assert_eq!((status, &problem["code"]), (405, &json!("METHOD_NOT_ALLOWED")));
        assert_eq!(text(&headers, "allow"), "OPTIONS, GET, HEAD");
    }
    shop.away(Some("catalog.products"));
    let (status, _, health) = shop.rest(NOBODY, "GET", "/readyz", &NONE);
    let reason = "the catalog does not answer";
    assert_eq!(
        (status, health),
        (503, json!({ "status": "unavailable", "reason": reason }))
    );
    assert_eq!(shop.rest(NOBODY, "GET", "/livez", &NONE).0, 200);
}
