//! Sign-in with an OpenID provider: accepted tokens, keys and accounts.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod issuer;
mod shop;

use issuer::{ED25519, ISSUER, Key, Provider, TRUST, claims, now};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use mercato_shop::cache::Cache;
use serde_json::{Value, json};
use shop::{KEY, Shop};

const ME: &str = "{ me { _id username name email emailVerified role } }";

fn shop() -> (Shop, Key, Provider) {
    let shop = Shop::with(&TRUST);
    let key = Key::ed25519("one", ED25519[0]);
    let provider = Provider::of(&shop, &[&key]);
    (shop, key, provider)
}

fn me(shop: &Shop, bearer: &str) -> Value {
    shop.ask(("authorization", bearer), ME)["me"].clone()
}

/// Returns the code and the message of the error.
fn refused(shop: &Shop, bearer: &str) -> (String, String) {
    let answer = shop.answer(("authorization", bearer), &json!({ "query": ME }));
    let error = &answer["errors"][0];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&error["extensions"]["code"]), text(&error["message"]))
}

fn expect_unauthenticated(shop: &Shop, bearer: &str, why: &str) {
    let (code, message) = refused(shop, bearer);
    assert_eq!(code, "UNAUTHENTICATED", "{message}");
    assert!(message.contains(why), "expected {why} in {message}");
}

#[test]
fn creates_the_account_once_and_caches_it() {
    let (shop, key, provider) = shop();
    let mut ada = claims("ada");
    let bearer = key.bearer(&ada);
    let first = me(&shop, &bearer);
    assert_eq!(
        (
            &first["name"],
            &first["email"],
            &first["emailVerified"],
            &first["role"]
        ),
        (
            &json!("Ada Lovelace"),
            &json!("ada@example.com"),
            &json!(true),
            &json!("CUSTOMER")
        )
    );
    assert!(first["username"].as_str().unwrap().starts_with("ada-"), "{first}");
    assert_eq!(
        provider.requests(),
        [
            "https://id.example/.well-known/openid-configuration",
            "https://keys.example/jwks"
        ]
    );
    let _ = shop.calls();
    ada["nonce"] = json!("another token of the same second");
    assert_eq!(me(&shop, &key.bearer(&ada)), first);
    assert_eq!(
        shop.calls(),
        ["get 1 of accounts.users"],
        "the profile of the request"
    );
    assert!(provider.requests().is_empty());
    assert_ne!(me(&shop, &key.bearer(&claims("grace")))["_id"], first["_id"]);
    let login = "mutation { login(input: {username: \"NAME\", password: \"a password\"}) { access_token } }"
        .replace("NAME", first["username"].as_str().unwrap());
    let answer = shop.answer(KEY, &json!({ "query": login }));
    assert_eq!(
        answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED",
        "{answer}"
    );
}

#[test]
fn logs_each_sign_in_once() {
    let (shop, key, _) = shop();
    let signed_in = || {
        let query = "{ auditLog(filter: {action: SIGN_IN}) { edges { node { actor detail } } } }";
        shop.ask(KEY, query)["auditLog"]["edges"]
            .as_array()
            .unwrap()
            .clone()
    };
    let mut ada = claims("ada");
    let issued = now();
    let at = |claims: &Value| me(&shop, &key.bearer(claims))["_id"].clone();
    ada["iat"] = json!(issued);
    let id = at(&ada);
    at(&ada);
    let expected = json!({ "actor": id, "detail": format!("at {ISSUER}") });
    assert_eq!(signed_in(), [json!({ "node": expected })]);
    // Another token of the same sign-in.
    ada["iat"] = json!(issued - 1);
    ada["auth_time"] = json!(issued - 100);
    at(&ada);
    // A renewed token is no new sign-in.
    for later in [issued - 3, issued - 2] {
        ada["iat"] = json!(later);
        at(&ada);
    }
    assert_eq!(signed_in().len(), 2);
    let _ = shop.calls();
    at(&ada);
    assert_eq!(shop.calls(), ["get 1 of accounts.users"], "the profile alone");
}

#[test]
fn ignores_the_token_for_public_fields() {
    let (shop, key, provider) = shop();
    shop.ask(
        ("authorization", &key.bearer(&claims("ada"))),
        "{ products { _id } }",
    );
    assert!(provider.requests().is_empty());
}

#[test]
fn accepts_rsa_and_p256() {
    let (shop, _, provider) = shop();
    let keys = [Key::rsa("rsa"), Key::p256("p256")];
    provider.publish(&[&keys[0], &keys[1]]);
    let ids = keys.map(|key| me(&shop, &key.bearer(&claims("ada")))["_id"].clone());
    assert_eq!(ids[0], ids[1]);
}

#[test]
fn explains_why_a_token_is_rejected() {
    let (shop, key, _) = shop();
    let with = |name: &str, value: Value| {
        let mut claims = claims("ada");
        claims[name] = value;
        claims
    };
    let without = |name: &str| {
        let mut claims = claims("ada");
        claims.as_object_mut().unwrap().remove(name);
        claims
    };
    for (claims, why) in [
        (with("aud", json!("another-shop")), "audience"),
        (with("aud", json!(["a", "b"])), "audience"),
        (without("aud"), "must have"),
        (with("exp", json!(now() - 61)), "expired"),
        (without("exp"), "must have"),
        (with("exp", json!("tomorrow")), "m"),
        (with("nbf", json!(now() + 90)), "not valid yet"),
        (with("sub", json!("")), "subject"),
        (with("sub", json!("a".repeat(256))), "subject"),
        (with("iss", json!("https://evil.example/")), "Sign in"),
        (with("iss", json!("https://id.example")), "Sign in"),
        (with("iss", json!([ISSUER])), "Sign in"),
    ] {
        expect_unauthenticated(&shop, &key.bearer(&claims), why);
    }
    // Clocks may differ, and a token may have several audiences.
    me(&shop, &key.bearer(&with("exp", json!(now() - 30))));
    me(&shop, &key.bearer(&with("aud", json!(["the-shop", "b"]))));
    let critical = key.bearer_with(&claims("ada"), |header| header.crit = Some(vec!["exp".into()]));
    expect_unauthenticated(&shop, &critical, "something else");
    for kind in ["logout+jwt", "dpop+jwt", "secevent+jwt"] {
        let other = key.bearer_with(&claims("ada"), |header| header.typ = Some(kind.into()));
        expect_unauthenticated(&shop, &other, "something else");
    }
    me(
        &shop,
        &key.bearer_with(&claims("ada"), |header| header.typ = Some("at+jwt".into())),
    );
    let forged = Key::ed25519("one", ED25519[1]).bearer(&claims("ada"));
    expect_unauthenticated(&shop, &forged, "not signed by its issuer");
}

#[test]
fn rejects_other_algorithms_than_that_of_the_key() {
    let (shop, key, provider) = shop();
    let rsa = Key::rsa("rsa");
    provider.publish(&[&key, &rsa]);
    for (public, field) in [(&key, "x"), (&rsa, "n")] {
        let text = public.public[field].as_str().unwrap();
        for algorithm in [Algorithm::HS256, Algorithm::HS512] {
            let mut header = Header::new(algorithm);
            header.kid = Some(public.kid.into());
            let secret = EncodingKey::from_secret(text.as_bytes());
            let token = jsonwebtoken::encode(&header, &claims("ada"), &secret).unwrap();
            expect_unauthenticated(&shop, &format!("Bearer {token}"), "must be signed with");
        }
    }
    // The shop's secret cannot sign a token of the provider.
    let own = EncodingKey::from_secret(shop::SECRET.as_bytes());
    let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims("ada"), &own).unwrap();
    expect_unauthenticated(&shop, &format!("Bearer {token}"), "must be signed with");
    // A token that names a key of another kind.
    let mixed = key.bearer_with(&claims("ada"), |header| header.kid = Some("rsa".into()));
    expect_unauthenticated(&shop, &mixed, "must be signed with");
    let stripped = key.bearer(&claims("ada"));
    let payload = stripped.split('.').nth(1).unwrap();
    // {"alg":"none"}
    expect_unauthenticated(
        &shop,
        &format!("Bearer eyJhbGciOiJub25lIn0.{payload}."),
        "malformed",
    );
}

#[test]
fn fetches_an_unknown_key_at_most_once_a_minute() {
    let (shop, old, provider) = shop();
    let ada = me(&shop, &old.bearer(&claims("ada")));
    let _ = provider.requests();
    let new = Key::ed25519("two", ED25519[1]);
    provider.publish(&[&new, &old]);
    assert_eq!(me(&shop, &new.bearer(&claims("ada"))), ada);
    assert_eq!(provider.requests().len(), 2);
    for key in [&old, &new] {
        assert_eq!(me(&shop, &key.bearer(&claims("ada"))), ada);
    }
    for _ in 0..3 {
        let unknown = new.bearer_with(&claims("ada"), |header| header.kid = Some("three".into()));
        expect_unauthenticated(&shop, &unknown, "does not have");
    }
    assert!(provider.requests().is_empty(), "the keys were just fetched");
}

#[test]
fn accepts_old_keys_if_the_provider_is_unavailable() {
    let (shop, key, provider) = shop();
    provider.stop();
    let bearer = key.bearer(&claims("ada"));
    assert_eq!(refused(&shop, &bearer).0, "UNAVAILABLE");
    assert_eq!(refused(&shop, &bearer).0, "UNAVAILABLE");
    assert_eq!(
        provider.requests().len(),
        1,
        "a failed fetch is not repeated at once"
    );
    shop.ask(("authorization", &bearer), "{ products { _id } }");

    let (shop, key, provider) = self::shop();
    let ada = me(&shop, &bearer);
    age_keys(&shop);
    let _ = provider.requests();
    provider.stop();
    for _ in 0..2 {
        assert_eq!(me(&shop, &key.bearer(&claims("ada"))), ada);
    }
    assert_eq!(
        provider.requests().len(),
        1,
        "the keys are fetched at most once a minute"
    );
}

#[test]
fn limits_fetches_without_the_cache() {
    let (shop, key, provider) = shop();
    shop.lose_the_cache();
    let ada = me(&shop, &key.bearer(&claims("ada")));
    assert_eq!(
        provider.requests().len(),
        2,
        "the discovery document and the keys"
    );
    for _ in 0..3 {
        assert_eq!(me(&shop, &key.bearer(&claims("ada"))), ada);
        let unknown = key.bearer_with(&claims("ada"), |header| header.kid = Some("two".into()));
        expect_unauthenticated(&shop, &unknown, "does not have");
    }
    assert!(provider.requests().is_empty(), "the keys were just fetched");
    provider.stop();
    assert_eq!(me(&shop, &key.bearer(&claims("ada"))), ada);

    let (shop, key, provider) = self::shop();
    shop.lose_the_cache();
    provider.stop();
    for _ in 0..3 {
        assert_eq!(refused(&shop, &key.bearer(&claims("ada"))).0, "UNAVAILABLE");
    }
    assert_eq!(
        provider.requests().len(),
        1,
        "a failed fetch is not repeated at once"
    );
}

/// Makes the cached keys two hours old.
fn age_keys(shop: &Shop) {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    hash.update(ISSUER);
    hash.update([0]);
    let place = format!("gateway.oidc.{:x}.keys", hash.finalize());
    let kept = shop
        .ports()
        .get_many(std::slice::from_ref(&place))
        .pop()
        .flatten()
        .unwrap();
    let mut kept: Value = serde_json::from_slice(&kept).unwrap();
    kept["fetched_at"] = json!((now() - 7_200) * 1_000);
    shop.ports().set(&place, kept.to_string().as_bytes(), 60_000);
}

#[test]
fn applies_a_new_role_and_an_erasure_at_once() {
    let (shop, key, _) = shop();
    let bearer = key.bearer(&claims("ada"));
    let ada = me(&shop, &bearer);
    let id = ada["_id"].as_str().unwrap();
    shop.ask(
        KEY,
        &format!("mutation {{ setRole(id: \"{id}\", role: ADMIN) {{ _id }} }}"),
    );
    shop.ask(
        ("authorization", &bearer),
        "{ auditLog { edges { node { action } } } }",
    );

    shop.ask(
        ("authorization", &bearer),
        &format!("mutation {{ eraseUser(id: \"{id}\") {{ _id }} }}"),
    );
    expect_unauthenticated(&shop, &bearer, "erased");
    let mut later = claims("ada");
    later["iat"] = json!(now() + 2);
    let new = me(&shop, &key.bearer(&later));
    assert_ne!(new["_id"], ada["_id"]);
    assert_eq!(new["role"], "CUSTOMER");
}

#[test]
fn limits_requests_by_account() {
    let config = [&TRUST[..], &[("RATE_LIMIT", "2")]].concat();
    let shop = Shop::with(&config);
    let key = Key::ed25519("one", ED25519[0]);
    let _provider = Provider::of(&shop, &[&key]);
    let status = |bearer: &str| {
        shop.rest(("authorization", bearer), "GET", "/api/products", &Value::Null)
            .0
    };
    let ada = key.bearer(&claims("ada"));
    let statuses = [
        status(&ada),
        status(&ada),
        status(&ada),
        status(&key.bearer(&claims("grace"))),
    ];
    assert_eq!(statuses, [200, 200, 429, 200]);
}
