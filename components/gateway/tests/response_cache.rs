//! The response cache.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use std::sync::Arc;
use std::thread;

use serde_json::{Value, json};
use shop::{KEY, Shop};

const NOBODY: (&str, &str) = ("accept", "*/*");

const LIST: &str = "{ products { name price quantity } }";

/// Orders two units of a product as a new user.
fn order(shop: &Shop, id: &str) {
    let user = format!("user-{}", mercato_shop::id::new());
    let registered = shop.ask(
        NOBODY,
        &format!("mutation {{ registerUser(input: {{username: \"{user}\", password: \"a password\"}}) {{ access_token }} }}"),
    );
    let token = registered["registerUser"]["access_token"].as_str().unwrap();
    shop.ask(
        ("authorization", &format!("Bearer {token}")),
        &format!("mutation {{ placeOrder(products: [{{_id: \"{id}\", quantity: 2}}]) {{ _id }} }}"),
    );
}

/// Asks a question, and returns the answer and whether it came from the cache.
fn ask(shop: &Shop, question: &str) -> (Value, bool) {
    shop.calls();
    let answer = shop.ask(NOBODY, question);
    (answer, shop.calls().is_empty())
}

#[test]
fn answers_a_repeated_query_from_the_cache() {
    let shop = Shop::new();
    shop.product("a");
    let first = shop.ask(NOBODY, LIST);
    assert_eq!(first["products"][0]["name"], "a");
    shop.calls();
    assert_eq!(shop.ask(KEY, LIST), first);
    assert_eq!(shop.calls(), [""; 0]);
    // Another query has another answer.
    let answer = shop.answer(
        NOBODY,
        &json!({"query": "query($n: Int) { productConnection(first: $n) { edges { cursor } } }", "variables": {"n": 1}}),
    );
    let edges = |answer: &Value| {
        answer["data"]["productConnection"]["edges"]
            .as_array()
            .unwrap()
            .len()
    };
    shop.product("b");
    let more = shop.answer(
        NOBODY,
        &json!({"query": "query($n: Int) { productConnection(first: $n) { edges { cursor } } }", "variables": {"n": 2}}),
    );
    assert_eq!((edges(&answer), edges(&more)), (1, 2));
}

#[test]
fn drops_cached_answers_after_each_change_of_the_catalog() {
    let shop = Shop::new();
    let id = shop.product("a");
    assert_eq!(shop.ask(NOBODY, LIST)["products"][0]["price"], 5);
    shop.ask(
        KEY,
        &format!("mutation {{ updateProduct(id: \"{id}\", version: 1, input: {{price: 7}}) {{ _id }} }}"),
    );
    assert_eq!(shop.ask(NOBODY, LIST)["products"][0]["price"], 7);
    order(&shop, &id);
    assert_eq!(shop.ask(NOBODY, LIST)["products"][0]["quantity"], 7);
    shop.product("b");
    assert_eq!(shop.ask(NOBODY, LIST)["products"][1]["name"], "b");
}

#[test]
fn an_order_drops_the_answers_that_show_the_units_of_its_products() {
    let shop = Shop::new();
    let [sold, other] = ["a", "b"].map(|name| shop.product(name));
    let product = |id: &str| format!("{{ product(id: \"{id}\") {{ units: quantity }} }}");
    let (of_sold, of_other) = (product(&sold), product(&other));
    // The second answer is stored with the generations of the products that the first one showed.
    for _ in 0..2 {
        order(&shop, &sold);
        order(&shop, &other);
        for question in [&of_sold, &of_other] {
            assert!(!ask(&shop, question).1);
            assert!(ask(&shop, question).1);
        }
    }
    order(&shop, &sold);
    assert_eq!(
        ask(&shop, &of_sold),
        (json!({ "product": { "units": 3 } }), false)
    );
    assert_eq!(
        ask(&shop, &of_other),
        (json!({ "product": { "units": 5 } }), true)
    );
}

#[test]
fn an_order_drops_the_answers_that_count_or_filter_by_units() {
    let shop = Shop::new();
    for question in [
        "{ productConnection(filter: {inStock: true}) { edges { node { name } } } }",
        "{ products { variants { name } units: quantity } }",
    ] {
        let sold = shop.product("a");
        for _ in 0..2 {
            assert!(!ask(&shop, question).1, "{question}");
            assert!(ask(&shop, question).1, "{question}");
            order(&shop, &sold);
        }
    }
    let sold = shop.product("b");
    let facets = "{ productFacets { inStock } }";
    for looked_up in [1, 0, 1] {
        shop.looked_up("");
        shop.ask(NOBODY, facets);
        // The catalog keeps the counts for some seconds.
        assert_eq!(shop.looked_up("catalog.facets"), looked_up);
        if looked_up == 0 {
            order(&shop, &sold);
        }
    }
    let names = "{ products { name } }";
    shop.ask(NOBODY, names);
    order(&shop, &sold);
    assert!(ask(&shop, names).1);
}

#[test]
fn drops_an_answer_that_an_order_overtakes() {
    let shop = Arc::new(Shop::new());
    let id = shop.product("a");
    for units in [9, 5] {
        let (other, sold) = (Arc::clone(&shop), id.clone());
        shop.after_next_find(move || {
            thread::spawn(move || order(&other, &sold)).join().unwrap();
        });
        assert_eq!(shop.ask(NOBODY, LIST)["products"][0]["quantity"], units);
        assert_eq!(shop.ask(NOBODY, LIST)["products"][0]["quantity"], units - 2);
        // The next answer is stored with the generation of the product's units.
        order(&shop, &id);
    }
}

#[test]
fn caches_products_of_rest_until_the_catalog_changes() {
    let shop = Shop::new();
    let one = format!("/api/products/{}", shop.product("a"));
    for path in [one.as_str(), "/api/products", "/api/products?sort=-price&first=1"] {
        let read = || shop.rest(NOBODY, "GET", path, &Value::Null);
        let (_, headers, first) = read();
        shop.calls();
        let (status, again_headers, again) = read();
        assert_eq!((status, &again), (200, &first));
        assert_eq!(again_headers["etag"], headers["etag"]);
        assert_eq!(shop.calls(), [""; 0], "{path}: only the cache is read");
        let tag = [("if-none-match", headers["etag"].to_str().unwrap())];
        assert_eq!(shop.rest_with(&tag, "GET", path, &Value::Null).0, 304);
        let stock = json!({ "quantity": 1 });
        assert_eq!(shop.rest(KEY, "PATCH", &format!("{one}/stock"), &stock).0, 200);
        assert_ne!(read().2, first);
    }
    let missing = "/api/products/0198c0de-1f2e-7abc-8def-0123456789ab";
    for _ in 0..2 {
        assert_eq!(shop.rest(NOBODY, "GET", missing, &Value::Null).0, 404);
    }
}

#[test]
fn drops_an_answer_that_a_change_overtakes() {
    let shop = Arc::new(Shop::new());
    let id = shop.product("a");
    let other = Arc::clone(&shop);
    // Another thread, as for another request: a thread executes one request at a time.
    shop.after_next_find(move || {
        let mutation =
            format!("mutation {{ updateProduct(id: \"{id}\", version: 1, input: {{price: 7}}) {{ _id }} }}");
        thread::spawn(move || other.ask(KEY, &mutation)).join().unwrap();
    });
    assert_eq!(shop.ask(NOBODY, LIST)["products"][0]["price"], 5);
    assert_eq!(shop.ask(NOBODY, LIST)["products"][0]["price"], 7);
}

#[test]
fn never_caches_an_answer_that_depends_on_the_caller() {
    let shop = Shop::new();
    let id = shop.product("a");
    for question in [
        format!("{{ product(id: \"{id}\") {{ name stock {{ onHand }} }} }}"),
        "{ users { username } }".into(),
        "{ products { name } orders { _id } }".into(),
    ] {
        shop.ask(KEY, &question);
        let answer = shop.answer(NOBODY, &json!({ "query": question }));
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED",
            "{question}"
        );
    }
}

#[test]
fn never_caches_a_mutation() {
    let shop = Shop::new();
    let body = json!({
        "query": "query Read { products { name } } mutation Make { registerUser(input: {username: \"ada\", password: \"a password\"}) { access_token } }",
        "operationName": "Make",
    });
    assert_eq!(shop.answer(NOBODY, &body)["errors"], Value::Null);
    assert_eq!(
        shop.answer(NOBODY, &body)["errors"][0]["extensions"]["code"],
        "CONFLICT"
    );
}

#[test]
fn never_caches_a_failure() {
    let shop = Shop::new();
    let id = "0198c0de-1f2e-7abc-8def-0123456789ab";
    let question = json!({ "query": format!("{{ product(id: \"{id}\") {{ name }} }}") });
    for _ in 0..2 {
        shop.calls();
        assert_eq!(
            shop.answer(NOBODY, &question)["errors"][0]["extensions"]["code"],
            "NOT_FOUND"
        );
        assert_eq!(shop.calls().len(), 1);
    }
}
