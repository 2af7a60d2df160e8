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

#[test]
fn routes_the_orders_of_a_user_by_ids() {
    let shop = Shop::new();
    let (ada, bob, product) = (shop.user("ada"), shop.user("bob"), shop.product("a"));
    let of = |user: &str| format!("/api/orders/{user}");
    let line = |name: &str| json!([{ (name): product, "quantity": 1 }]);
    let bodies = [
        json!({ "products": line("_id") }),
        json!({ "products": line("productId") }),
        json!({ "items": line("id"), "region": "DE" }),
    ];
    let mut ids = Vec::new();
    for (body, user) in bodies.iter().zip([ada.id.as_str(), "me", &ada.id]) {
        let (status, headers, order) = shop.rest(ada.header(), "POST", &of(user), body);
        assert_eq!((status, &order["userId"]), (201, &json!(ada.id)), "{order}");
        assert_eq!(order["id"], order["_id"]);
        assert_eq!(text(&headers, "location"), of(order["_id"].as_str().unwrap()));
        ids.insert(0, order["_id"].clone());
    }
    // Staff order for a user.
    let (status, _, order) = shop.rest(KEY, "POST", &of(&ada.id), &bodies[0]);
    assert_eq!((status, &order["userId"]), (201, &json!(ada.id)), "{order}");
    ids.insert(0, order["_id"].clone());

    let listed = |caller: (&str, &str), path: &str| {
        let (status, _, page) = shop.rest(caller, "GET", path, &NONE);
        assert_eq!(status, 200, "{path}: {page}");
        let items = page["items"].as_array().unwrap().iter();
        items.map(|order| order["_id"].clone()).collect::<Vec<_>>()
    };
    for caller in [ada.header(), KEY] {
        assert_eq!(listed(caller, &of(&ada.id)), ids);
        assert_eq!(
            listed(caller, &format!("/api/orders/user/{}?first=50", ada.id)),
            ids
        );
    }
    assert_eq!(listed(ada.header(), "/api/orders/me"), ids);
    assert_eq!(listed(ada.header(), "/api/orders/user/me"), ids);
    assert_eq!(
        listed(ada.header(), &format!("{}?first=1&sort=created", of(&ada.id))),
        ids[3..]
    );
    assert_eq!(listed(KEY, &of(&bob.id)), NO_IDS);

    let first = ids[0].as_str().unwrap();
    let one = format!("{}/{first}", of(&ada.id));
    for (caller, path) in [
        (ada.header(), &one),
        (KEY, &one),
        (ada.header(), &format!("/api/orders/me/{first}")),
    ] {
        let (status, headers, order) = shop.rest(caller, "GET", path, &NONE);
        assert_eq!(
            (status, &order["_id"], text(&headers, "etag")),
            (200, &ids[0], "\"1\""),
            "{order}"
        );
    }
    let unknown = "00000000-0001-7000-8000-000000000001";
    for (caller, method, path, body, status) in [
        (bob.header(), "POST", of(&ada.id), bodies[0].clone(), 403),
        (NOBODY, "POST", of(&ada.id), bodies[0].clone(), 401),
        (KEY, "POST", of(unknown), bodies[0].clone(), 404),
        (KEY, "POST", of("me"), bodies[0].clone(), 403),
        (ada.header(), "POST", of("42"), bodies[0].clone(), 400),
        (bob.header(), "GET", of(&ada.id), NONE, 404),
        (bob.header(), "GET", of(first), NONE, 404),
        (
            bob.header(),
            "GET",
            format!("/api/orders/user/{}", ada.id),
            NONE,
            403,
        ),
        (bob.header(), "GET", one.clone(), NONE, 403),
        (NOBODY, "GET", of(&ada.id), NONE, 401),
        (KEY, "GET", of(unknown), NONE, 404),
        (KEY, "GET", format!("{}/{first}", of(&bob.id)), NONE, 404),
        (KEY, "GET", format!("{}/{unknown}", of(&ada.id)), NONE, 404),
        (KEY, "GET", format!("{}/42", of(&ada.id)), NONE, 400),
        (
            ada.header(),
            "GET",
            format!("{}?userId=me", of(&ada.id)),
            NONE,
            400,
        ),
    ] {
        let (answered, _, problem) = shop.rest(caller, method, &path, &body);
        assert_eq!(answered, status, "{method} {path}: {problem}");
    }
}

/// No ids of orders.
const NO_IDS: [Value; 0] = [];

#[test]
fn orders_the_cart_where_the_body_has_no_products() {
    let shop = Shop::new();
    let (ada, product) = (shop.user("ada"), shop.product("a"));
    let path = format!("/api/orders/{}", ada.id);
    let fill = || {
        let line = json!({ "productId": product, "quantity": 2 });
        assert_eq!(shop.rest(ada.header(), "POST", "/api/cart/me/add", &line).0, 200);
    };
    let (status, _, problem) = shop.rest(ada.header(), "POST", &path, &NONE);
    assert_eq!(
        (status, &problem["errors"][0]["field"]),
        (400, &json!("products")),
        "{problem}"
    );
    fill();
    let (status, _, order) = shop.rest(ada.header(), "POST", &path, &NONE);
    assert_eq!(
        (status, &order["products"][0]["quantity"]),
        (201, &json!(2)),
        "{order}"
    );
    let (_, _, cart) = shop.rest(ada.header(), "GET", "/api/cart/me", &NONE);
    assert_eq!((&cart["products"], &cart["id"]), (&json!([]), &cart["_id"]));
    fill();
    for (caller, body, status) in [
        (ada.header(), json!({ "expectedTotal": 11 }), 409),
        (KEY, json!({ "expectedTotal": 10, "region": "DE" }), 201),
    ] {
        let (answered, _, order) = shop.rest(caller, "POST", &path, &body);
        assert_eq!(answered, status, "{order}");
    }
    let line = json!([{ "_id": product, "quantity": 1 }]);
    for (body, field) in [
        (json!({ "products": line, "items": line }), "items"),
        (json!({ "products": line, "expectedTotal": 5 }), "expectedTotal"),
        (json!({ "products": [] }), "products"),
        (json!({ "products": "all" }), "products"),
    ] {
        let (status, _, problem) = shop.rest(ada.header(), "POST", &path, &body);
        assert_eq!(
            (status, &problem["errors"][0]["field"]),
            (400, &json!(field)),
            "{body}: {problem}"
        );
    }
    let (status, _, problem) = shop.rest(ada.header(), "POST", "/api/orders", &json!({}));
    assert_eq!(
        (status, &problem["errors"][0]["field"]),
        (400, &json!("products")),
        "{problem}"
    );
}

#[test]
fn a_cart_in_rest_lists_a_changed_price() {
    let shop = Shop::new();
    let (ada, product) = (shop.user("ada"), shop.product("a"));
    let line = json!({ "productId": product, "quantity": 2 });
    let (_, _, cart) = shop.rest(ada.header(), "POST", "/api/cart/me/add", &line);
    assert_eq!((&cart["total"], &cart["changes"]), (&json!(10), &json!([])));
    assert_eq!(
        (&cart["products"][0]["id"], &cart["products"][0]["_id"]),
        (&json!(product), &json!(product))
    );
    let edit = json!({ "price": 9_007_199_254_740_991_i64, "version": 1 });
    let (status, _, _) = shop.rest(KEY, "PUT", &format!("/api/products/{product}"), &edit);
    assert_eq!(status, 200);
    let (_, _, cart) = shop.rest(ada.header(), "GET", "/api/cart/me", &NONE);
    let change = json!({
        "productId": product, "kind": "price-changed", "before": 5, "after": 9_007_199_254_740_991_i64,
    });
    assert_eq!(cart["changes"], json!([change]));
    assert_eq!(
        (&cart["total"], &cart["products"][0]["total"]),
        (&NONE, &NONE),
        "too large for an order"
    );
    let query = "{ cart { total totalAmount lines { unitPrice total } changes { after afterAmount } } }";
    let answer = shop.answer(ada.header(), &json!({ "query": query }));
    let seen = &answer["data"]["cart"];
    assert_eq!(
        seen["lines"],
        json!([{ "unitPrice": 9_007_199_254_740_991_i64, "total": null }])
    );
    assert_eq!(
        seen["changes"][0],
        json!({ "after": null, "afterAmount": 9_007_199_254_740_991_i64 })
    );
    assert_eq!(
        answer["errors"][0]["path"],
        json!(["cart", "changes", 0, "after"])
    );
    assert_eq!(answer["errors"][0]["extensions"]["code"], "AMOUNT_TOO_LARGE");
}
