//! The things of another user: their ids answer exactly as ids that do not exist.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use serde_json::{Value, json};
use shop::{KEY, NOBODY, Shop, User};

/// An id that nothing has.
const UNKNOWN: &str = "0198c0de-1f2e-7abc-8def-0123456789ab";

/// What belongs to ada: an order with a payment, a session, and a notification.
struct Things {
    order: String,
    session: String,
}

fn things(shop: &Shop, ada: &User) -> Things {
    let product = shop.product("sock");
    let place =
        format!("mutation {{ placeOrder(products: [{{ _id: \"{product}\", quantity: 1 }}]) {{ _id }} }}");
    let order = shop.ask(ada.header(), &place)["placeOrder"]["_id"].clone();
    let order = order.as_str().unwrap().to_owned();
    let pay =
        format!("mutation {{ payOrder(orderId: \"{order}\", paymentMethod: \"tok_ok\") {{ status }} }}");
    shop.ask(ada.header(), &pay);
    let sessions = shop.ask(ada.header(), "{ sessions { _id } }");
    let session = sessions["sessions"][0]["_id"].as_str().unwrap().to_owned();
    Things { order, session }
}

/// Returns an answer without the id in it.
fn anonymized(answer: &Value, id: &str) -> String {
    answer.to_string().replace(id, "ID")
}

#[test]
fn rest_answers_as_for_an_unknown_id() {
    let shop = Shop::new();
    let (ada, bob) = (shop.user("ada"), shop.user("bob"));
    let things = things(&shop, &ada);
    let pay = json!({ "paymentMethod": "tok_ok" });
    let add = json!({ "productId": UNKNOWN, "quantity": 1 });
    let none = Value::Null;
    let order = things.order.as_str();
    // The last number is the status for another customer.
    for (method, path, body, id, status) in [
        ("GET", "/api/orders/{id}", &none, order, 404),
        ("GET", "/api/orders/me/{id}", &none, order, 404),
        ("DELETE", "/api/orders/{id}", &none, order, 404),
        ("POST", "/api/payments/{id}", &pay, order, 404),
        ("GET", "/api/payments/{id}", &none, order, 404),
        ("GET", "/api/payments/order/{id}", &none, order, 404),
        ("POST", "/api/payments/{id}/refund", &none, order, 403),
        (
            "PATCH",
            "/api/orders/{id}/status",
            &json!({ "status": "paid" }),
            order,
            403,
        ),
        ("GET", "/api/orders/{id}", &none, &*ada.id, 404),
        ("GET", "/api/orders/user/{id}", &none, &*ada.id, 403),
        ("GET", "/api/users/{id}", &none, &*ada.id, 403),
        ("PUT", "/api/users/{id}", &json!({ "name": "Bob" }), &*ada.id, 403),
        ("GET", "/api/users/{id}/export", &none, &*ada.id, 403),
        ("DELETE", "/api/users/{id}", &none, &*ada.id, 403),
        ("GET", "/api/cart/{id}", &none, &*ada.id, 403),
        ("POST", "/api/cart/{id}/add", &add, &*ada.id, 403),
    ] {
        for (caller, expected) in [(bob.header(), status), (NOBODY, 401)] {
            let answer = |id: &str| {
                let (status, _, answer) = shop.rest(caller, method, &path.replace("{id}", id), body);
                (status, anonymized(&answer, id))
            };
            let found = answer(id);
            assert_eq!(found, answer(UNKNOWN), "{method} {path}");
            assert_eq!(found.0, expected, "{method} {path}: {}", found.1);
        }
    }
    let read = shop.rest(ada.header(), "GET", &format!("/api/orders/{order}"), &none);
    assert_eq!(
        (read.0, &read.2["status"]),
        (200, &json!("paid")),
        "nothing has changed"
    );
}

#[test]
fn graphql_answers_as_for_an_unknown_id() {
    let shop = Shop::new();
    let (ada, bob) = (shop.user("ada"), shop.user("bob"));
    let things = things(&shop, &ada);
    let (order, session, user) = (things.order.as_str(), things.session.as_str(), ada.id.as_str());
    for (query, id, code) in [
        ("{ order(id: \"{id}\") { _id } }", order, "NOT_FOUND"),
        ("{ payment(id: \"{id}\") { _id } }", order, "NOT_FOUND"),
        ("{ payment(id: \"{id}.payment\") { _id } }", order, "NOT_FOUND"),
        (
            "mutation { cancelOrder(id: \"{id}\") { _id } }",
            order,
            "NOT_FOUND",
        ),
        (
            "mutation { payOrder(orderId: \"{id}\", paymentMethod: \"tok_ok\") { _id } }",
            order,
            "NOT_FOUND",
        ),
        (
            "mutation { revokeSession(id: \"{id}\") { _id } }",
            session,
            "NOT_FOUND",
        ),
        ("{ cart(cartId: \"user:{id}\") { _id } }", user, "NOT_FOUND"),
        (
            "mutation { clearCart(cartId: \"user:{id}\") { _id } }",
            user,
            "NOT_FOUND",
        ),
        (
            "mutation { refundPayment(id: \"{id}\") { _id } }",
            order,
            "FORBIDDEN",
        ),
        (
            "mutation { updateOrderStatus(id: \"{id}\", status: SHIPPED) { _id } }",
            order,
            "FORBIDDEN",
        ),
        ("{ user(id: \"{id}\") { _id } }", user, "FORBIDDEN"),
        ("{ sessions(user: \"{id}\") { _id } }", user, "FORBIDDEN"),
        ("mutation { eraseUser(id: \"{id}\") { _id } }", user, "FORBIDDEN"),
    ] {
        for (caller, expected) in [(bob.header(), code), (NOBODY, "UNAUTHENTICATED")] {
            let answer = |id: &str| {
                let answer = shop.answer(caller, &json!({ "query": query.replace("{id}", id) }));
                (
                    answer["errors"][0]["extensions"]["code"].clone(),
                    anonymized(&answer, id),
                )
            };
            let found = answer(id);
            assert_eq!(found, answer(UNKNOWN), "{query}");
            assert_eq!(found.0, expected, "{query}: {}", found.1);
        }
    }
    for id in [
        order.to_owned(),
        format!("{order}.payment"),
        session.to_owned(),
        user.to_owned(),
        format!("user:{user}"),
    ] {
        let query = format!("{{ node(id: \"{id}\") {{ id }} nodes(ids: [\"{id}\"]) {{ id }} }}");
        for caller in [bob.header(), NOBODY] {
            assert_eq!(
                shop.ask(caller, &query),
                json!({ "node": null, "nodes": [null] }),
                "{id}"
            );
        }
    }
    let query = format!("{{ order(id: \"{order}\") {{ status }} sessions(user: \"{user}\") {{ _id }} }}");
    let seen = shop.ask(KEY, &query);
    assert_eq!(
        (
            &seen["order"]["status"],
            seen["sessions"].as_array().unwrap().len()
        ),
        (&json!("PAID"), 1)
    );
}
