//! REST: details of products, carts and payments.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use http::HeaderMap;
use mercato_ports::documents::{Deletion, Document, Query, Write};
use mercato_shop::ports::Ports as _;
use serde_json::{Value, json};
use shop::{KEY, NOBODY, Shop};

const NONE: Value = Value::Null;
const RECORDS: &str = "gateway.idempotency";

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

fn category(shop: &Shop, name: &str, parent: &Value) -> Value {
    let query = "mutation ($input: CreateCategoryInput!) { createCategory(input: $input) { _id } }";
    let input = json!({ "name": name, "parentId": parent });
    let answer = shop.answer(KEY, &json!({ "query": query, "variables": { "input": input } }));
    answer["data"]["createCategory"]["_id"].clone()
}

/// Takes away the answers that are kept for an `Idempotency-Key`.
fn forget(shop: &Shop) {
    let records = shop.ports().find(&Query::all(RECORDS, 100)).unwrap();
    assert_eq!(records.len(), 1);
    let delete = |record: Document| {
        Write::Delete(Deletion {
            collection: RECORDS.into(),
            id: record.id,
            expected: record.version,
        })
    };
    let writes: Vec<_> = records.into_iter().map(delete).collect();
    shop.ports().commit(&writes, &[]).unwrap();
}

#[test]
fn a_product_has_details_and_is_found_by_them() {
    let shop = Shop::new();
    let clothes = category(&shop, "Clothes", &NONE);
    let socks = category(&shop, "Socks", &clothes);
    let (status, headers, categories) = shop.rest(NOBODY, "GET", "/api/categories", &NONE);
    assert_eq!(
        (status, &categories),
        (
            200,
            &json!({ "items": [
                { "_id": clothes, "name": "Clothes", "slug": "clothes", "parentId": null, "position": 0 },
                { "_id": socks, "name": "Socks", "slug": "socks", "parentId": clothes, "position": 0 },
            ] })
        )
    );
    assert_eq!(text(&headers, "cache-control"), "public, no-cache");

    let details = json!({
        "name": "Wool sock", "price": 1250, "quantity": 3, "sku": "S-1", "categoryId": "socks",
        "images": [{ "url": "https://shop.example/sock.jpg" }],
        "attributes": [{ "name": "material", "value": "wool" }],
    });
    let (status, _, product) = shop.rest(KEY, "POST", "/api/products", &details);
    assert_eq!((status, &product["categoryId"]), (201, &socks), "{product}");
    assert_eq!(
        product["images"],
        json!([{ "url": "https://shop.example/sock.jpg", "alt": null }])
    );
    for name in ["sku", "attributes"] {
        assert_eq!(product[name], details[name]);
    }
    for name in ["parentId", "archivedAt"] {
        assert_eq!(product[name], NONE);
    }
    let path = format!("/api/products/{}", product["_id"].as_str().unwrap());
    let changes = json!({ "sku": "S-2", "images": [], "categoryId": "" });
    let (status, _, edited) = shop.rest(KEY, "PUT", &path, &changes);
    assert_eq!(
        (status, &edited["sku"], &edited["images"], &edited["categoryId"]),
        (200, &json!("S-2"), &json!([]), &NONE)
    );
    assert_eq!(
        edited["attributes"], details["attributes"],
        "what is left out stays"
    );
    assert_eq!(
        shop.rest(KEY, "PUT", &path, &json!({ "categoryId": clothes })).0,
        200
    );

    let query = "mutation ($parent: ID!) { createVariant(parentId: $parent, options: [{name: \"size\", value: \"M\"}], \
        input: {name: \"M\", price: 1, quantity: 1}) { _id } }";
    let variables = json!({ "parent": product["_id"] });
    let variant = shop.answer(KEY, &json!({ "query": query, "variables": variables }));
    let variant = variant["data"]["createVariant"]["_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let (_, _, read) = shop.rest(NOBODY, "GET", &format!("/api/products/{variant}"), &NONE);
    assert_eq!(
        (&read["parentId"], &read["options"]),
        (&product["_id"], &json!([{ "name": "size", "value": "M" }]))
    );
    for (query, names) in [
        ("category=clothes", json!(["Wool sock"])),
        ("category=socks", json!([])),
        ("sku=S-2", json!(["Wool sock"])),
        ("sku=S-1", json!([])),
        ("standalone=true", json!(["Wool sock"])),
        ("standalone=false", json!(["Wool sock", "M"])),
    ] {
        let (_, _, page) = shop.rest(NOBODY, "GET", &format!("/products?{query}"), &NONE);
        let items = page["items"].as_array().unwrap();
        let found: Vec<_> = items.iter().map(|item| &item["name"]).collect();
        assert_eq!(json!(found), names, "{query}");
    }
}

#[test]
fn a_product_that_is_deleted_is_no_longer_sold() {
    let shop = Shop::new();
    let path = format!("/api/products/{}", shop.product("a"));
    let delete = |tag: &str| shop.rest_with(&[KEY, ("if-match", tag)], "DELETE", &path, &NONE);
    let (status, _, problem) = delete("\"7\"");
    assert_eq!((status, &problem["version"]), (409, &json!(1)), "{problem}");
    let (status, _, deleted) = delete("\"1.9\"");
    assert_eq!((status, deleted["archivedAt"].is_string()), (200, true));
    assert_eq!(delete("\"1.9\"").2, deleted, "it can be repeated");
    let ada = shop.user("ada");
    // Whoever asks first: what is for those who keep the shop is kept for nobody else.
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
        assert_eq!(same[field], deleted[field], "as by GraphQL");
    }
    assert_eq!(shop.rest(KEY, "PUT", &path, &json!({ "price": 7 })).0, 404);
    assert_eq!(shop.rest(KEY, "DELETE", &path, &NONE).0, 404);
    let other = format!("/api/products/{}", shop.product("b"));
    assert_eq!(
        shop.rest(KEY, "DELETE", &other, &NONE).0,
        200,
        "whatever its version"
    );
}

#[test]
fn a_user_fills_a_cart_and_orders_it() {
    let shop = Shop::new();
    let (ada, a, b) = (shop.user("ada"), shop.product("a"), shop.product("b"));
    let own = format!("/api/cart/{}", ada.id);
    let ask = |method: &str, path: &str, body: Value| shop.rest(ada.header(), method, path, &body);
    let (status, headers, cart) = ask("GET", "/api/cart/me", NONE);
    assert_eq!(
        (status, cart),
        (
            200,
            json!({ "_id": null, "userId": ada.id, "products": [], "changes": [], "total": null, "currency": null, "expiresAt": null })
        )
    );
    assert_eq!(text(&headers, "cache-control"), "private, no-cache");

    let (status, _, mut cart) = ask(
        "POST",
        "/api/cart/me/add",
        json!({ "productId": a, "quantity": 2 }),
    );
    assert!(cart["expiresAt"].take().is_string());
    assert_eq!(
        (status, cart),
        (
            200,
            json!({
                "_id": null, "userId": ada.id, "changes": [], "total": 10, "currency": "USD", "expiresAt": null,
                "products": [{
                    "_id": a, "quantity": 2, "name": "a", "unitPrice": 5, "currency": "USD", "total": 10, "available": 9,
                }],
            })
        )
    );
    let (_, _, cart) = ask("POST", &format!("{own}/add"), json!({ "productId": b }));
    assert_eq!(cart["total"], 15, "one where nobody says how many");
    let (status, _, cart) = ask("PUT", &format!("{own}/update/{a}"), json!({ "quantity": 3 }));
    assert_eq!((status, &cart["total"]), (200, &json!(20)));
    let (status, _, cart) = ask("DELETE", &format!("/api/cart/me/remove/{b}"), NONE);
    assert_eq!((status, &cart["total"]), (200, &json!(15)));
    shop.rest(KEY, "PUT", &format!("/api/products/{a}"), &json!({ "price": 6 }));
    let (_, _, cart) = ask("GET", &own, NONE);
    assert_eq!(
        cart["changes"],
        json!([{ "productId": a, "kind": "price-changed", "before": 5, "after": 6 }])
    );

    let checkout = format!("{own}/checkout");
    let (status, _, problem) = ask("POST", &checkout, json!({ "expectedTotal": 15 }));
    assert_eq!((status, &problem["code"]), (409, &json!("CONFLICT")));
    let terms = json!({ "expectedTotal": 18, "region": "de" });
    let (status, headers, order) = ask("POST", &checkout, terms);
    assert_eq!(
        (status, &order["subtotal"], &order["region"]),
        (201, &json!(18), &json!("DE")),
        "{order}"
    );
    let path = format!("/api/orders/{}", order["_id"].as_str().unwrap());
    assert_eq!(
        (text(&headers, "location"), text(&headers, "etag")),
        (path.as_str(), "\"1\"")
    );
    assert_eq!(ask("GET", &path, NONE).2, order);
    assert_eq!(ask("GET", &own, NONE).2["products"], json!([]));
}

#[test]
fn a_keeper_fills_and_orders_the_cart_of_somebody_who_exists() {
    let shop = Shop::new();
    let (ada, product) = (shop.user("ada"), shop.product("a"));
    let line = json!({ "productId": product });
    for nobody in ["0198c0de-1f2e-7abc-8def-0123456789ab", &ada.id] {
        let expected = [200, 201].map(|status| if nobody == ada.id { status } else { 404 });
        let path = format!("/api/cart/{nobody}");
        let (added, _, cart) = shop.rest(KEY, "POST", &format!("{path}/add"), &line);
        assert_eq!(added, expected[0], "{cart}");
        let (placed, _, order) = shop.rest(KEY, "POST", &format!("{path}/checkout"), &NONE);
        assert_eq!(placed, expected[1], "{order}");
    }
    let path = format!("/api/cart/{}/add", ada.id);
    shop.calls();
    assert_eq!(shop.rest(ada.header(), "POST", &path, &line).0, 200);
    let calls = shop.calls();
    let asked = calls.iter().filter(|call| call.ends_with("accounts.users"));
    assert_eq!(
        asked.count(),
        0,
        "who fills the own cart is not looked up: {calls:?}"
    );
    let bob = shop.user("bob");
    assert_eq!(shop.rest(bob.header(), "POST", &path, &line).0, 403);
}

#[test]
fn a_guest_has_a_cart_by_its_id() {
    let shop = Shop::new();
    let product = shop.product("a");
    let (status, _, cart) = shop.rest(NOBODY, "GET", "/api/cart/me", &NONE);
    assert_eq!(
        (status, &cart["_id"], &cart["products"]),
        (200, &NONE, &json!([]))
    );
    let line = json!({ "productId": product });
    let add = |path: &str| shop.rest_with(&[("idempotency-key", "k")], "POST", path, &line);
    let (status, headers, cart) = add("/api/cart/me/add");
    assert_eq!((status, text(&headers, "cache-control")), (200, "no-store"));
    let id = cart["_id"].as_str().unwrap();
    let (_, headers, again) = add("/api/cart/me/add");
    assert!(headers.contains_key("idempotency-replayed"));
    assert_eq!(again["_id"], id);
    let query = format!("?cartId={id}");
    let more = shop.rest(NOBODY, "POST", &format!("/api/cart/me/add{query}"), &line);
    assert_eq!(more.2["total"], 10);
    let update = format!("/api/cart/me/update/{product}{query}");
    let (_, _, cart) = shop.rest(NOBODY, "PUT", &update, &json!({ "quantity": 4 }));
    assert_eq!((&cart["_id"], &cart["total"]), (&json!(id), &json!(20)));
    let (_, _, read) = shop.rest(NOBODY, "GET", &format!("/api/cart/me{query}"), &NONE);
    assert_eq!(read["products"], cart["products"]);
    let remove = format!("/api/cart/me/remove/{product}{query}");
    assert_eq!(
        shop.rest(NOBODY, "DELETE", &remove, &NONE).2["products"],
        json!([])
    );
    let checkout = format!("/api/cart/me/checkout{query}");
    assert_eq!(shop.rest(NOBODY, "POST", &checkout, &NONE).0, 401);

    // A user's cart tells no secret, and an addition that comes again is not made again.
    let ada = shop.user("ada");
    let add = || {
        let headers = [ada.header(), ("idempotency-key", "k")];
        shop.rest_with(&headers, "POST", "/api/cart/me/add", &line).2
    };
    assert_eq!(add(), add());
    assert_eq!(add()["total"], 5);
}

#[test]
fn a_guests_cart_goes_with_who_signs_in() {
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
fn what_can_not_be_in_a_cart_is_refused() {
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
fn an_order_is_paid_looked_at_and_given_back() {
    let shop = Shop::new();
    let (ada, product) = (shop.user("ada"), shop.product("a"));
    let lines = json!({ "products": [{ "_id": product, "quantity": 3 }] });
    let (_, _, order) = shop.rest(ada.header(), "POST", "/api/orders", &lines);
    let id = order["_id"].as_str().unwrap();
    let path = format!("/api/payments/{id}");
    let of_order = format!("/api/payments/order/{id}");
    for path in [&path, &of_order] {
        assert_eq!(shop.rest(ada.header(), "GET", path, &NONE).0, 404, "{path}");
    }
    let pay = |method: &str| shop.rest(ada.header(), "POST", &path, &json!({ "paymentMethod": method }));
    let (status, headers, problem) = pay("tok_declined");
    assert_eq!(
        (status, &problem["code"], &problem["status"]),
        (402, &json!("PAYMENT_DECLINED"), &json!(402))
    );
    assert_eq!(text(&headers, "content-type"), "application/problem+json");
    let (_, _, failed) = shop.rest(ada.header(), "GET", &path, &NONE);
    assert_eq!(
        (&failed["status"], failed["failure"].is_string()),
        (&json!("failed"), true)
    );

    let (status, headers, mut payment) = pay("tok_ok");
    assert_eq!((status, text(&headers, "location")), (201, path.as_str()));
    assert_eq!(text(&headers, "etag"), format!("\"{}\"", payment["version"]));
    for path in [&path, &of_order] {
        let (status, headers, read) = shop.rest(ada.header(), "GET", path, &NONE);
        assert_eq!((status, &read), (200, &payment), "{path}");
        assert_eq!(text(&headers, "cache-control"), "private, no-cache");
    }
    assert!(payment["version"].take().is_u64() && payment["createdAt"].take().is_string());
    assert_eq!(
        payment,
        json!({
            "_id": id, "userId": ada.id, "status": "succeeded", "amount": 15, "currency": "USD", "attempt": 2, "failure": null,
            "clientSecret": null, "refunded": 0, "refunds": [], "version": null, "createdAt": null,
        })
    );
    let refund = format!("{path}/refund");
    let part = json!({ "amount": 5, "reason": "r" });
    let once = || shop.rest_with(&[KEY, ("idempotency-key", "k")], "POST", &refund, &part);
    let (status, _, refunded) = once();
    assert_eq!((status, &refunded["refunded"]), (200, &json!(5)));
    let given = &refunded["refunds"][0];
    assert_eq!(
        (&given["amount"], &given["status"], &given["reason"]),
        (&json!(5), &json!("succeeded"), &json!("r"))
    );
    assert_eq!(once().2, refunded);
    forget(&shop);
    assert_eq!(
        once().2,
        refunded,
        "whose answer was lost, and is asked for again"
    );
    let (status, _, problem) = shop.rest(KEY, "POST", &refund, &json!({ "amount": 11 }));
    assert_eq!((status, &problem["errors"][0]["field"]), (400, &json!("amount")));
    let (_, _, rest) = shop.rest(KEY, "POST", &refund, &NONE);
    assert_eq!(
        rest["refunded"], 15,
        "all that is left where nobody says how much"
    );
    let (_, _, order) = shop.rest(ada.header(), "GET", &format!("/api/orders/{id}"), &NONE);
    assert_eq!(order["status"], "refunded");
}

#[test]
fn a_payment_that_is_to_be_confirmed_tells_its_secret_to_who_pays() {
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
