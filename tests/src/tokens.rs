//! Access tokens: valid ones as a shop issues them, and forged ones that it must refuse.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};

/// Returns the seconds since the Unix epoch.
pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |passed| passed.as_secs())
}

/// Returns the claims of a token that is valid for an hour.
pub fn claims(user_id: &str, role: &str) -> Value {
    json!({ "userId": user_id, "role": role, "iat": now(), "exp": now() + 3_600 })
}

/// Returns a token with these claims, signed with HS256.
pub fn signed(secret: &str, claims: &Value) -> Result<String> {
    let key = EncodingKey::from_secret(secret.as_bytes());
    Ok(jsonwebtoken::encode(
        &Header::new(Algorithm::HS256),
        claims,
        &key,
    )?)
}

/// Returns a valid token for a user with this role.
pub fn minted(secret: &str, user_id: &str, role: &str) -> Result<String> {
    signed(secret, &claims(user_id, role))
}

/// Returns the claims of a token. Fails unless this secret has signed it and it has not expired.
pub fn verified(secret: &str, token: &str) -> Result<Value> {
    let key = DecodingKey::from_secret(secret.as_bytes());
    let data = jsonwebtoken::decode::<Value>(token, &key, &Validation::new(Algorithm::HS256))?;
    Ok(data.claims)
}

/// Returns bad tokens of a user, each with its fault.
pub fn bad(secret: &str, user_id: &str) -> Result<Vec<(&'static str, String)>> {
    let good = minted(secret, user_id, "CUSTOMER")?;
    let mut parts = good.split('.');
    let (header, payload, signature) = (
        parts.next().context("a token has a header")?,
        parts.next().context("a token has a payload")?,
        parts.next().context("a token has a signature")?,
    );
    let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let admin = encoded(&claims(user_id, "ADMIN"));
    let none = encoded(&json!({ "alg": "none", "typ": "JWT" }));
    let long_ago =
        json!({ "userId": user_id, "role": "CUSTOMER", "iat": now() - 7_200, "exp": now() - 3_600 });
    let anonymous = json!({ "role": "ADMIN", "iat": now(), "exp": now() + 3_600 });
    let untyped = json!({ "userId": 1, "role": "ADMIN", "iat": now(), "exp": now() + 3_600 });
    let asymmetric = encoded(&json!({ "alg": "RS256", "typ": "JWT" }));
    Ok(vec![
        ("expired", signed(secret, &long_ago)?),
        ("unsigned, with alg none", format!("{none}.{admin}.")),
        (
            "with alg none and the signature of another token",
            format!("{none}.{payload}.{signature}"),
        ),
        ("with alg RS256", format!("{asymmetric}.{payload}.{signature}")),
        (
            "signed again with another secret",
            minted("another-secret-0123456789abcdef", user_id, "ADMIN")?,
        ),
        ("signed with an empty secret", minted("", user_id, "ADMIN")?),
        ("changed after signing", format!("{header}.{admin}.{signature}")),
        ("without its signature", format!("{header}.{payload}.")),
        ("without its last part", format!("{header}.{payload}")),
        ("truncated", good.chars().take(good.len() - 5).collect()),
        ("with one part too many", format!("{good}.{signature}")),
        ("without a user id", signed(secret, &anonymous)?),
        ("with a user id that is not a text", signed(secret, &untyped)?),
        ("that is not a token", "gibberish".to_owned()),
        ("that is empty", String::new()),
        ("of 4,000 characters", "x".repeat(4_000)),
    ])
}
