//! Sessions through GraphQL: what their tokens open, and no longer open once they are over.
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

fn bearer(pair: &Value) -> String {
    format!("Bearer {}", pair["access_token"].as_str().unwrap())
}

fn code(answer: &Value) -> &Value {
    &answer["errors"][0]["extensions"]["code"]
}

#[test]
fn the_access_token_of_a_session_that_is_over_opens_nothing() {
    let shop = Shop::new();
    let token = bearer(&sign_up(&shop));
    let ada = ("authorization", token.as_str());
    let sessions = shop.ask(ada, "{ sessions { _id current } }");
    assert_eq!(sessions["sessions"][0]["current"], true);
    let id = sessions["sessions"][0]["_id"].as_str().unwrap();
    shop.ask(
        KEY,
        &format!("mutation {{ revokeSession(id: \"{id}\") {{ _id }} }}"),
    );
    let refused = shop.answer(ada, &json!({ "query": "{ me { _id } }" }));
    assert_eq!(code(&refused), "UNAUTHENTICATED");
    let message = refused["errors"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("session of this access token is over"),
        "{message}"
    );
    shop.ask(ada, "{ products { _id } }");
}

#[test]
fn a_session_goes_on_with_the_next_pair() {
    let shop = Shop::new();
    let first = sign_up(&shop);
    let refresh = |pair: &Value| {
        json!({
            "query": "mutation($t: String!) { refreshToken(input: {refresh_token: $t}) { access_token refresh_token user { _id } } }",
            "variables": { "t": pair["refresh_token"] },
        })
    };
    let second = shop.answer(NOBODY, &refresh(&first))["data"]["refreshToken"].clone();
    assert_eq!(second["user"], first["user"]);
    assert_eq!(code(&shop.answer(NOBODY, &refresh(&first))), "CONFLICT");
    let token = bearer(&second);
    let ended = shop.ask(("authorization", &token), "mutation { logout }");
    assert_eq!(ended["logout"], true);
    assert_eq!(code(&shop.answer(NOBODY, &refresh(&second))), "UNAUTHENTICATED");
}

#[test]
fn failures_are_counted_by_the_address_that_the_proxy_tells() {
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
