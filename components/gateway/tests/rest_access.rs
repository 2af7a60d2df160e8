//! Who may do what by REST: a row for every operation, and a column for every kind of caller.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shop::{KEY, NOBODY, SECRET, Shop, User};

/// The status that each caller gets: nobody, the owner, another customer, an ADMIN, the API key, a wrong key, an expired token.
type Columns = [u16; 7];

const EVERYBODY: Columns = [200; 7];
const OWNER: Columns = [401, 200, 403, 200, 200, 401, 401];
const STAFF: Columns = [401, 403, 403, 200, 200, 401, 401];

/// Method, paths, body, and what each caller gets.
type Row = (&'static str, &'static [&'static str], &'static str, Columns);

/// `$owner`, `$product`, `$order`, `$refresh` and `$name` stand for what is there.
const TABLE: [Row; 34] = [
    (
        "POST",
        &["/api/users/register", "/auth/register"],
        r#"{"username": "$name", "password": "a long password"}"#,
        [201; 7],
    ),
    (
        "POST",
        &["/api/users/login", "/auth/login"],
        r#"{"username": "$login", "password": "a long password"}"#,
        EVERYBODY,
    ),
    (
        "POST",
        &["/api/users/refresh"],
        r#"{"refresh_token": "$refresh"}"#,
        EVERYBODY,
    ),
    (
        "POST",
        &["/api/users/logout"],
        r#"{"refresh_token": "$refresh"}"#,
        [204; 7],
    ),
    // Nobody here has an address; the API key is nobody's.
    (
        "POST",
        &["/api/users/verify"],
        r#"{"channel": "email", "code": "000000"}"#,
        [401, 400, 400, 400, 403, 401, 401],
    ),
    ("GET", &["/api/users/{id}"], "", OWNER),
    ("PUT", &["/api/users/{id}"], r#"{"name": "Ada"}"#, OWNER),
    (
        "DELETE",
        &["/api/users/{id}"],
        "",
        [401, 204, 403, 204, 204, 401, 401],
    ),
    ("GET", &["/api/users/{id}/export"], "", OWNER),
    ("GET", &["/api/products", "/products"], "", EVERYBODY),
    (
        "POST",
        &["/api/products", "/products"],
        r#"{"name": "a", "price": 1, "quantity": 1}"#,
        [401, 403, 403, 201, 201, 401, 401],
    ),
    ("GET", &["/api/products/{id}"], "", EVERYBODY),
    ("PUT", &["/api/products/{id}"], r#"{"price": 2}"#, STAFF),
    ("DELETE", &["/api/products/{id}"], "", STAFF),
    ("GET", &["/api/categories"], "", EVERYBODY),
    (
        "PATCH",
        &["/api/products/{id}/stock"],
        r#"{"quantity": 1}"#,
        STAFF,
    ),
    ("PUT", &["/api/products/{id}/deduct"], r#"{"quantity": 1}"#, STAFF),
    ("GET", &["/api/cart/{userId}"], "", OWNER),
    (
        "POST",
        &["/api/cart/{userId}/add"],
        r#"{"productId": "$product", "quantity": 1}"#,
        OWNER,
    ),
    (
        "PUT",
        &["/api/cart/{userId}/update/{productId}"],
        r#"{"quantity": 2}"#,
        OWNER,
    ),
    ("DELETE", &["/api/cart/{userId}/remove/{productId}"], "", OWNER),
    (
        "POST",
        &["/api/cart/{userId}/checkout"],
        "",
        [401, 201, 403, 201, 201, 401, 401],
    ),
    (
        "GET",
        &["/api/orders", "/orders"],
        "",
        [401, 200, 200, 200, 200, 401, 401],
    ),
    (
        "POST",
        &["/api/orders", "/orders"],
        r#"{"products": [{"_id": "$product", "quantity": 1}]}"#,
        [401, 201, 201, 201, 403, 401, 401],
    ),
    ("GET", &["/api/orders/{id}"], "", OWNER),
    ("DELETE", &["/api/orders/{id}"], "", OWNER),
    (
        "PATCH",
        &["/api/orders/{id}/status", "/orders/{id}/status"],
        r#"{"status": "paid"}"#,
        STAFF,
    ),
    (
        "PUT",
        &["/api/orders/{id}/status", "/orders/{id}/status"],
        r#"{"status": "paid"}"#,
        STAFF,
    ),
    (
        "POST",
        &["/api/payments/{id}"],
        r#"{"paymentMethod": "tok_ok"}"#,
        [401, 201, 403, 201, 201, 401, 401],
    ),
    ("GET", &["/api/payments/{id}"], "", OWNER),
    ("GET", &["/api/payments/order/{id}"], "", OWNER),
    ("POST", &["/api/payments/{id}/refund"], "", STAFF),
    (
        "POST",
        &["/api/notification/email"],
        r#"{"to": "ada@example.com", "subject": "News", "text": "News"}"#,
        STAFF,
    ),
    // No SMS can be sent here.
    (
        "POST",
        &["/api/notification/sms"],
        r#"{"to": "+4915112345678", "text": "News"}"#,
        [401, 403, 403, 503, 503, 401, 401],
    ),
];

#[test]
fn every_operation_has_a_row() {
    let document = Shop::new().openapi();
    let offered: BTreeSet<_> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            methods.map(move |method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    let rows: BTreeSet<_> = TABLE
        .iter()
        .flat_map(|(method, paths, ..)| {
            paths
                .iter()
                .map(move |path| ((*method).to_owned(), (*path).to_owned()))
        })
        .collect();
    assert_eq!(offered, rows);
}

/// What the requests of a cell are about; new for each, since some end it.
struct Things {
    owner: User,
    login: String,
    product: String,
    order: String,
    /// An order that is paid.
    paid: String,
}

fn things(shop: &Shop, number: usize) -> Things {
    let login = format!("owner-{number}");
    let owner = shop.user(&login);
    let product = shop.product("a");
    let line = json!({ "productId": product });
    shop.rest(owner.header(), "POST", "/api/cart/me/add", &line);
    let lines = json!({ "products": [{ "_id": product, "quantity": 1 }] });
    let order = || {
        let (_, _, order) = shop.rest(owner.header(), "POST", "/api/orders", &lines);
        order["_id"].as_str().unwrap().to_owned()
    };
    let (order, paid) = (order(), order());
    let method = json!({ "paymentMethod": "tok_ok" });
    let (status, ..) = shop.rest(owner.header(), "POST", &format!("/api/payments/{paid}"), &method);
    assert_eq!(status, 201);
    Things {
        order,
        paid,
        owner,
        login,
        product,
    }
}

fn admin(user: &User, until: u64) -> String {
    let claims = json!({ "userId": user.id, "role": "ADMIN", "exp": until });
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key);
    format!("Bearer {}", token.unwrap())
}

#[test]
fn every_caller_gets_what_the_table_says() {
    let shop = Shop::new();
    let (other, root) = (shop.user("other"), shop.user("root"));
    let (root, expired) = (admin(&root, 4_102_444_800), admin(&root, 1_000_003_600));
    let mut number = 0;
    for (method, paths, body, columns) in TABLE {
        for (path, (column, expected)) in paths
            .iter()
            .flat_map(|path| columns.iter().enumerate().map(move |cell| (path, cell)))
        {
            number += 1;
            let things = things(&shop, number);
            let id = match path.trim_start_matches("/api") {
                rest if rest.starts_with("/users") => &things.owner.id,
                rest if rest.starts_with("/products") => &things.product,
                "/payments/{id}" if method == "POST" => &things.order,
                rest if rest.starts_with("/payments") => &things.paid,
                _ => &things.order,
            };
            let filled = body
                .replace("$name", &format!("new-{number}"))
                .replace("$login", &things.login)
                .replace("$refresh", &things.owner.refresh)
                .replace("$product", &things.product);
            let who = [
                NOBODY,
                things.owner.header(),
                other.header(),
                ("authorization", root.as_str()),
                KEY,
                ("x-api-key", "a-key-that-no-shop-has-0123456789"),
                ("authorization", expired.as_str()),
            ][column];
            let body = serde_json::from_str(&filled).unwrap_or(Value::Null);
            let path = path
                .replace("{id}", id)
                .replace("{userId}", &things.owner.id)
                .replace("{productId}", &things.product);
            let (status, _, answer) = shop.rest(who, method, &path, &body);
            assert_eq!(status, *expected, "{method} {path} in column {column}: {answer}");
            let code = match status {
                401 => json!("UNAUTHENTICATED"),
                403 => json!("FORBIDDEN"),
                400 => json!("BAD_USER_INPUT"),
                503 => json!("UNAVAILABLE"),
                _ => Value::Null,
            };
            assert_eq!(answer["code"], code, "{method} {path} in column {column}");
        }
    }
}
