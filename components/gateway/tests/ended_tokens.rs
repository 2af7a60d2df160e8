//! Access tokens of sessions that have ended, and of users whose role has changed.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Request;
use mercato_shop::standing::Standing;
use serde_json::{Value, json};
use shop::{KEY, NOBODY, SECRET, Shop, User};

const ME: &str = "/api/users/me";

fn status(shop: &Shop, bearer: &str) -> u16 {
    shop.rest(("authorization", bearer), "GET", ME, &Value::Null).0
}

fn log_out(shop: &Shop, user: &User) {
    let body = json!({ "refresh_token": user.refresh });
    assert_eq!(shop.rest(NOBODY, "POST", "/api/users/logout", &body).0, 204);
}

/// Returns the session of a user's token.
fn session(user: &User) -> String {
    let payload = user.bearer.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    claims["sid"].as_str().unwrap().to_owned()
}

fn set_role(shop: &Shop, id: &str, role: &str) {
    shop.ask(
        KEY,
        &format!("mutation {{ setRole(id: \"{id}\", role: {role}) {{ _id }} }}"),
    );
}

/// Returns the code of a refusal, or `null`.
fn code(shop: &Shop, bearer: &str, query: &str) -> Value {
    let answer = shop.answer(("authorization", bearer), &json!({ "query": query }));
    answer["errors"][0]["extensions"]["code"].clone()
}

const CREATE: &str = "mutation { createProduct(input: { name: \"Sock\", price: 5, quantity: 1 }) { _id } }";

/// Returns a token of another shop with this secret.
fn foreign(user_id: &str, role: &str) -> String {
    let claims = json!({ "userId": user_id, "role": role });
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
    format!("Bearer {token}")
}

#[test]
fn an_ended_session_opens_nothing_even_if_the_cache_is_lost() {
    for is_lost_before in [true, false] {
        let shop = Shop::new();
        let ada = shop.user("ada");
        if is_lost_before {
            shop.lose_the_cache();
        }
        assert_eq!(status(&shop, &ada.bearer), 200);
        log_out(&shop, &ada);
        shop.lose_the_cache();
        assert_eq!(status(&shop, &ada.bearer), 401);
    }
}

#[test]
fn an_answer_from_before_the_end_opens_nothing() {
    let shop = Shop::new();
    let ada = shop.user("ada");
    log_out(&shop, &ada);
    // A gateway that read the session before its end remembers it afterwards.
    Standing::of_session(&session(&ada)).remember(shop.ports(), b"CUSTOMER");
    assert_eq!(status(&shop, &ada.bearer), 401);
}

#[test]
fn a_session_costs_one_read_and_later_only_one_lookup() {
    let shop = Shop::new();
    let (ada, foreign) = (shop.user("ada"), foreign("another-shops-user", "CUSTOMER"));
    let _ = (shop.calls(), shop.looked_up(""));
    for (bearer, collection) in [(&ada.bearer, "sessions"), (&foreign, "users")] {
        let orders = |shop: &Shop| {
            shop.rest(("authorization", bearer), "GET", "/api/orders", &Value::Null);
            let keys = shop.looked_up("accounts.");
            let mut calls = shop.calls();
            calls.retain(|call| call.contains("accounts."));
            (keys, calls)
        };
        let first = orders(&shop);
        assert_eq!(first, (2, vec![format!("get 1 of accounts.{collection}")]));
        assert_eq!(orders(&shop), (2, Vec::new()));
    }
}

#[test]
fn a_store_that_can_not_tell_allows_only_what_needs_no_user() {
    let shop = Shop::new();
    let ada = shop.user("ada");
    let sock = shop.product("sock");
    shop.away(Some("accounts.sessions"));
    let place =
        format!("mutation {{ placeOrder(products: [{{ _id: \"{sock}\", quantity: 1 }}]) {{ _id }} }}");
    assert_eq!(code(&shop, &ada.bearer, &place), "UNAVAILABLE");
    assert_eq!(code(&shop, &ada.bearer, "{ me { _id } }"), "UNAVAILABLE");
    assert_eq!(code(&shop, &ada.bearer, "{ products { _id } }"), Value::Null);
    assert_eq!(status(&shop, &ada.bearer), 503);
    shop.away(None);
    assert_eq!(code(&shop, &ada.bearer, &place), Value::Null);
}

#[test]
fn a_new_role_counts_from_the_next_request() {
    let shop = Shop::new();
    let ada = shop.user("ada");
    assert_eq!(code(&shop, &ada.bearer, CREATE), "FORBIDDEN");
    set_role(&shop, &ada.id, "ADMIN");
    assert_eq!(code(&shop, &ada.bearer, CREATE), "UNAUTHENTICATED");
    let login = json!({ "username": "ada", "password": "a long password" });
    let (_, _, signed_in) = shop.rest(NOBODY, "POST", "/api/users/login", &login);
    let admin = format!("Bearer {}", signed_in["access_token"].as_str().unwrap());
    assert_eq!(code(&shop, &admin, CREATE), Value::Null);
    set_role(&shop, &ada.id, "CUSTOMER");
    assert_eq!(code(&shop, &admin, CREATE), "UNAUTHENTICATED");
    shop.lose_the_cache();
    assert_eq!(code(&shop, &admin, CREATE), "UNAUTHENTICATED");
    let refresh = json!({ "refresh_token": signed_in["refresh_token"] });
    let refused = shop.rest(NOBODY, "POST", "/api/users/refresh", &refresh);
    assert_eq!(refused.0, 401);
}

#[test]
fn a_token_of_another_shop_ends_with_the_role_and_the_data_of_its_user() {
    let shop = Shop::new();
    let (ada, bob) = (shop.user("ada"), shop.user("bob"));
    let [admin, customer] = [foreign(&ada.id, "ADMIN"), foreign(&bob.id, "CUSTOMER")];
    assert_eq!(code(&shop, &admin, CREATE), Value::Null);
    assert_eq!(status(&shop, &customer), 200);
    set_role(&shop, &ada.id, "ADMIN");
    set_role(&shop, &ada.id, "CUSTOMER");
    assert_eq!(code(&shop, &admin, CREATE), "UNAUTHENTICATED");
    let path = format!("/api/users/{}", bob.id);
    assert_eq!(shop.rest(KEY, "DELETE", &path, &Value::Null).0, 204);
    assert_eq!(status(&shop, &customer), 401);
}

#[test]
fn an_open_stream_ends_with_the_session() {
    let shop = Shop::new();
    let ada = shop.user("ada");
    let watch = || {
        let request = Request::post("/graphql")
            .header("content-type", "application/json")
            .header("accept", "text/event-stream")
            .header("authorization", &ada.bearer);
        let query = json!({ "query": "subscription { orderChanged { _id } }" });
        shop.send(request, query.to_string())
    };
    assert_eq!(watch().status(), 200);
    log_out(&shop, &ada);
    let ended = watch();
    let text = String::from_utf8(ended.body().clone()).unwrap();
    assert_eq!(ended.status(), 401, "{text}");
    assert!(text.contains("UNAUTHENTICATED"), "{text}");
}
