//! Payments in GraphQL: the number of calls.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use shop::{KEY, Shop};

fn signed_in(shop: &Shop, name: &str) -> String {
    let query = format!(
        "mutation {{ registerUser(input: {{username: \"{name}\", password: \"a password\"}}) {{ access_token }} }}"
    );
    let token = &shop.ask(KEY, &query)["registerUser"]["access_token"];
    format!("Bearer {}", token.as_str().unwrap())
}

fn order(shop: &Shop, user: (&str, &str)) -> String {
    let product = shop.product("a");
    let place =
        format!("mutation {{ placeOrder(products: [{{_id: \"{product}\", quantity: 3}}]) {{ _id }} }}");
    shop.ask(user, &place)["placeOrder"]["_id"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn pay(id: &str, method: &str) -> String {
    format!(
        "mutation {{ payOrder(orderId: \"{id}\", paymentMethod: \"{method}\") {{ _id status amount currency attempt clientSecret refunded }} }}"
    )
}

#[test]
fn reads_the_payments_of_many_orders_in_one_call() {
    let shop = Shop::new();
    let token = signed_in(&shop, "ada");
    let user = ("authorization", token.as_str());
    for _ in 0..3 {
        let id = order(&shop, user);
        shop.ask(user, &pay(&id, "tok_ok"));
    }
    drop(shop.calls());
    shop.ask(user, "{ orders { payment { status } } }");
    let calls = shop.calls();
    assert!(
        calls.contains(&"get 3 of payments.payments".to_owned()),
        "{calls:?}"
    );
}
