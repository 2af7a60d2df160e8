//! REST: archived products, carts and payments.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use http::HeaderMap;
use serde_json::{Value, json};
use shop::{KEY, NOBODY, Shop};

const NONE: Value = Value::Null;

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

#[test]
fn hides_an_archived_product_from_shoppers() {
    let shop = Shop::new();
    let path = format!("/api/products/{}", shop.product("a"));
    let delete = |tag: &str| shop.rest_with(&[KEY, ("if-match", tag)], "DELETE", &path, &NONE);
    let (status, _, problem) = delete("\"7\"");
    assert_eq!((status, &problem["version"]), (409, &json!(1)), "{problem}");
    let (status, _, deleted) = delete("\"1.9\"");
    assert_eq!((status, deleted["archivedAt"].is_string()), (200, true));
    assert_eq!(delete("\"1.9\"").2, deleted, "a deletion can be repeated");
    let ada = shop.user("ada");
    // The answer for staff is not cached for others.
    for _ in 0..2 {
        assert_eq!(shop.rest(NOBODY, "GET", &path, &NONE).0, 404);
        assert_eq!(shop.rest(ada.header(), "GET", &path, &NONE).0, 404);
        let (status, headers, read) = shop.rest(KEY, "GET", &path, &NONE);
        assert_eq!((status, &read), (200, &deleted));
        assert_eq!(text(&headers, "cache-control"), "private, no-cache");
    }
    let query = format!(
        "{{ product(id: \"{}\") {{ archivedAt version quantity }} }}",
        deleted["_id"].as_str().unwrap()
    );
    let same = &shop.ask(KEY, &query)["product"];
    for field in ["archivedAt", "version", "quantity"] {
        assert_eq!(same[field], deleted[field], "the same as in GraphQL");
    }
    assert_eq!(shop.rest(KEY, "PUT", &path, &json!({ "price": 7 })).0, 404);
    assert_eq!(shop.rest(KEY, "DELETE", &path, &NONE).0, 404);
    let other = format!("/api/products/{}", shop.product("b"));
    assert_eq!(shop.rest(KEY, "DELETE", &other, &NONE).0, 200, "with any version");
}

#[test]
fn merges_a_guests_cart_at_sign_in() {
    let shop = Shop::new();
    let line = json!({ "productId": shop.product("a") });
    let filled = || shop.rest(NOBODY, "POST", "/api/cart/me/add", &line).2["_id"].clone();
    let sign_in = |path: &str, cart: &Value| {
        let body = json!({ "username": "ada", "password": "a long password", "cartId": cart });
        shop.rest(NOBODY, "POST", path, &body)
    };
    let (status, _, ada) = sign_in("/api/users/register", &filled());
    assert_eq!((status, &ada["cartMerged"]), (201, &json!(true)), "{ada}");
    let (status, _, ada) = sign_in("/auth/login", &filled());
    assert_eq!((status, &ada["cartMerged"]), (200, &json!(true)));
    let token = format!("Bearer {}", ada["access_token"].as_str().unwrap());
    let (_, _, cart) = shop.rest(("authorization", &token), "GET", "/api/cart/me", &NONE);
    assert_eq!(cart["products"][0]["quantity"], 2);
    let (status, _, ada) = sign_in("/auth/login", &json!("no such cart"));
    assert_eq!((status, &ada["cartMerged"]), (200, &json!(false)));
    let (_, _, ada) = sign_in("/auth/login", &NONE);
    assert!(!ada.as_object().unwrap().contains_key("cartMerged"));
}

#[test]
fn rejects_invalid_cart_lines() {
    let shop = Shop::new();
    let (ada, product) = (shop.user("ada"), shop.product("a"));
    let own = format!("/api/cart/{}?cartId=x", ada.id);
    let update = format!("/api/cart/me/update/{product}");
    let line = |quantity: i64| json!({ "productId": product, "quantity": quantity });
    for (method, path, body, status, field) in [
        ("GET", "/api/cart/42", NONE, 400, "userId"),
        ("GET", &own, NONE, 400, "cartId"),
        ("GET", "/api/cart/me?cartId=42", NONE, 400, "cartId"),
        ("GET", "/api/cart/me?colour=red", NONE, 400, "colour"),
        (
            "POST",
            "/api/cart/me/add",
            json!({ "productId": "42" }),
            400,
            "productId",
        ),
        ("POST", "/api/cart/me/add", line(0), 400, "quantity"),
        ("POST", "/api/cart/me/add", line(-1), 400, "quantity"),
        ("POST", "/api/cart/me/add", line(1 << 40), 400, "quantity"),
        (
            "PUT",
            "/api/cart/me/update/42",
            json!({ "quantity": 1 }),
            400,
            "productId",
        ),
        ("PUT", &update, json!({ "quantity": -1 }), 400, "quantity"),
        ("DELETE", "/api/cart/me/remove/42", NONE, 400, "productId"),
        ("POST", "/api/cart/me/checkout", NONE, 400, "products"),
        ("POST", "/api/cart/42/checkout", NONE, 400, "userId"),
    ] {
        let (answered, _, problem) = shop.rest(ada.header(), method, path, &body);
        assert_eq!(
            (answered, problem["errors"][0]["field"].as_str()),
            (status, Some(field)),
            "{method} {path} {body}: {problem}"
        );
    }
    let wrong = ("authorization", "Bearer nonsense");
    assert_eq!(shop.rest(wrong, "GET", "/api/cart/me", &NONE).0, 401, "no guest");
    assert_eq!(shop.rest(KEY, "GET", "/api/cart/me", &NONE).0, 403, "nobody's");
    let (status, _, problem) = shop.rest(ada.header(), "PUT", &update, &json!({ "quantity": 1 }));
    assert_eq!((status, &problem["code"]), (404, &json!("NOT_FOUND")));
}

#[test]
fn returns_the_client_secret_to_the_customer_only() {
    let shop = Shop::new();
    let (ada, product) = (shop.user("ada"), shop.product("a"));
    let lines = json!({ "products": [{ "_id": product, "quantity": 1 }] });
    let (_, _, order) = shop.rest(ada.header(), "POST", "/api/orders", &lines);
    let path = format!("/api/payments/{}", order["_id"].as_str().unwrap());
    let method = json!({ "paymentMethod": "tok_requires_action" });
    for is_again in [false, true] {
        let headers = [ada.header(), ("idempotency-key", "k")];
        let (status, headers, payment) = shop.rest_with(&headers, "POST", &path, &method);
        assert_eq!(
            (status, text(&headers, "cache-control")),
            (201, "no-store"),
            "{payment}"
        );
        assert_eq!(
            (&payment["status"], &payment["attempt"]),
            (&json!("requires-action"), &json!(1))
        );
        assert!(payment["clientSecret"].is_string());
        assert_eq!(headers.contains_key("idempotency-replayed"), is_again);
    }
    let (_, _, read) = shop.rest(ada.header(), "GET", &path, &NONE);
    assert_eq!(read["clientSecret"], NONE);
    for (method, path, body, status, field) in [
        (
            "POST",
            "/api/payments/42",
            json!({ "paymentMethod": "tok_ok" }),
            400,
            "id",
        ),
        ("POST", &path, json!({}), 400, "paymentMethod"),
        ("GET", "/api/payments/order/42", NONE, 400, "id"),
    ] {
        let (answered, _, problem) = shop.rest(ada.header(), method, path, &body);
        assert_eq!(
            (answered, problem["errors"][0]["field"].as_str()),
            (status, Some(field)),
            "{method} {path} {body}: {problem}"
        );
    }
}
