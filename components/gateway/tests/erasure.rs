//! The erasure of a user in several services.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use mercato_ports::documents::Query;
use mercato_shop::ports::Ports as _;
use serde_json::{Value, json};
use shop::{KEY, Shop, User};

const CARTS: &str = "carts.carts";

fn with_a_cart(shop: &Shop, name: &str) -> User {
    let (user, product) = (shop.user(name), shop.product("a"));
    let line = json!({ "productId": product, "quantity": 2 });
    let (status, _, cart) = shop.rest(user.header(), "POST", "/api/cart/me/add", &line);
    assert_eq!(status, 200, "{cart}");
    user
}

fn carts(shop: &Shop) -> usize {
    shop.ports().find(&Query::all(CARTS, 10)).unwrap().len()
}

fn erase(shop: &Shop, caller: (&str, &str), id: &str) -> Value {
    let query = "mutation ($id: ID!) { eraseUser(id: $id) { erasedAt } }";
    shop.answer(caller, &json!({ "query": query, "variables": { "id": id } }))
}

#[test]
fn keeps_the_user_if_the_cart_cannot_be_erased() {
    let shop = Shop::new();
    let ada = with_a_cart(&shop, "ada");
    let path = format!("/api/users/{}", ada.id);
    shop.away(Some(CARTS));
    let refused = erase(&shop, ada.header(), &ada.id);
    assert_eq!(
        refused["errors"][0]["extensions"]["code"], "UNAVAILABLE",
        "{refused}"
    );
    let (status, _, problem) = shop.rest(ada.header(), "DELETE", &path, &Value::Null);
    assert_eq!((status, &problem["code"]), (503, &json!("UNAVAILABLE")));
    let (_, _, user) = shop.rest(ada.header(), "GET", &path, &Value::Null);
    assert_eq!(
        (&user["username"], &user["erasedAt"]),
        (&json!("ada"), &Value::Null)
    );

    shop.away(None);
    for _ in 0..2 {
        let erased = erase(&shop, KEY, &ada.id);
        assert!(erased["data"]["eraseUser"]["erasedAt"].is_string(), "{erased}");
    }
    assert_eq!(carts(&shop), 0);
}
