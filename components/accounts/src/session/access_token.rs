//! Access tokens: JWTs (RFC 7519), signed by EdDSA with the first of the shop's token keys. Without token
//! keys, they are signed by HS256 with the API secret.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use mercato_shop::accounts::User;
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::settings::{self, number, secret};
use mercato_shop::types::Error;
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Claims<'a> {
    user_id: &'a str,
    role: &'static str,
    /// The session, under the name that OpenID Connect's logout specifications use.
    sid: &'a str,
    iat: u64,
    exp: u64,
}

/// Issues a token for a user in a session.
pub fn issue(ports: &impl Ports, user: &User, session_id: &str) -> Result<String, Error> {
    let (header, key) = signing_key(ports)?;
    let iat = id::now() / 1_000;
    let claims = Claims {
        user_id: &user.id,
        role: user.role.name(),
        sid: session_id,
        iat,
        exp: iat.saturating_add(number::ACCESS_TOKEN_SECONDS.of(ports)?.into()),
    };
    jsonwebtoken::encode(&header, &claims, &key)
        .map_err(|error| Error::Internal(format!("failed to sign an access token: {error}")))
}

fn signing_key(ports: &impl Ports) -> Result<(Header, EncodingKey), Error> {
    let Some(signer) = settings::read(ports, secret::signing_key)? else {
        let secret = settings::read(ports, secret::api_secret)?;
        return Ok((
            Header::new(Algorithm::HS256),
            EncodingKey::from_secret(secret.as_bytes()),
        ));
    };
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some(signer.id);
    Ok((header, EncodingKey::from_ed_der(&signer.pkcs8)))
}
