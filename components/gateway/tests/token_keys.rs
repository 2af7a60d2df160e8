//! The shop's own access tokens by keys that others can verify with, and how the keys change.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod issuer;
mod shop;

use http::Request;
use issuer::{ED25519, Key, now};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};
use shop::{SECRET, Shop};

const JWKS: &str = "/.well-known/jwks.json";

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

fn published(shop: &Shop) -> Value {
    let reply = shop.send(Request::get(JWKS), Vec::new());
    assert_eq!(reply.status(), 200);
    assert!(
        reply.headers()["cache-control"]
            .to_str()
            .unwrap()
            .starts_with("public")
    );
    serde_json::from_slice(reply.body()).unwrap()
}

#[test]
fn anybody_verifies_a_token_by_the_published_keys() {
    let shop = with(&keys(&[("two", 1), ("one", 0)]));
    let user = shop.user("ada");
    let token = user.bearer.strip_prefix("Bearer ").unwrap();
    let header = jsonwebtoken::decode_header(token).unwrap();
    assert_eq!(
        (header.alg, header.kid.as_deref()),
        (Algorithm::EdDSA, Some("two"))
    );
    let set = published(&shop);
    assert!(!set.to_string().contains("\"d\""), "{set}");
    let key = DecodingKey::from_ed_components(set["keys"][0]["x"].as_str().unwrap()).unwrap();
    let claims = jsonwebtoken::decode::<Value>(token, &key, &Validation::new(Algorithm::EdDSA))
        .unwrap()
        .claims;
    assert_eq!(claims["userId"], json!(user.id));
    assert_eq!(status(&shop, &user.bearer), 200);
    assert_eq!(published(&Shop::new()), json!({ "keys": [] }));
}

#[test]
fn keys_are_changed_by_putting_the_new_one_first() {
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
fn where_there_are_keys_no_secret_signs() {
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
fn a_key_whose_halves_do_not_belong_together_signs_nothing() {
    let [[x, _], [_, d]] = ED25519;
    let set = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "one", "x": x, "d": d }] });
    let shop = with(&set.to_string());
    let input = json!({ "username": "ada", "password": "a long password" });
    let (status, _, problem) = shop.rest(shop::NOBODY, "POST", "/api/users/register", &input);
    assert_eq!((status, &problem["code"]), (500, &json!("INTERNAL")));
}
