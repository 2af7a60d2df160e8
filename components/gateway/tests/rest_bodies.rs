//! REST: versions in bodies, and invalid bodies.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use http::Request;
use serde_json::{Value, json};
use shop::{KEY, NOBODY, Shop};

#[test]
fn accepts_a_version_in_the_body() {
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
    let product = format!("/api/products/{product}");
    let (stock, deduct) = (format!("{product}/stock"), format!("{product}/deduct"));
    let edit = |caller, path: &str, body: Value| assert_eq!(shop.rest(caller, "PUT", path, &body).0, 200);
    edit(KEY, &product, json!({ "price": 6 }));
    edit(KEY, &format!("{order}/status"), json!({ "status": "paid" }));
    edit(ada.header(), "/api/users/me", json!({ "name": "Ada" }));
    let rows = [
        (KEY, "PATCH", stock.as_str(), json!({ "quantity": 1 })),
        (KEY, "PUT", &deduct, json!({ "quantity": 1 })),
        (KEY, "DELETE", &product, json!({})),
        (ada.header(), "DELETE", &order, json!({})),
        (ada.header(), "DELETE", "/api/users/me", json!({})),
    ];
    for (caller, method, path, mut body) in rows {
        for (version, expected) in [
            (json!("2"), (400, json!("BAD_USER_INPUT"))),
            (json!(1), (409, json!("CONFLICT"))),
        ] {
            body["version"] = version;
            let (status, _, problem) = shop.rest(caller, method, path, &body);
            assert_eq!(
                (status, problem["code"].clone()),
                expected,
                "{method} {path}: {problem}"
            );
        }
        body["version"] = json!(2);
        let (done, _, answer) = shop.rest(caller, method, path, &body);
        assert!((200..300).contains(&done), "{method} {path}: {answer}");
    }
    let document = shop.openapi();
    for (path, shape) in [
        ("/api/products/{id}", "Deletion"),
        ("/api/orders/{id}", "OrderDeletion"),
        ("/api/users/{id}", "Deletion"),
    ] {
        let body = &document["paths"][path]["delete"]["requestBody"];
        assert_eq!(body["required"], false, "{path}");
        let schema = &body["content"]["application/json"]["schema"]["$ref"];
        assert_eq!(schema, &format!("#/components/schemas/{shape}"), "{path}");
    }
}

#[test]
fn distinguishes_invalid_json_from_wrong_types() {
    let shop = Shop::new();
    let ada = shop.user("ada");
    let product = shop.product("a");
    let (_, _, order) = shop.rest(
        ada.header(),
        "POST",
        "/api/orders",
        &json!({ "products": [{ "_id": product, "quantity": 1 }] }),
    );
    let status = format!("/api/orders/{}/status", order["_id"].as_str().unwrap());
    let register = "/api/users/register";
    let line = json!({ "products": [[product, 1]] }).to_string();
    let send = |caller: (&str, &str), method: &str, path: &str, body: &str| {
        let request = Request::builder().method(method).uri(path);
        let request = request
            .header("content-type", "application/json")
            .header(caller.0, caller.1);
        let (code, problem) = shop.http(request, body);
        let field = problem["errors"][0]["field"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        (
            code,
            problem["code"].as_str().unwrap_or_default().to_owned(),
            field,
        )
    };
    let wrong = |field: &str| (400, "BAD_USER_INPUT".to_owned(), field.to_owned());
    let invalid_json = (400, "BAD_REQUEST".to_owned(), String::new());
    let rows = [
        (
            NOBODY,
            "POST",
            register,
            r#"["arrayuser","a long password",null]"#,
            wrong("body"),
        ),
        (NOBODY, "POST", register, "null", wrong("body")),
        (
            NOBODY,
            "POST",
            register,
            r#"{"username":"x","#,
            invalid_json.clone(),
        ),
        (
            NOBODY,
            "POST",
            register,
            r#"{"username":5,"#,
            invalid_json.clone(),
        ),
        (
            NOBODY,
            "POST",
            register,
            r#"{"username":5} {}"#,
            invalid_json.clone(),
        ),
        (
            NOBODY,
            "POST",
            register,
            r#"{"username":"abc","username":"def","password":"a long password"}"#,
            wrong("username"),
        ),
        (ada.header(), "POST", "/api/orders", &line, wrong("products[0]")),
        (
            KEY,
            "PATCH",
            &status,
            r#"{"status":{"processing":null}}"#,
            wrong("status"),
        ),
        (KEY, "PATCH", &status, r#"{"status":null}"#, wrong("status")),
        (KEY, "PATCH", &status, r#"{"status":5}"#, wrong("status")),
        (KEY, "PATCH", &status, r#"{"status":{}}"#, wrong("status")),
        (KEY, "PATCH", &status, r#"{"status":["paid"]}"#, wrong("status")),
        (KEY, "PATCH", &status, r#"{"status":"lost"}"#, wrong("status")),
        (KEY, "PATCH", &status, "{}", wrong("status")),
        (
            ada.header(),
            "POST",
            "/api/users/verify",
            r#"{"channel":5}"#,
            wrong("channel"),
        ),
    ];
    for (caller, method, path, body, expected) in rows {
        assert_eq!(send(caller, method, path, body), expected, "{path} {body}");
    }
    assert_eq!(
        send(KEY, "PATCH", &status, r#"{"status":"PAID","note":null}"#).0,
        200
    );
}
