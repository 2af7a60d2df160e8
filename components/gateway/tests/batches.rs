//! Batches: fields that need values of the same kind share one call.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use http::header::AUTHORIZATION;
use serde_json::json;
use shop::{KEY, Shop};

#[test]
fn loads_many_fields_in_one_call() {
    let shop = Shop::new();
    let (a, b) = (shop.product("a"), shop.product("b"));
    let registered = shop.ask(
        KEY,
        "mutation { registerUser(input: {username: \"ada\", password: \"a password\"}) { access_token } }",
    );
    let token = format!(
        "Bearer {}",
        registered["registerUser"]["access_token"].as_str().unwrap()
    );
    let user = (AUTHORIZATION.as_str(), token.as_str());
    for _ in 0..3 {
        shop.ask(user, &format!("mutation {{ placeOrder(products: [{{_id: \"{a}\", quantity: 1}}, {{_id: \"{b}\", quantity: 2}}]) {{ _id }} }}"));
    }

    shop.calls();
    let orders = shop.ask(
        user,
        "{ orders { total user { username } products { quantity product { name quantity } } } }",
    );
    assert_eq!(orders["orders"].as_array().unwrap().len(), 3);
    assert_eq!(
        orders["orders"][2]["products"][1],
        json!({ "quantity": 2, "product": { "name": "b", "quantity": 3 } })
    );
    let mut calls = shop.calls();
    calls.sort();
    assert_eq!(
        calls,
        [
            "find in orders.orders",
            "get 1 of accounts.users",
            "get 2 of catalog.products"
        ]
    );

    let aliases = shop.ask(KEY, &format!("{{ x: product(id: \"{a}\") {{ name stock {{ sold reserved }} }} y: product(id: \"{b}\") {{ name stock {{ reserved }} }} }}"));
    assert_eq!(aliases["y"], json!({ "name": "b", "stock": { "reserved": 6 } }));
    assert_eq!(
        shop.calls(),
        ["get 2 of catalog.products"; 2],
        "one call for the products and one for their stock"
    );
}

#[test]
fn loads_again_after_a_mutation() {
    let shop = Shop::new();
    let created = shop.ask(
        KEY,
        "mutation { createProduct(input: {name: \"a\", price: 5, quantity: 9}) { _id } }",
    );
    let id = created["createProduct"]["_id"].as_str().unwrap();
    let stock = |alias: &str, quantity: i32| {
        format!("{alias}: receiveStock(id: \"{id}\", quantity: {quantity}) {{ stock {{ onHand }} }}")
    };
    let answer = shop.ask(
        KEY,
        &format!("mutation {{ {} {} }}", stock("first", 1), stock("second", 2)),
    );
    assert_eq!(
        (
            &answer["first"]["stock"]["onHand"],
            &answer["second"]["stock"]["onHand"]
        ),
        (&json!(10), &json!(12))
    );
}
