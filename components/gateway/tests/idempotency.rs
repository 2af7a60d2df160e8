//! `Idempotency-Key`: a repeated request is executed once, and gets the same answer.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use std::sync::{Arc, Mutex};
use std::thread;

use mercato_ports::documents::{Document, Insertion, Query, Replacement, Write};
use mercato_shop::ports::Ports as _;
use serde_json::{Value, json};
use shop::{KEY, NOBODY, Shop};

const RECORDS: &str = "gateway.idempotency";
const PRODUCTS: &str = "/api/products";

fn keyed(shop: &Shop, caller: (&str, &str), key: &str, path: &str, body: &Value) -> (u16, bool, Value) {
    let (status, headers, body) = shop.rest_with(&[caller, ("idempotency-key", key)], "POST", path, body);
    let replayed = headers
        .get("idempotency-replayed")
        .is_some_and(|value| value == "true");
    (status, replayed, body)
}

fn new(name: &str) -> Value {
    json!({ "name": name, "price": 1, "quantity": 1 })
}

fn records(shop: &Shop) -> Vec<Document> {
    shop.ports().find(&Query::all(RECORDS, 100)).unwrap()
}

/// Changes the only record.
fn tamper(shop: &Shop, change: impl FnOnce(&mut Value)) {
    let record = records(shop).remove(0);
    let mut body: Value = serde_json::from_str(&record.body).unwrap();
    change(&mut body);
    let write = Write::Replace(Replacement {
        collection: RECORDS.into(),
        id: record.id,
        expected: record.version,
        body: body.to_string(),
    });
    shop.ports().commit(&[write], &[]).unwrap();
}

#[test]
fn replays_a_stock_movement() {
    let shop = Shop::new();
    let id = shop.product("a");
    for (method, place, left) in [("PATCH", "stock", 10), ("PUT", "deduct", 9)] {
        let path = format!("{PRODUCTS}/{id}/{place}");
        for _ in 0..2 {
            let headers = [KEY, ("idempotency-key", place)];
            let (status, _, product) = shop.rest_with(&headers, method, &path, &json!({ "quantity": 1 }));
            assert_eq!(
                (status, &product["quantity"]),
                (200, &json!(left)),
                "{method} {path}"
            );
        }
    }
}

#[test]
fn treats_an_edit_of_another_version_as_another_request() {
    let shop = Shop::new();
    let path = format!("{PRODUCTS}/{}/stock", shop.product("a"));
    let edit = |tag: &str| {
        let headers = [KEY, ("idempotency-key", "k"), ("if-match", tag)];
        shop.rest_with(&headers, "PATCH", &path, &json!({ "quantity": 3 }))
    };
    let (status, _, _) = edit("\"7\"");
    assert_eq!(status, 409);
    let (status, _, problem) = edit("\"1\"");
    assert_eq!(
        (status, &problem["code"]),
        (422, &json!("IDEMPOTENCY_KEY_REUSED"))
    );
}

#[test]
fn separates_keys_by_request_and_caller() {
    let shop = Shop::new();
    let (ada, bob, product) = (shop.user("ada"), shop.user("bob"), shop.product("a"));
    let lines = |quantity: i32| json!({ "products": [{ "_id": product, "quantity": quantity }] });
    let (_, _, order) = keyed(&shop, ada.header(), "k", "/api/orders", &lines(1));
    let (status, _, refused) = keyed(&shop, ada.header(), "k", "/api/orders", &lines(2));
    assert_eq!(
        (status, &refused["code"]),
        (422, &json!("IDEMPOTENCY_KEY_REUSED"))
    );
    let (status, _, refused) = keyed(&shop, ada.header(), "k", "/orders", &lines(1));
    assert_eq!(
        (status, &refused["code"]),
        (422, &json!("IDEMPOTENCY_KEY_REUSED"))
    );
    let (status, replayed, other) = keyed(&shop, bob.header(), "k", "/api/orders", &lines(1));
    assert_eq!((status, replayed), (201, false));
    assert_ne!(other["_id"], order["_id"]);
    for key in ["", &"x".repeat(256)] {
        let (status, _, refused) = keyed(&shop, KEY, key, PRODUCTS, &new("a"));
        assert_eq!(
            (status, &refused["errors"][0]["field"]),
            (400, &json!("Idempotency-Key"))
        );
    }
}

#[test]
fn replays_final_refusals_only() {
    let shop = Shop::new();
    let ada = shop.user("ada");
    let profile = json!({ "email": "ada@example.com" });
    shop.rest(ada.header(), "PUT", "/api/users/me", &profile);
    let nothing = json!({ "products": [] });
    assert_eq!(keyed(&shop, ada.header(), "k1", "/api/orders", &nothing).0, 400);
    assert!(keyed(&shop, ada.header(), "k1", "/api/orders", &nothing).1);
    let verify = |key: &str| {
        keyed(
            &shop,
            ada.header(),
            key,
            "/api/users/verify",
            &json!({ "channel": "email" }),
        )
    };
    assert_eq!(verify("k2").0, 202);
    for _ in 0..2 {
        let (status, replayed, _) = verify("k3");
        assert_eq!(
            (status, replayed),
            (429, false),
            "a code is sent at most once a minute"
        );
    }
    assert!(verify("k2").1);
}

#[test]
fn rejects_a_repetition_of_a_running_request() {
    let shop = Arc::new(Shop::new());
    let met = Arc::new(Mutex::new(None));
    let (other, answer) = (Arc::clone(&shop), Arc::clone(&met));
    // Runs after the claim, before the product is created.
    shop.ports().after_next_commit(move || {
        let meets = move || other.rest_with(&[KEY, ("idempotency-key", "k")], "POST", PRODUCTS, &new("a"));
        *answer.lock().unwrap() = Some(thread::spawn(meets).join().unwrap());
    });
    assert_eq!(keyed(&shop, KEY, "k", PRODUCTS, &new("a")).0, 201);
    let (status, headers, refused) = met.lock().unwrap().take().unwrap();
    assert_eq!(
        (status, &refused["code"]),
        (409, &json!("IDEMPOTENCY_KEY_IN_USE"))
    );
    assert_eq!(headers["retry-after"], refused["retryAfter"].to_string());
    assert!(keyed(&shop, KEY, "k", PRODUCTS, &new("a")).1);
}

#[test]
fn takes_over_expired_claims_and_expired_records() {
    let shop = Shop::new();
    let first = keyed(&shop, KEY, "k", PRODUCTS, &new("a")).2;
    tamper(&shop, |record| {
        record.as_object_mut().unwrap().remove("sealed").unwrap();
    });
    assert_eq!(
        keyed(&shop, KEY, "k", PRODUCTS, &new("a")).0,
        409,
        "it may still be running"
    );
    tamper(&shop, |record| {
        record["claimedAt"] = json!(record["claimedAt"].as_u64().unwrap() - 120_000)
    });
    let (status, replayed, second) = keyed(&shop, KEY, "k", PRODUCTS, &new("a"));
    assert_eq!((status, replayed), (201, false));
    assert_ne!(second["_id"], first["_id"]);
    assert_eq!(keyed(&shop, KEY, "k", PRODUCTS, &new("a")).2, second);
    tamper(&shop, |record| record["expiresAt"] = json!(1));
    let (status, replayed, _) = keyed(&shop, KEY, "k", PRODUCTS, &new("b"));
    assert_eq!(
        (status, replayed),
        (201, false),
        "a key can be used again after a day"
    );
}

#[test]
fn deletes_expired_records() {
    let shop = Shop::new();
    let old = |number: i32| {
        Write::Insert(Insertion {
            collection: RECORDS.into(),
            id: format!("old-{number}"),
            body: json!({ "request": "", "claimedAt": 0, "expiresAt": 1 }).to_string(),
        })
    };
    shop.ports()
        .commit(&(0..9).map(old).collect::<Vec<_>>(), &[])
        .unwrap();
    let left = || {
        records(&shop)
            .iter()
            .filter(|record| record.id.starts_with("old-"))
            .count()
    };
    // One key in sixteen deletes records.
    let swept = (0..1_000).any(|number| {
        assert_eq!(
            keyed(&shop, KEY, &number.to_string(), PRODUCTS, &json!({})).0,
            400
        );
        left() == 0
    });
    assert!(swept);
}

fn graphql(shop: &Shop, key: &str, query: &str) -> (bool, Value) {
    let body = json!({ "query": query });
    let (_, replayed, answer) = keyed(shop, KEY, key, "/graphql", &body);
    (replayed, answer)
}

#[test]
fn executes_mutations_once_and_ignores_the_key_of_queries() {
    let shop = Shop::new();
    let create = "mutation { createProduct(input: {name: \"a\", price: 5, quantity: 9}) { _id } }";
    let (_, first) = graphql(&shop, "k", create);
    assert_eq!(graphql(&shop, "k", create), (true, first));
    let (_, refused) = graphql(&shop, "k", &create.replace('5', "6"));
    assert_eq!(
        refused["errors"][0]["extensions"]["code"],
        "IDEMPOTENCY_KEY_REUSED"
    );
    let list = "{ products { _id } }";
    let (_, one) = graphql(&shop, "q", list);
    graphql(&shop, "l", create);
    let (replayed, two) = graphql(&shop, "q", list);
    let length = |answer: &Value| answer["data"]["products"].as_array().unwrap().len();
    assert_eq!((replayed, length(&one), length(&two)), (false, 1, 2));

    let batch = json!([{ "query": create }, { "query": list }]);
    let (_, _, first) = keyed(&shop, KEY, "b", "/graphql", &batch);
    let (_, replayed, again) = keyed(&shop, KEY, "b", "/graphql", &batch);
    assert_eq!((replayed, again), (true, first));
}

#[test]
fn encrypts_replies_with_tokens() {
    let shop = Shop::new();
    let product = shop.product("a");
    let credentials = json!({ "username": "ada", "password": "a long password" });
    let login =
        "mutation { login(input: {username: \"ada\", password: \"a long password\"}) { access_token } }";
    let webhook =
        "mutation { createWebhook(input: {url: \"https://a.example/\", events: [\"*\"]}) { signingSecret } }";
    let add = format!("mutation {{ addToCart(productId: \"{product}\") {{ _id }} }}");
    for (caller, path, body, secret) in [
        (
            NOBODY,
            "/api/users/register",
            credentials.clone(),
            "/access_token",
        ),
        (NOBODY, "/auth/login", credentials.clone(), "/refresh_token"),
        (
            NOBODY,
            "/graphql",
            json!({ "query": login }),
            "/data/login/access_token",
        ),
        (
            KEY,
            "/graphql",
            json!({ "query": webhook }),
            "/data/createWebhook/signingSecret",
        ),
        (NOBODY, "/graphql", json!({ "query": add }), "/data/addToCart/_id"),
    ] {
        let key = format!("{path}{secret}");
        let (status, _, first) = keyed(&shop, caller, &key, path, &body);
        let token = first.pointer(secret).unwrap().as_str().unwrap();
        assert_eq!(
            keyed(&shop, caller, &key, path, &body),
            (status, true, first.clone())
        );
        for record in records(&shop) {
            for private in [token, "a long password", "mutation", key.as_str()] {
                assert!(!record.body.contains(private), "{}", record.body);
            }
        }
    }
}

#[test]
fn places_an_order_once_after_a_crash() {
    let shop = Shop::new();
    let (ada, product) = (shop.user("ada"), shop.product("a"));
    let lines = json!({ "products": [{ "_id": product, "quantity": 1 }] });
    let line = format!("placeOrder(products: [{{ _id: \"{product}\", quantity: 1 }}]) {{ _id }}");
    let two = json!({ "query": format!("mutation {{ a: {line} b: {line} }}") });
    for (path, body) in [("/api/orders", &lines), ("/graphql", &two)] {
        let (_, _, first) = keyed(&shop, ada.header(), "k", path, body);
        tamper(&shop, |record| {
            record.as_object_mut().unwrap().remove("sealed").unwrap();
            record["claimedAt"] = json!(record["claimedAt"].as_u64().unwrap() - 120_000);
        });
        let (_, replayed, second) = keyed(&shop, ada.header(), "k", path, body);
        assert!(!replayed, "the request is executed again");
        let ids = |answer: &Value| match path {
            "/graphql" => ["a", "b"]
                .map(|alias| answer["data"][alias]["_id"].clone())
                .to_vec(),
            _ => vec![answer["_id"].clone()],
        };
        assert!(ids(&first).iter().all(Value::is_string), "{first}");
        assert_eq!(ids(&second), ids(&first));
        tamper(&shop, |record| record["expiresAt"] = json!(1));
    }
    let (_, _, orders) = shop.rest(ada.header(), "GET", "/api/orders", &Value::Null);
    assert_eq!(orders["items"].as_array().unwrap().len(), 3, "{orders}");
}

#[test]
fn looks_up_the_session_once() {
    let shop = Shop::new();
    let (ada, product) = (shop.user("ada"), shop.product("a"));
    let lines = json!({ "products": [{ "_id": product, "quantity": 1 }] });
    let query =
        format!("mutation {{ placeOrder(products: [{{ _id: \"{product}\", quantity: 1 }}]) {{ userId }} }}");
    let sessions = "accounts.standing.";
    for (path, body) in [("/api/orders", lines), ("/graphql", json!({ "query": query }))] {
        for replays in [false, true] {
            let _ = shop.looked_up(sessions);
            let (_, replayed, answer) = keyed(&shop, ada.header(), path, path, &body);
            assert_eq!((replayed, shop.looked_up(sessions)), (replays, 1), "{path}");
            assert!(answer.to_string().contains(&ada.id), "{answer}");
        }
    }
    shop.rest(ada.header(), "POST", "/api/users/logout", &Value::Null);
    let (status, replayed, _) = keyed(
        &shop,
        ada.header(),
        "other",
        "/api/orders",
        &json!({ "products": [] }),
    );
    assert_eq!((status, replayed), (401, false));
    let (status, replayed, _) = keyed(
        &shop,
        ada.header(),
        "/api/orders",
        "/api/orders",
        &json!({ "products": [{ "_id": product, "quantity": 1 }] }),
    );
    assert_eq!((status, replayed), (201, true), "nothing is done");
}

#[test]
fn replays_a_request_that_ended_its_session() {
    let shop = Shop::new();
    let answers = |user: &shop::User, key: &str, query: &str| {
        let headers = [user.header(), ("idempotency-key", key)];
        let (_, headers, body) = shop.rest_with(&headers, "POST", "/graphql", &json!({ "query": query }));
        (headers.contains_key("idempotency-replayed"), body)
    };
    let ada = shop.user("ada");
    let logout = |key: &str| keyed(&shop, ada.header(), key, "/api/users/logout", &Value::Null);
    let rename = |name: &str, version: u32| {
        let id = &ada.id;
        format!(
            "mutation {{ updateUser(id: \"{id}\", input: {{name: \"{name}\"}}, version: {version}) {{ name }} }}"
        )
    };
    let (_, named) = answers(&ada, "name", &rename("Ada", 1));
    assert_eq!(named["data"]["updateUser"]["name"], "Ada");
    assert_eq!(logout("k1"), (204, false, Value::Null));
    assert_eq!(logout("k1"), (204, true, Value::Null));
    assert_eq!(logout("k2").0, 401, "no other request is executed");
    assert_eq!(
        answers(&ada, "name", &rename("Ada", 1)),
        (true, named),
        "earlier requests of the session are replayed too"
    );
    for key in ["name", "k1", "k3"] {
        let (_, refused) = answers(&ada, key, &rename("Eve", 2));
        let code = &refused["errors"][0]["extensions"]["code"];
        assert_eq!(code, "UNAUTHENTICATED", "{key}: {refused}");
    }
    let bob = shop.user("bob");
    let stranger = keyed(&shop, bob.header(), "k1", PRODUCTS, &new("a"));
    assert_eq!(
        (stranger.0, stranger.1),
        (403, false),
        "another caller has separate keys"
    );
    let erasure = format!("mutation {{ eraseUser(id: \"{}\") {{ _id }} }}", bob.id);
    for (user, query) in [
        (shop.user("cleo"), "mutation { logout }"),
        (bob, erasure.as_str()),
    ] {
        let (replayed, first) = answers(&user, "k1-of-theirs", query);
        assert_eq!((replayed, &first["errors"]), (false, &Value::Null), "{query}");
        assert_eq!(answers(&user, "k1-of-theirs", query), (true, first), "{query}");
    }
}
