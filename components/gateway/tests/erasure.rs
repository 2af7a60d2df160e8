//! The erasure of a user: what services keep of a person goes, all of it, or nothing is told to be gone.
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

fn kept(shop: &Shop) -> usize {
    shop.ports().find(&Query::all(CARTS, 10)).unwrap().len()
}

fn erase(shop: &Shop, who: (&str, &str), id: &str) -> Value {
    let query = "mutation ($id: ID!) { eraseUser(id: $id) { erasedAt } }";
    shop.answer(who, &json!({ "query": query, "variables": { "id": id } }))
}

#[test]
fn the_cart_of_who_is_erased_goes_too() {
    let shop = Shop::new();
    let (ada, bob) = (with_a_cart(&shop, "ada"), with_a_cart(&shop, "bob"));
    assert_eq!(kept(&shop), 2);
    let refused = erase(&shop, ada.header(), &bob.id);
    assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN");
    assert_eq!(kept(&shop), 2);

    let erased = erase(&shop, ada.header(), &ada.id);
    assert!(erased["data"]["eraseUser"]["erasedAt"].is_string(), "{erased}");
    assert_eq!(kept(&shop), 1);
    let (status, _, cart) = shop.rest(KEY, "GET", &format!("/api/cart/{}", ada.id), &Value::Null);
    assert_eq!(
        (status, &cart["products"], &cart["expiresAt"]),
        (200, &json!([]), &Value::Null)
    );

    let path = format!("/api/users/{}", bob.id);
    let stale = [KEY, ("if-match", "\"7\"")];
    assert_eq!(shop.rest_with(&stale, "DELETE", &path, &Value::Null).0, 409);
    assert_eq!(kept(&shop), 1);
    assert_eq!(shop.rest(bob.header(), "DELETE", &path, &Value::Null).0, 204);
    assert_eq!(kept(&shop), 0);
}

#[test]
fn where_the_cart_can_not_go_nobody_is_erased_until_the_next_try() {
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
    assert_eq!(kept(&shop), 0);
}
