//! Discount codes: their terms, and the limits of their use.
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

fn create(shop: &Shop, input: &str) -> Value {
    let query = format!(
        "mutation {{ createDiscount(input: {{{input}}}) {{ id code percent basisPoints amount exactAmount
            minimum minimumAmount limit limitPerCustomer used }} }}"
    );
    shop.answer(KEY, &json!({ "query": query }))
}

#[test]
fn a_percentage_has_hundredths() {
    let shop = Shop::new();
    for (input, percent, basis_points) in [
        ("percent: 10", json!(10), 1_000),
        ("basisPoints: 620", Value::Null, 620),
        ("basisPoints: 500", json!(5), 500),
        ("basisPoints: 1", Value::Null, 1),
        ("percent: 100", json!(100), 10_000),
    ] {
        let code = format!("CODE-{basis_points}");
        let answer = create(&shop, &format!("code: \"{}\", {input}", code.to_lowercase()));
        let discount = &answer["data"]["createDiscount"];
        assert_eq!(discount["percent"], percent, "{answer}");
        assert_eq!(discount["basisPoints"], basis_points);
        assert_eq!(
            (&discount["code"], &discount["id"]),
            (&json!(code), &json!(format!("discount.{code}")))
        );
        assert_eq!(
            (&discount["amount"], &discount["exactAmount"]),
            (&Value::Null, &Value::Null)
        );
    }
    for input in [
        "percent: 0",
        "percent: 101",
        "percent: -1",
        "percent: 4294967295",
        "basisPoints: 0",
        "basisPoints: 10001",
        "percent: 5, basisPoints: 500",
        "percent: 5, amount: 5",
        "amount: 5, exactAmount: 5",
        "minimum: 5",
    ] {
        let answer = create(&shop, &format!("code: \"BAD\", {input}"));
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{input}: {answer}");
        assert_eq!(answer["data"]["createDiscount"], Value::Null);
    }
}

#[test]
fn amounts_beyond_32_bits_are_exact() {
    let shop = Shop::new();
    let input = "code: \"LARGE\", exactAmount: 9007199254740991, minimumAmount: 25000000000";
    let answer = create(&shop, input);
    assert_eq!(
        answer["errors"].as_array().unwrap().len(),
        2,
        "of `amount` and `minimum`: {answer}"
    );
    let discount = &answer["data"]["createDiscount"];
    assert_eq!(discount["exactAmount"], 9_007_199_254_740_991_i64);
    assert_eq!(discount["minimumAmount"], 25_000_000_000_i64);
    assert_eq!(
        (&discount["amount"], &discount["minimum"]),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn limits_of_use_have_a_message_each() {
    let shop = Shop::new();
    let (ada, bob, cid) = (shop.user("ada"), shop.user("bob"), shop.user("cid"));
    let product = shop.product("a");
    create(
        &shop,
        "code: \"TWICE\", percent: 10, limit: 2, limitPerCustomer: 1",
    );
    let order = |user: &shop::User| {
        let query = format!(
            "mutation {{ placeOrder(products: [{{_id: \"{product}\", quantity: 1}}], discountCode: \"twice\") {{ _id }} }}"
        );
        shop.answer(user.header(), &json!({ "query": query }))
    };
    let first = order(&ada);
    assert!(first["data"]["placeOrder"]["_id"].is_string(), "{first}");
    let message = |answer: &Value| {
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["field"], "discountCode", "{answer}");
        error["message"].as_str().unwrap().to_owned()
    };
    let of_customer = message(&order(&ada));
    assert!(order(&bob)["data"]["placeOrder"]["_id"].is_string());
    let of_all = message(&order(&cid));
    assert_ne!(of_customer, of_all);

    // A cancelled order gives its use back.
    let cancel = format!(
        "mutation {{ cancelOrder(id: {}) {{ status }} }}",
        first["data"]["placeOrder"]["_id"]
    );
    shop.ask(ada.header(), &cancel);
    let used = shop.ask(KEY, "{ discounts { edges { node { used } } } }");
    assert_eq!(used["discounts"]["edges"][0]["node"]["used"], 1);
    assert!(order(&ada)["data"]["placeOrder"]["_id"].is_string());
}
