//! Access tokens: JWTs (RFC 7519), signed with EdDSA and the first of the shop's token keys, or else with HS256 and its API secret.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use mercato_shop::accounts::User;
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::settings::{self, number, secret};
use mercato_shop::types::{Error, Role};
use serde::Serialize;

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
    let (header, key) = signature(ports)?;
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
        exp: iat.saturating_add(number::ACCESS_TOKEN_SECONDS.of(ports)?.into()),
    };
    jsonwebtoken::encode(&header, &claims, &key)
        .map_err(|error| Error::Internal(format!("a token can't be signed: {error}")))
}

/// How tokens are signed, and with what.
fn signature(ports: &impl Ports) -> Result<(Header, EncodingKey), Error> {
    let Some(signer) = settings::of(ports, secret::signing_key)? else {
        let secret = settings::of(ports, secret::api_secret)?;
        return Ok((
            Header::new(Algorithm::HS256),
            EncodingKey::from_secret(secret.as_bytes()),
        ));
    };
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some(signer.id);
    Ok((header, EncodingKey::from_ed_der(&signer.pkcs8)))
}
