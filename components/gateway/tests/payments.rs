//! Payments: the number of calls, large amounts, and Stripe's webhooks.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use hmac::{Hmac, Mac};
use serde_json::json;
use sha2::Sha256;
use shop::{KEY, Shop, WEBHOOKS};

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

#[test]
fn an_amount_beyond_32_bits_is_paid_and_refunded_in_full() {
    const PRICE: i64 = 25_000_000_000;
    let shop = Shop::new();
    let token = signed_in(&shop, "ada");
    let user = ("authorization", token.as_str());
    let create = format!(
        "mutation {{ createProduct(input: {{name: \"a\", priceAmount: {PRICE}, quantity: 9}}) {{ _id }} }}"
    );
    let product = &shop.ask(KEY, &create)["createProduct"]["_id"];
    let place = format!("mutation {{ placeOrder(products: [{{_id: {product}, quantity: 1}}]) {{ _id }} }}");
    let id = &shop.ask(user, &place)["placeOrder"]["_id"];
    let pay = format!(
        "mutation {{ payOrder(orderId: {id}, paymentMethod: \"tok_ok\") {{ id exactAmount refundedAmount status }} }}"
    );
    let paid = shop.ask(user, &pay)["payOrder"].clone();
    assert_eq!(
        (&paid["exactAmount"], &paid["status"]),
        (&json!(PRICE), &json!("SUCCEEDED"))
    );
    let answer = shop.answer(
        user,
        &json!({ "query": format!("{{ payment(id: {id}) {{ amount }} }}") }),
    );
    let error = &answer["errors"][0];
    assert_eq!(error["extensions"]["code"], "AMOUNT_TOO_LARGE");
    assert!(
        error["message"].as_str().unwrap().contains("`exactAmount`"),
        "{error}"
    );
    let refund = |arguments: &str| {
        let query = format!(
            "mutation {{ refundPayment(id: {}, {arguments}) {{ refundedAmount refunds {{ id exactAmount }} }} }}",
            paid["id"]
        );
        shop.answer(KEY, &json!({ "query": query }))
    };
    let both = refund("amount: 1, exactAmount: 1");
    assert_eq!(both["errors"][0]["extensions"]["field"], "amount");
    let part = refund("exactAmount: 24000000000");
    assert_eq!(
        part["data"]["refundPayment"]["refundedAmount"], 24_000_000_000_i64,
        "{part}"
    );
    let rest = refund("reason: \"broken\"");
    assert_eq!(rest["data"]["refundPayment"]["refundedAmount"], PRICE, "{rest}");
    let too_much = refund("exactAmount: 9007199254740992");
    assert_eq!(
        too_much["errors"][0]["extensions"]["code"], "BAD_USER_INPUT",
        "{too_much}"
    );
}

#[test]
fn refuses_stale_and_malformed_webhooks() {
    let shop = Shop::new();
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let event = r#"{"id":"evt_1","type":"customer.created","created":1,"data":{"object":{}}}"#;
    for (secret, time, body, status) in [
        (WEBHOOKS, now, event, 200),
        (WEBHOOKS, now - 299, event, 200),
        (WEBHOOKS, now - 330, event, 400),
        (WEBHOOKS, now + 330, event, 400),
        ("another secret", now, event, 400),
        (WEBHOOKS, now, "<xml/>", 400),
        (WEBHOOKS, now, "", 400),
        (WEBHOOKS, now, "[]", 400),
        (WEBHOOKS, now, "{}", 400),
        (WEBHOOKS, now, "{\"id\":\"evt_2\"", 400),
    ] {
        let signature = signature(secret, time, body.as_bytes());
        let request = http::Request::post("/webhooks/stripe").header("stripe-signature", signature);
        let (answered, problem) = shop.http(request, body);
        assert_eq!(answered, status, "{body} at {time}: {problem}");
    }
    let request = || http::Request::post("/webhooks/stripe");
    assert_eq!(shop.http(request(), event).0, 400, "no signature");
    let reply = shop.send(
        request().header("stripe-signature", "t=1,v1=zz"),
        vec![0xff, 0xfe],
    );
    assert_eq!(reply.status(), 400);
}

fn signature(secret: &str, time: u64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{time}.").as_bytes());
    mac.update(body);
    let digest: String = mac
        .finalize()
        .into_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("t={time},v1={digest}")
}
