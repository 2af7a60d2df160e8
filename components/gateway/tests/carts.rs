//! Carts in GraphQL: caching, credentials and the number of calls.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use serde_json::{Value, json};
use shop::Shop;

const NOBODY: (&str, &str) = ("accept", "*/*");

fn signed_in(shop: &Shop) -> (String, String) {
    let query = "mutation { registerUser(input: {username: \"ada\", password: \"a password\"}) { access_token user { _id } } }";
    let registered = &shop.ask(NOBODY, query)["registerUser"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (
        format!("Bearer {}", text(&registered["access_token"])),
        text(&registered["user"]["_id"]),
    )
}

fn code(answer: &Value) -> (&Value, &Value) {
    let extensions = &answer["errors"][0]["extensions"];
    (&extensions["code"], &extensions["field"])
}

#[test]
fn never_caches_a_cart() {
    let shop = Shop::new();
    let product = shop.product("a");
    let (token, _) = signed_in(&shop);
    let user = ("authorization", token.as_str());
    shop.ask(
        user,
        &format!("mutation {{ addToCart(productId: \"{product}\") {{ _id }} }}"),
    );
    let mine = "{ cart { products { quantity } } }";
    assert_eq!(shop.ask(user, mine)["cart"]["products"][0]["quantity"], 1);
    assert_eq!(shop.ask(NOBODY, mine)["cart"]["products"], json!([]));
    let begun = shop.ask(
        NOBODY,
        &format!("mutation {{ addToCart(productId: \"{product}\") {{ _id }} }}"),
    );
    let id = &begun["addToCart"]["_id"];
    let read = format!("{{ cart(cartId: {id}) {{ products {{ quantity }} }} }}");
    for quantity in [1, 2, 3] {
        assert_eq!(
            shop.ask(NOBODY, &read)["cart"]["products"][0]["quantity"],
            quantity
        );
        shop.ask(
            NOBODY,
            &format!("mutation {{ addToCart(productId: \"{product}\", cartId: {id}) {{ _id }} }}"),
        );
    }
}

#[test]
fn rejects_an_invalid_token_instead_of_serving_a_guest() {
    let shop = Shop::new();
    let product = shop.product("a");
    let bad = ("authorization", "Bearer e30.e30.e30");
    for query in [
        "{ cart { _id } }".to_owned(),
        format!("mutation {{ addToCart(productId: \"{product}\") {{ _id }} }}"),
        "mutation { clearCart { _id } }".to_owned(),
        "mutation { checkoutCart { _id } }".to_owned(),
    ] {
        let answer = shop.answer(bad, &json!({ "query": query }));
        assert_eq!(code(&answer).0, "UNAUTHENTICATED", "{query}");
        assert!(
            answer["errors"][0]["message"]
                .as_str()
                .unwrap()
                .contains("malformed"),
            "{query}"
        );
    }
    let begun = shop.ask(
        NOBODY,
        &format!("mutation {{ addToCart(productId: \"{product}\") {{ _id }} }}"),
    );
    let read = format!(
        "{{ cart(cartId: {}) {{ products {{ quantity }} }} }}",
        begun["addToCart"]["_id"]
    );
    assert_eq!(
        shop.ask(bad, &read)["cart"]["products"][0]["quantity"],
        1,
        "the id is enough"
    );
}

#[test]
fn reads_a_cart_in_two_calls() {
    let shop = Shop::new();
    let (token, _) = signed_in(&shop);
    let user = ("authorization", token.as_str());
    for name in ["a", "b", "c"] {
        let product = shop.product(name);
        shop.calls();
        shop.ask(
            user,
            &format!("mutation {{ addToCart(productId: \"{product}\") {{ total }} }}"),
        );
    }
    assert_eq!(
        shop.calls(),
        ["get 1 of carts.carts", "get 3 of catalog.products", "commit"]
    );
    shop.ask(user, "{ cart { total products { quantity } } }");
    assert_eq!(
        shop.calls(),
        ["get 1 of carts.carts", "get 3 of catalog.products"]
    );
    shop.ask(user, "{ cart { products { product { name } } } }");
    assert_eq!(
        shop.calls(),
        [
            "get 1 of carts.carts",
            "get 3 of catalog.products",
            "get 3 of catalog.products"
        ]
    );
    shop.ask(user, "mutation { checkoutCart { _id } }");
    assert_eq!(
        shop.calls(),
        [
            "get 1 of carts.carts",
            "commit",
            // The orders service checks for the order, the catalog reserves, and the order is inserted.
            "get 1 of orders.orders",
            "get 3 of catalog.products",
            "commit",
            "commit",
            // The products leave the cart.
            "commit",
        ]
    );
}
