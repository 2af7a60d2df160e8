//! Access tokens: JWTs (RFC 7519), signed with HS256 and the shop's API secret.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use mercato_common::accounts::User;
use mercato_common::id;
use mercato_common::ports::Ports;
use mercato_common::types::{Error, Role};
use serde::Serialize;

/// How long an access token is good for where `ACCESS_TOKEN_SECONDS` does not say otherwise.
const DEFAULT_SECONDS: u64 = 3_600;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Claims<'a> {
    user_id: &'a str,
    role: &'static str,
    iat: u64,
    exp: u64,
}

/// A token that proves its bearer to be this user.
pub fn issue(ports: &impl Ports, user: &User) -> Result<String, Error> {
    let secret = ports
        .config("API_SECRET")
        .ok_or_else(|| Error::Internal("API_SECRET is not configured".into()))?;
    let seconds = match ports.config("ACCESS_TOKEN_SECONDS") {
        None => DEFAULT_SECONDS,
        Some(text) => text
            .parse()
            .map_err(|_| Error::Internal("ACCESS_TOKEN_SECONDS is no whole number of seconds".into()))?,
    };
    let iat = id::now() / 1_000;
    let role = match user.role {
        Role::Admin => "ADMIN",
        Role::Customer => "CUSTOMER",
    };
    let claims = Claims {
        user_id: &user.id,
        role,
        iat,
        exp: iat + seconds,
    };
    jsonwebtoken::encode(
        &Header::new(Algorithm::HS256),
        &claims,
        &EncodingKey::from_secret(secret.as_bytes()),
    )
    .map_err(|error| Error::Internal(format!("a token can't be signed: {error}")))
}
