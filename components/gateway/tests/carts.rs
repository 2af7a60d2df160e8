//! Carts over GraphQL.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use serde_json::{Value, json};
use shop::{KEY, Shop};

const NOBODY: (&str, &str) = ("accept", "*/*");
const CART: &str = "{ _id userId products { _id quantity name unitPrice total available product { name } }
    changes { productId kind before after } total currency expiresAt }";

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
fn a_guest_fills_a_cart_signs_in_and_orders() {
    let shop = Shop::new();
    let (a, b) = (shop.product("a"), shop.product("b"));
    let empty = &shop.ask(NOBODY, &format!("{{ cart {CART} }}"))["cart"];
    assert_eq!(
        *empty,
        json!({ "_id": null, "userId": null, "products": [], "changes": [], "total": null, "currency": null, "expiresAt": null })
    );
    let add = format!("mutation {{ addToCart(productId: \"{a}\", quantity: 2) {CART} }}");
    let mut cart = shop.ask(NOBODY, &add)["addToCart"].take();
    let id = cart["_id"].take();
    assert!(cart["expiresAt"].take().is_string());
    assert_eq!(
        cart,
        json!({
            "_id": null, "userId": null, "changes": [], "total": 10, "currency": "USD", "expiresAt": null,
            "products": [{ "_id": a, "quantity": 2, "name": "a", "unitPrice": 5, "total": 10, "available": 9, "product": { "name": "a" } }],
        })
    );
    let ask = |query: &str| shop.ask(NOBODY, query);
    ask(&format!(
        "mutation {{ addToCart(productId: \"{b}\", cartId: {id}) {{ _id }} }}"
    ));
    let updated = ask(&format!(
        "mutation {{ updateCartItem(productId: \"{a}\", quantity: 3, cartId: {id}) {{ total }} }}"
    ));
    assert_eq!(updated["updateCartItem"]["total"], 20);
    let removed = ask(&format!(
        "mutation {{ removeFromCart(productId: \"{b}\", cartId: {id}) {{ total }} }}"
    ));
    assert_eq!(removed["removeFromCart"]["total"], 15);

    let (token, user_id) = signed_in(&shop);
    let user = ("authorization", token.as_str());
    let merge = format!("mutation {{ mergeCart(cartId: {id}) {{ _id userId total }} }}");
    for _ in 0..2 {
        assert_eq!(
            shop.ask(user, &merge)["mergeCart"],
            json!({ "_id": null, "userId": user_id, "total": 15 })
        );
    }
    let read = format!("{{ cart(userId: \"{user_id}\") {{ total }} }}");
    for who in [user, KEY] {
        assert_eq!(shop.ask(who, &read)["cart"]["total"], 15);
    }
    shop.ask(
        KEY,
        &format!("mutation {{ updateProduct(id: \"{a}\", version: 1, input: {{price: 6}}) {{ _id }} }}"),
    );
    let view = shop.ask(user, "{ cart { total changes { productId kind before after } } }");
    assert_eq!(
        view["cart"],
        json!({ "total": 18, "changes": [{ "productId": a, "kind": "PRICE_CHANGED", "before": 5, "after": 6 }] })
    );
    let checkout = |total: i32| {
        let query = format!(
            "mutation {{ checkoutCart(region: \"de\", expectedTotal: {total}) {{ _id subtotal region userId }} }}"
        );
        shop.answer(user, &json!({ "query": query }))
    };
    let refused = checkout(15);
    assert_eq!(code(&refused).0, "CONFLICT");
    assert!(
        refused["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("18 minor units")
    );
    let placed = checkout(18)["data"]["checkoutCart"].take();
    assert_eq!(
        (&placed["subtotal"], &placed["region"], &placed["userId"]),
        (&json!(18), &json!("DE"), &json!(user_id))
    );
    assert_eq!(checkout(18)["data"]["checkoutCart"], placed, "it can be repeated");
    assert_eq!(
        shop.ask(user, "{ orders { _id } }")["orders"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let cleared = shop.ask(user, "mutation { clearCart { products { _id } } }");
    assert_eq!(cleared["clearCart"]["products"], json!([]));
}

#[test]
fn a_cart_is_never_kept_for_others() {
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
fn who_sends_a_token_that_is_no_good_is_no_guest() {
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
fn what_can_not_be_is_refused_by_its_field() {
    let shop = Shop::new();
    let (token, user_id) = signed_in(&shop);
    let user = ("authorization", token.as_str());
    let product = shop.product("a");
    for (query, field) in [
        (
            format!("mutation {{ addToCart(productId: \"{product}\", quantity: -1) {{ _id }} }}"),
            "quantity",
        ),
        (
            format!("mutation {{ addToCart(productId: \"{product}\", quantity: 0) {{ _id }} }}"),
            "quantity",
        ),
        (
            "mutation { addToCart(productId: \"42\") { _id } }".into(),
            "productId",
        ),
        (
            format!("mutation {{ updateCartItem(productId: \"{product}\", quantity: -1) {{ _id }} }}"),
            "quantity",
        ),
        (
            "mutation { removeFromCart(productId: \"42\") { _id } }".into(),
            "productId",
        ),
        ("mutation { mergeCart(cartId: \"42\") { _id } }".into(), "cartId"),
        ("{ cart(cartId: \"42\") { _id } }".into(), "cartId"),
        (
            format!("{{ cart(cartId: \"42\", userId: \"{user_id}\") {{ _id }} }}"),
            "userId",
        ),
        ("mutation { checkoutCart { _id } }".into(), "products"),
    ] {
        let answer = shop.answer(user, &json!({ "query": query }));
        assert_eq!(
            code(&answer),
            (&json!("BAD_USER_INPUT"), &json!(field)),
            "{query}"
        );
    }
    let other = "{ cart(userId: \"0198c0de-1f2e-7abc-8def-0123456789ab\") { _id } }";
    assert_eq!(
        code(&shop.answer(user, &json!({ "query": other }))).0,
        "FORBIDDEN"
    );
    assert_eq!(
        code(&shop.answer(NOBODY, &json!({ "query": other }))).0,
        "UNAUTHENTICATED"
    );
    assert_eq!(shop.ask(KEY, other)["cart"]["_id"], Value::Null);
}

#[test]
fn a_view_reads_the_cart_once_and_its_products_once() {
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
            // The orders look whether the order is there, the catalog reserves, the order is inserted.
            "get 1 of orders.orders",
            "get 3 of catalog.products",
            "commit",
            "commit",
            // It leaves the cart.
            "commit",
        ]
    );
}
