//! Access tokens: JWTs (RFC 7519), signed with HS256 and the shop's API secret.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use mercato_common::accounts::User;
use mercato_common::id;
use mercato_common::ports::Ports;
use mercato_common::types::{Error, Role};
use serde::Serialize;

use crate::settings::{self, Number};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Claims<'a> {
    user_id: &'a str,
    role: &'static str,
    /// The session, as OpenID Connect's logout specifications name it.
    sid: &'a str,
    iat: u64,
    exp: u64,
}

/// A token that proves its bearer to be this user, in this session.
pub fn issue(ports: &impl Ports, user: &User, session_id: &str) -> Result<String, Error> {
    let secret = settings::secret(ports)?;
    let iat = id::now() / 1_000;
    let role = match user.role {
        Role::Admin => "ADMIN",
        Role::Customer => "CUSTOMER",
    };
    let claims = Claims {
        user_id: &user.id,
        role,
        sid: session_id,
        iat,
        exp: iat.saturating_add(Number::ACCESS_TOKEN_SECONDS.of(ports)?),
    };
    jsonwebtoken::encode(
        &Header::new(Algorithm::HS256),
        &claims,
        &EncodingKey::from_secret(secret.as_bytes()),
    )
    .map_err(|error| Error::Internal(format!("a token can't be signed: {error}")))
}
