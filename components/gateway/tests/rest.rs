//! REST: what is asked and answered, and how refusals look.
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
fn a_product_is_added_read_edited_stocked_and_listed() {
    let shop = Shop::new();
    let new = json!({ "name": "Wool sock", "price": 1250, "quantity": 3, "externalId": "S-1" });
    let (status, headers, product) = shop.rest(KEY, "POST", "/api/products", &new);
    assert_eq!(status, 201);
    let path = format!("/api/products/{}", product["_id"].as_str().unwrap());
    assert_eq!(text(&headers, "location"), path);
    assert_eq!(product["currency"], "USD");

    let (status, headers, read) = shop.rest(NOBODY, "GET", &path, &NONE);
    assert_eq!((status, &read), (200, &product));
    assert_eq!(text(&headers, "etag"), "\"1.3\"");
    assert_eq!(text(&headers, "cache-control"), "public, no-cache");

    let (status, headers, edited) = shop.rest(KEY, "PUT", &path, &json!({ "price": 900, "version": 1 }));
    assert_eq!(
        (status, &edited["price"], &edited["version"]),
        (200, &json!(900), &json!(2))
    );
    assert_eq!(edited["name"], "Wool sock", "what is left out stays");
    assert_eq!(text(&headers, "etag"), "\"2.3\"");

    let stock = format!("{path}/stock");
    let (status, headers, stocked) = shop.rest(KEY, "PATCH", &stock, &json!({ "quantity": 4 }));
    assert_eq!((status, &stocked["quantity"]), (200, &json!(7)));
    assert_eq!(text(&headers, "etag"), "\"2.7\"");
    let deduct = format!("{path}/deduct");
    let (status, _, stocked) = shop.rest(KEY, "PUT", &deduct, &json!({ "quantity": 7 }));
    assert_eq!((status, &stocked["quantity"]), (200, &json!(0)));
    let (status, _, problem) = shop.rest(KEY, "PUT", &deduct, &json!({ "quantity": 1 }));
    assert_eq!((status, &problem["code"]), (409, &json!("OUT_OF_STOCK")));
    assert_eq!(
        problem["lines"],
        json!([{ "_id": product["_id"], "requested": 1, "available": 0 }])
    );

    shop.product("Felt hat");
    for (query, names) in [
        ("", json!(["Wool sock", "Felt hat"])),
        ("?sort=name", json!(["Felt hat", "Wool sock"])),
        ("?sort=-price", json!(["Wool sock", "Felt hat"])),
        ("?search=wool", json!(["Wool sock"])),
        ("?inStock=true", json!(["Felt hat"])),
        ("?inStock=false", json!(["Wool sock"])),
        ("?minPrice=6&maxPrice=900", json!(["Wool sock"])),
    ] {
        for twin in ["/api/products", "/products"] {
            let (status, _, page) = shop.rest(NOBODY, "GET", &format!("{twin}{query}"), &NONE);
            let found: Vec<_> = page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| &item["name"])
                .collect();
            assert_eq!((status, json!(found)), (200, names.clone()), "{query}");
        }
    }
    let (_, _, first) = shop.rest(NOBODY, "GET", "/products?first=1", &NONE);
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    let cursor = first["pageInfo"]["endCursor"].as_str().unwrap();
    let (_, _, second) = shop.rest(NOBODY, "GET", &format!("/products?first=1&after={cursor}"), &NONE);
    assert_eq!(second["items"][0]["name"], "Felt hat");
    assert_eq!(second["pageInfo"]["hasNextPage"], false);
}

#[test]
fn what_is_had_already_is_not_sent_again() {
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
        // A movement of stock is no edit, and yet another answer.
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
fn a_change_of_what_is_no_longer_so_is_refused() {
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
        let who = if path.ends_with("/me") || method == "DELETE" {
            ada.header()
        } else {
            KEY
        };
        let (read_path, reader) = (path.replace("/status", "").replace("/stock", ""), who);
        let (_, headers, current) = shop.rest(reader, "GET", &read_path, &NONE);
        let tag = text(&headers, "etag").to_owned();
        let (refused, headers, problem) = shop.rest_with(&[who, ("if-match", "\"77\"")], method, path, &body);
        assert_eq!(
            (refused, &problem["code"]),
            (409, &json!("CONFLICT")),
            "{method} {path}: {problem}"
        );
        assert_eq!(problem["version"], current["version"], "{method} {path}");
        assert!(!text(&headers, "etag").is_empty(), "{method} {path}");
        let (refused, _, problem) = shop.rest_with(&[who, ("if-match", "nonsense")], method, path, &body);
        assert_eq!(
            (refused, &problem["errors"][0]["field"]),
            (400, &json!("If-Match")),
            "{method} {path}"
        );
        let (done, ..) = shop.rest_with(&[who, ("if-match", &tag)], method, path, &body);
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
fn an_order_is_placed_moved_on_and_cancelled() {
    let shop = Shop::new();
    let (ada, product) = (shop.user("ada"), shop.product("a"));
    let lines = json!({ "products": [{ "_id": product, "quantity": 2 }], "region": "de" });
    let (status, headers, order) = shop.rest(ada.header(), "POST", "/orders", &lines);
    assert_eq!(
        (status, &order["status"], &order["total"]),
        (201, &json!("pending"), &json!(10))
    );
    assert_eq!(
        (&order["region"], &order["products"][0]["unitPrice"]),
        (&json!("DE"), &json!(5))
    );
    let path = format!("/api/orders/{}", order["_id"].as_str().unwrap());
    assert_eq!(
        (text(&headers, "location"), text(&headers, "etag")),
        (path.as_str(), "\"1\"")
    );

    let moved = |status: &str| {
        shop.rest(
            KEY,
            "PATCH",
            &format!("{path}/status"),
            &json!({ "status": status }),
        )
    };
    let (status, _, problem) = moved("shipped");
    assert_eq!((status, &problem["code"]), (409, &json!("INVALID_TRANSITION")));
    assert_eq!(moved("paid").2["status"], "paid");
    let twin = path.replace("/api", "") + "/status";
    let (status, _, order) = shop.rest(KEY, "PUT", &twin, &json!({ "status": "PROCESSING", "note": "n" }));
    assert_eq!(
        (status, &order["status"], &order["timeline"][2]["note"]),
        (200, &json!("processing"), &json!("n"))
    );

    let (status, headers, page) = shop.rest(
        ada.header(),
        "GET",
        "/api/orders?status=processing&sort=-created",
        &NONE,
    );
    assert_eq!((status, page["items"].as_array().unwrap().len()), (200, 1));
    assert_eq!(text(&headers, "cache-control"), "private, no-cache");
    let (status, _, order) = shop.rest(
        ada.header(),
        "DELETE",
        &format!("{path}?reason=Too%20large"),
        &NONE,
    );
    assert_eq!((status, &order["status"]), (200, &json!("cancelled")));
    assert_eq!(
        order["timeline"][3],
        json!({
            "at": order["timeline"][3]["at"], "actor": "customer", "actorId": ada.id, "from": "processing", "to": "cancelled",
            "note": "Too large",
        })
    );
    let too_many = json!({ "products": [{ "_id": product, "quantity": 99 }] });
    let (status, _, problem) = shop.rest(ada.header(), "POST", "/orders", &too_many);
    assert_eq!((status, &problem["lines"][0]["requested"]), (409, &json!(99)));
}

#[test]
fn a_user_registers_signs_in_goes_on_and_leaves() {
    let shop = Shop::new();
    let ada = shop.user("ada");
    let own = format!("/api/users/{}", ada.id);
    let credentials = json!({ "username": "ada", "password": "a long password" });
    let (status, headers, _) = shop.rest(NOBODY, "POST", "/auth/login", &credentials);
    assert_eq!((status, text(&headers, "cache-control")), (200, "no-store"));
    let (status, _, problem) = shop.rest(NOBODY, "POST", "/auth/register", &credentials);
    assert_eq!((status, &problem["code"]), (409, &json!("CONFLICT")));
    let wrong = json!({ "username": "ada", "password": "another password" });
    let (status, headers, problem) = shop.rest(NOBODY, "POST", "/api/users/login", &wrong);
    assert_eq!((status, &problem["code"]), (401, &json!("UNAUTHENTICATED")));
    assert_eq!(text(&headers, "www-authenticate"), "Bearer");

    let (status, _, user) = shop.rest(ada.header(), "GET", "/api/users/me", &NONE);
    assert_eq!(
        (status, &user["_id"], &user["role"]),
        (200, &json!(ada.id), &json!("CUSTOMER"))
    );
    let (status, _, problem) = shop.rest(KEY, "GET", "/api/users/me", &NONE);
    assert_eq!((status, &problem["code"]), (403, &json!("FORBIDDEN")));
    let (status, _, user) = shop.rest(
        ada.header(),
        "PUT",
        &own,
        &json!({ "name": "Ada", "email": "ada@example.com" }),
    );
    assert_eq!((status, &user["name"]), (200, &json!("Ada")));
    let (status, _, sent) = shop.rest(
        ada.header(),
        "POST",
        "/api/users/verify",
        &json!({ "channel": "email" }),
    );
    assert_eq!((status, &sent["channel"]), (202, &json!("email")));
    let code = json!({ "channel": "email", "code": "nonsense" });
    assert_eq!(shop.rest(ada.header(), "POST", "/api/users/verify", &code).0, 400);
    let (status, _, export) = shop.rest(ada.header(), "GET", &format!("{own}/export"), &NONE);
    assert_eq!((status, &export["user"]["profile"]["name"]), (200, &json!("Ada")));
    let lists = [
        &export["orders"],
        &export["payments"],
        &export["cart"]["products"],
    ];
    assert_eq!(lists, [&json!([]); 3]);
    assert_eq!(
        export["notificationPreferences"][0],
        json!({ "kind": "welcome", "medium": "email", "enabled": true })
    );

    let (status, _, next) = shop.rest(
        NOBODY,
        "POST",
        "/api/users/refresh",
        &json!({ "refresh_token": ada.refresh }),
    );
    assert_eq!(status, 200);
    let bearer = format!("Bearer {}", next["access_token"].as_str().unwrap());
    let ada = ("authorization", bearer.as_str());
    assert_eq!(shop.rest(ada, "POST", "/api/users/logout", &NONE).0, 204);
    let (status, _, problem) = shop.rest(ada, "GET", "/api/users/me", &NONE);
    assert_eq!(status, 401);
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("session of this access token is over")
    );
    assert_eq!(shop.rest(KEY, "DELETE", &own, &NONE).0, 204);
    assert_eq!(shop.rest(NOBODY, "POST", "/auth/login", &credentials).0, 401);
}

#[test]
fn refusals_are_problems() {
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
    for (method, path, body, status, code, told) in rows {
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
        assert!(problem["detail"].as_str().unwrap().contains(told), "{shown}");
        if code == "BAD_USER_INPUT" {
            assert_eq!(problem["errors"][0]["field"], told, "{shown}");
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
fn the_document_and_its_page_are_served() {
    let shop = Shop::new();
    let (status, headers, document) = shop.rest(NOBODY, "GET", "/openapi.json", &NONE);
    assert_eq!((status, &document["openapi"]), (200, &json!("3.1.0")));
    assert_eq!(text(&headers, "content-type"), "application/json");
    assert_eq!(document, shop.openapi());
    let page = shop.send(Request::get("/docs"), "");
    assert_eq!(page.status(), 200);
    let html = String::from_utf8(page.body().clone()).unwrap();
    let parts: Vec<_> = html
        .split(['"', '\''])
        .filter(|part| part.starts_with("/docs/assets/"))
        .collect();
    assert_eq!(parts.len(), 2);
    for part in parts {
        assert_eq!(shop.send(Request::get(part), "").status(), 200, "{part}");
    }
    assert!(!html.contains("//"), "nothing comes from elsewhere");
    assert_eq!(shop.send(Request::get("/docs/assets/nonsense"), "").status(), 404);
}

#[test]
fn how_the_shop_is_is_asked_by_get_and_never_had_already() {
    let shop = Shop::new();
    for (path, word) in [("/livez", "live"), ("/readyz", "ready")] {
        let known = ("if-none-match", "*");
        let (status, headers, told) = shop.rest(known, "GET", path, &NONE);
        assert_eq!((status, &told), (200, &json!({ "status": word })));
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
    let (status, _, told) = shop.rest(NOBODY, "GET", "/readyz", &NONE);
    let reason = "the catalog does not answer";
    assert_eq!(
        (status, told),
        (503, json!({ "status": "unavailable", "reason": reason }))
    );
    assert_eq!(shop.rest(NOBODY, "GET", "/livez", &NONE).0, 200);
}
