//! Payments over GraphQL, and the webhooks of them.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use std::time::SystemTime;

use hmac::{Hmac, Mac};
use http::Request;
use serde_json::{Value, json};
use sha2::Sha256;
use shop::{KEY, Shop, WEBHOOKS};

const WEBHOOK: &str = "/webhooks/stripe";

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

fn code(shop: &Shop, header: (&str, &str), query: &str) -> Value {
    shop.answer(header, &json!({ "query": query }))["errors"][0]["extensions"]["code"].clone()
}

fn pay(id: &str, method: &str) -> String {
    format!(
        "mutation {{ payOrder(orderId: \"{id}\", paymentMethod: \"{method}\") {{ _id status amount currency attempt clientSecret refunded }} }}"
    )
}

fn seconds() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap().as_secs()
}

fn deliver(shop: &Shop, body: &str, seconds: u64) -> (u16, Value) {
    let mut mac = Hmac::<Sha256>::new_from_slice(WEBHOOKS.as_bytes()).unwrap();
    mac.update(format!("{seconds}.{body}").as_bytes());
    let header = format!("t={seconds},v1={:x}", mac.finalize().into_bytes());
    shop.http(Request::post(WEBHOOK).header("stripe-signature", header), body)
}

#[test]
fn an_order_is_paid_looked_at_and_given_back() {
    let shop = Shop::new();
    let token = signed_in(&shop, "ada");
    let user = ("authorization", token.as_str());
    let id = order(&shop, user);
    let unpaid = shop.ask(
        user,
        &format!("{{ order(id: \"{id}\") {{ payment {{ status }} }} }}"),
    );
    assert_eq!(unpaid["order"]["payment"], Value::Null);
    assert_eq!(
        code(&shop, user, &format!("{{ payment(id: \"{id}\") {{ status }} }}")),
        "NOT_FOUND"
    );
    assert_eq!(code(&shop, user, &pay(&id, "tok_declined")), "PAYMENT_DECLINED");
    assert_eq!(
        shop.ask(user, &pay(&id, "tok_ok"))["payOrder"],
        json!({ "_id": id, "status": "SUCCEEDED", "amount": 15, "currency": "USD", "attempt": 2, "clientSecret": null, "refunded": 0 })
    );
    let refund = format!(
        "mutation {{ refundPayment(id: \"{id}\", amount: 5, reason: \"r\") {{ refunded refunds {{ amount status reason }} }} }}"
    );
    assert_eq!(
        shop.ask(KEY, &refund)["refundPayment"],
        json!({ "refunded": 5, "refunds": [{ "amount": 5, "status": "SUCCEEDED", "reason": "r" }] })
    );
    let read = format!(
        "{{ order(id: \"{id}\") {{ status payment {{ failure refunded version }} }} payment(id: \"{id}\") {{ status }} }}"
    );
    let read = shop.ask(user, &read);
    assert_eq!(
        (&read["order"]["status"], &read["payment"]["status"]),
        (&json!("PAID"), &json!("SUCCEEDED"))
    );
    assert_eq!(read["order"]["payment"]["refunded"], 5);
    let rest = format!("mutation {{ refundPayment(id: \"{id}\") {{ refunded }} }}");
    assert_eq!(shop.ask(KEY, &rest)["refundPayment"]["refunded"], 15);
    let read = shop.ask(user, &format!("{{ order(id: \"{id}\") {{ status }} }}"));
    assert_eq!(read["order"]["status"], "REFUNDED");
}

#[test]
fn who_may_do_what_with_payments() {
    let shop = Shop::new();
    let (ada, bob) = (signed_in(&shop, "ada"), signed_in(&shop, "bob"));
    let (ada, bob) = (("authorization", ada.as_str()), ("authorization", bob.as_str()));
    let nobody = ("x-nobody", "");
    let id = order(&shop, ada);
    let look = format!("{{ payment(id: \"{id}\") {{ status }} }}");
    let refund = format!("mutation {{ refundPayment(id: \"{id}\", amount: 1) {{ refunded }} }}");
    assert_eq!(code(&shop, nobody, &pay(&id, "tok_ok")), "UNAUTHENTICATED");
    assert_eq!(code(&shop, bob, &pay(&id, "tok_ok")), "FORBIDDEN");
    assert_eq!(code(&shop, ada, &pay(&id, "tok_ok")), Value::Null);
    for (header, expected) in [
        (nobody, json!("UNAUTHENTICATED")),
        (bob, json!("FORBIDDEN")),
        (ada, Value::Null),
        (KEY, Value::Null),
    ] {
        assert_eq!(code(&shop, header, &look), expected);
    }
    for (header, expected) in [
        (nobody, json!("UNAUTHENTICATED")),
        (bob, json!("FORBIDDEN")),
        (ada, json!("FORBIDDEN")),
        (KEY, Value::Null),
    ] {
        assert_eq!(code(&shop, header, &refund), expected);
    }
    assert_eq!(code(&shop, KEY, &pay("7", "tok_ok")), "BAD_USER_INPUT");
}

#[test]
fn many_orders_payments_are_asked_for_at_once() {
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

#[test]
fn a_webhook_confirms_what_the_customer_had_to_confirm() {
    let shop = Shop::new();
    let token = signed_in(&shop, "ada");
    let user = ("authorization", token.as_str());
    let id = order(&shop, user);
    let asked = shop.ask(user, &pay(&id, "tok_requires_action"));
    assert_eq!(asked["payOrder"]["status"], "REQUIRES_ACTION");
    assert!(asked["payOrder"]["clientSecret"].is_string());
    let body = json!({
        "id": "evt_1", "type": "payment_intent.succeeded",
        "data": { "object": {
            "id": format!("test/{id}/1/tok_requires_action"), "status": "succeeded",
            "metadata": { "order_id": id, "attempt": "1" },
        } },
    })
    .to_string();
    let unsigned = shop.http(Request::post(WEBHOOK), &body);
    assert_eq!((unsigned.0, &unsigned.1["code"]), (400, &json!("BAD_USER_INPUT")));
    assert_eq!(deliver(&shop, &body, seconds() - 400).0, 400, "an old one");
    let read = format!("{{ order(id: \"{id}\") {{ status payment {{ status }} }} }}");
    assert_eq!(shop.ask(user, &read)["order"]["status"], "PENDING");
    for _ in 0..2 {
        assert_eq!(
            deliver(&shop, &body, seconds()),
            (200, json!({ "received": true }))
        );
        assert_eq!(
            shop.ask(user, &read)["order"],
            json!({ "status": "PAID", "payment": { "status": "SUCCEEDED" } })
        );
    }
    assert_eq!(shop.http(Request::get(WEBHOOK), "").0, 405);
    let huge = " ".repeat((1 << 20) + 1);
    assert_eq!(deliver(&shop, &huge, seconds()).0, 413);
    assert_eq!(deliver(&shop, "no json", seconds()).0, 400);
    assert_eq!(shop.http(Request::get("/readyz"), "").0, 200);
}
