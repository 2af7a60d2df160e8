//! Failed sign-ins, by client address.
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

fn sign_up(shop: &Shop) -> Value {
    shop.ask(
        NOBODY,
        "mutation { registerUser(input: {username: \"ada\", password: \"a password\"}) { access_token refresh_token user { _id } } }",
    )["registerUser"]
        .clone()
}

fn code(answer: &Value) -> &Value {
    &answer["errors"][0]["extensions"]["code"]
}

#[test]
fn counts_failures_by_the_address_that_the_proxy_writes() {
    let shop = Shop::new();
    sign_up(&shop);
    let login = json!({ "query": "mutation { login(input: {username: \"ada\", password: \"a pass word\"}) { access_token } }" });
    let from = |address: &str| shop.answer(("x-forwarded-for", address), &login);
    for _ in 0..10 {
        assert_eq!(code(&from("192.0.2.1, 203.0.113.9")), "UNAUTHENTICATED");
    }
    let refused = from("192.0.2.2, 203.0.113.9");
    assert_eq!(code(&refused), "RATE_LIMITED");
    assert!(refused["errors"][0]["extensions"]["retryAfter"].as_u64().unwrap() <= 900);
    assert_eq!(code(&from("192.0.2.1")), "UNAUTHENTICATED");
    let log = shop.ask(
        KEY,
        "{ auditLog(first: 1, filter: {action: SIGN_IN}) { edges { node { outcome actor } } } }",
    );
    let newest = &log["auditLog"]["edges"][0]["node"];
    assert_eq!(newest, &json!({ "outcome": "FAILURE", "actor": "anonymous" }));
}
