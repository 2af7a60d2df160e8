//! Access tokens that are signed with token keys, and the rotation of these keys.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod issuer;
mod shop;

use issuer::{ED25519, Key, now};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use shop::{SECRET, Shop};

fn keys(names: &[(&str, usize)]) -> String {
    let key = |(kid, index): &(&str, usize)| {
        let [x, d] = ED25519[*index];
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x, "d": d })
    };
    json!({ "keys": names.iter().map(key).collect::<Vec<_>>() }).to_string()
}

fn with(keys: &str) -> Shop {
    Shop::with(&[("TOKEN_KEYS", keys)])
}

fn status(shop: &Shop, bearer: &str) -> u16 {
    shop.rest(("authorization", bearer), "GET", "/api/orders", &Value::Null)
        .0
}

#[test]
fn rotates_keys_by_adding_the_new_one_first() {
    let claims = json!({ "userId": "u1", "exp": now() + 60 });
    let (one, two) = (Key::ed25519("one", ED25519[0]), Key::ed25519("two", ED25519[1]));
    for (set, takes_one, takes_two) in [
        (keys(&[("one", 0)]), 200, 401),
        (keys(&[("two", 1), ("one", 0)]), 200, 200),
        (keys(&[("two", 1)]), 401, 200),
    ] {
        let shop = with(&set);
        assert_eq!(
            (
                status(&shop, &one.bearer(&claims)),
                status(&shop, &two.bearer(&claims))
            ),
            (takes_one, takes_two)
        );
    }
}

#[test]
fn rejects_tokens_of_the_secret_if_there_are_keys() {
    let shop = with(&keys(&[("one", 0)]));
    let claims = json!({ "userId": "u1", "role": "ADMIN", "exp": now() + 60 });
    let [x, _] = ED25519[0];
    for secret in [SECRET.as_bytes(), x.as_bytes()] {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some("one".into());
        let token = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret)).unwrap();
        assert_eq!(status(&shop, &format!("Bearer {token}")), 401);
    }
    let one = Key::ed25519("one", ED25519[0]);
    let expired = json!({ "userId": "u1", "exp": now() - 5 });
    assert_eq!(status(&shop, &one.bearer(&expired)), 401);
    let unnamed = one.bearer_with(&claims, |header| header.kid = None);
    assert_eq!(status(&shop, &unnamed), 401);
}

#[test]
fn rejects_a_key_with_mismatched_halves() {
    let [[x, _], [_, d]] = ED25519;
    let set = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "one", "x": x, "d": d }] });
    let shop = with(&set.to_string());
    let input = json!({ "username": "ada", "password": "a long password" });
    let (status, _, problem) = shop.rest(shop::NOBODY, "POST", "/api/users/register", &input);
    assert_eq!((status, &problem["code"]), (500, &json!("INTERNAL")));
}
