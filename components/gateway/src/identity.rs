//! Who calls: proved here, from the request's headers, without a call to any service, unless a provider's token came along.

use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use mercato_shop::cache::Revocation;
use mercato_shop::token_keys::{TokenKey, TokenKeys};
use mercato_shop::types::{Caller, Error, Role, SignedIn};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::oidc::{Oidc, Unproved};
use crate::services::Services;

/// The header that carries the shop's API key.
const API_KEY: &str = "x-api-key";

/// What checks credentials; made once, from the shop's configuration.
pub struct Verifier {
    api_key: [u8; 32],
    keys: Keys,
    validation: Validation,
    oidc: Option<Arc<Oidc>>,
}

/// What checks the signatures of the shop's own tokens.
enum Keys {
    /// HS256, with the shop's secret.
    Secret(DecodingKey),
    /// EdDSA, with the key of this id.
    Public(Vec<(String, DecodingKey)>),
}

/// Who calls, and why a credential that came along proved nothing.
#[derive(Clone)]
pub struct Identity {
    pub caller: Caller,
    /// Shown where a field needs somebody. A bad credential does no harm to a public field.
    pub rejected: Option<Error>,
    /// Whose access token it was, where nothing but its session is over.
    pub was: Option<Caller>,
    /// A token of the provider's that was not looked at yet.
    unproved: Option<Unproved>,
    /// Whether the session was looked up.
    settled: bool,
}

impl Identity {
    const fn of(caller: Caller) -> Self {
        Self {
            caller,
            rejected: None,
            was: None,
            unproved: None,
            settled: false,
        }
    }

    fn rejected(reason: &str) -> Self {
        Self::failed(Error::Unauthenticated(reason.into()))
    }

    fn failed(error: Error) -> Self {
        Self {
            caller: Caller::Anonymous,
            rejected: Some(error),
            was: None,
            unproved: None,
            settled: false,
        }
    }

    /// With a token of the provider's looked at, if one came along.
    pub fn proved(self, services: &Services) -> Self {
        match self.unproved.as_ref().map(|token| token.prove(services)) {
            None => self,
            Some(Ok(user)) => Self::of(Caller::User(user)),
            Some(Err(error)) => Self::failed(error),
        }
    }

    /// As [`proved`](Self::proved); nobody, if the session of the caller's access token is over. Of what is settled, nothing is looked up again.
    pub fn settled(self, services: &Services) -> Self {
        if self.settled {
            return self;
        }
        let proved = self.proved(services);
        let known = match proved.caller.session_id() {
            Some(id) if Revocation::of(id).is_marked(&*services.cache) => Self {
                was: Some(proved.caller),
                ..Self::rejected("The session of this access token is over. Sign in again.")
            },
            _ => proved,
        };
        Self {
            settled: true,
            ..known
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Claims {
    user_id: String,
    #[serde(default)]
    role: ClaimedRole,
    sid: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum ClaimedRole {
    #[default]
    Customer,
    Admin,
}

impl Verifier {
    /// Checks against this secret: it is the API key, and, where there are no token keys, the key of the tokens' HS256 signature.
    pub fn new(secret: &str, token_keys: Option<&TokenKeys>, oidc: Option<Arc<Oidc>>) -> Self {
        let (algorithm, keys) = match token_keys {
            None => (
                Algorithm::HS256,
                Keys::Secret(DecodingKey::from_secret(secret.as_bytes())),
            ),
            Some(keys) => {
                let key = |key: &TokenKey| (key.id().to_owned(), DecodingKey::from_ed_der(key.public()));
                (Algorithm::EdDSA, Keys::Public(keys.iter().map(key).collect()))
            }
        };
        let mut validation = Validation::new(algorithm);
        validation.leeway = 0;
        validation.validate_aud = false;
        // Tokens of shops that Mercato replaces have none; where there is one it must lie ahead (RFC 7519, 4.1.4).
        validation.required_spec_claims.clear();
        validation.validate_nbf = true;
        Self {
            api_key: Sha256::digest(secret.as_bytes()).into(),
            keys,
            validation,
            oidc,
        }
    }

    /// Who sent a request with these headers. A right API key goes before a token.
    pub fn identify(&self, headers: &HeaderMap) -> Identity {
        let wrong_key = match headers.get(API_KEY) {
            None => None,
            Some(key) => {
                // Digests have one length, so that the comparison tells nothing of the key's.
                let digest: [u8; 32] = Sha256::digest(key.as_bytes()).into();
                if bool::from(digest.ct_eq(&self.api_key)) {
                    return Identity::of(Caller::ApiKey);
                }
                Some("The x-api-key is wrong. Send the shop's API_SECRET.")
            }
        };
        let Some(authorization) = headers.get(AUTHORIZATION) else {
            return wrong_key.map_or(Identity::of(Caller::Anonymous), Identity::rejected);
        };
        let Some(token) = authorization.to_str().ok().and_then(bearer) else {
            return Identity::rejected("The header Authorization must be: Bearer <access_token>.");
        };
        let external = self.oidc.as_ref().and_then(|oidc| oidc.said_to_be_of(token));
        if external.is_some() {
            return Identity {
                unproved: external,
                ..Identity::of(Caller::Anonymous)
            };
        }
        match self.verify(token) {
            Ok(user) => Identity::of(Caller::User(user)),
            Err(reason) => Identity::rejected(reason),
        }
    }

    fn verify(&self, token: &str) -> Result<SignedIn, &'static str> {
        let claims = self
            .key(token)
            .and_then(|key| jsonwebtoken::decode::<Claims>(token, key, &self.validation))
            .map_err(|error| match error.kind() {
                ErrorKind::ExpiredSignature => "The access token has expired. Sign in again.",
                ErrorKind::InvalidSignature => "The access token was not signed by this shop. Sign in again.",
                ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => {
                    "The access token is signed in a way that this shop does not accept. Sign in again."
                }
                ErrorKind::ImmatureSignature => "The access token is not valid yet.",
                _ => "The access token is malformed. Sign in again, and send it whole.",
            })?
            .claims;
        if claims.user_id.is_empty() {
            return Err("The access token names no user. Sign in again.");
        }
        let role = match claims.role {
            ClaimedRole::Customer => Role::Customer,
            ClaimedRole::Admin => Role::Admin,
        };
        Ok(SignedIn {
            user_id: claims.user_id,
            role,
            session_id: claims.sid,
        })
    }

    /// What checks the signature of this token.
    fn key(&self, token: &str) -> jsonwebtoken::errors::Result<&DecodingKey> {
        let keys = match &self.keys {
            Keys::Secret(key) => return Ok(key),
            Keys::Public(keys) => keys,
        };
        let header = jsonwebtoken::decode_header(token)?;
        if header.alg != Algorithm::EdDSA {
            return Err(ErrorKind::InvalidAlgorithm.into());
        }
        let named = |(id, _): &&(String, DecodingKey)| header.kid.as_deref() == Some(id.as_str());
        let (_, key) = keys.iter().find(named).ok_or(ErrorKind::InvalidSignature)?;
        Ok(key)
    }
}

/// The token of a header `Bearer <token>` (RFC 6750); the scheme's case does not matter (RFC 9110).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{EncodingKey, Header};
    use serde_json::{Value, json};

    use super::*;

    const SECRET: &str = "a secret of more than 16 bytes";

    fn token(algorithm: Algorithm, secret: &str, claims: &Value) -> String {
        jsonwebtoken::encode(
            &Header::new(algorithm),
            claims,
            &EncodingKey::from_secret(secret.as_bytes()),
        )
        .unwrap()
    }

    fn identify(name: &'static str, value: &str) -> Identity {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        Verifier::new(SECRET, None, None).identify(&headers)
    }

    fn rejected(token: &str) -> String {
        reason(identify("authorization", &format!("Bearer {token}")))
    }

    fn reason(identity: Identity) -> String {
        assert_eq!(identity.caller, Caller::Anonymous);
        match identity.rejected {
            Some(Error::Unauthenticated(reason)) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_api_key_is_taken_and_any_other_is_not() {
        assert_eq!(identify("x-api-key", SECRET).caller, Caller::ApiKey);
        let wrong = identify("x-api-key", "a secret of more than 16 byteZ");
        assert!(reason(wrong).contains("x-api-key"));
    }

    #[test]
    fn a_signed_token_proves_its_user_and_role() {
        let plain = token(Algorithm::HS256, SECRET, &json!({ "userId": "u1" }));
        let admin = token(
            Algorithm::HS256,
            SECRET,
            &json!({ "userId": "u2", "role": "ADMIN", "exp": 4_102_444_800_u64 }),
        );
        for (token, user_id, role) in [(plain, "u1", Role::Customer), (admin, "u2", Role::Admin)] {
            let expected = Caller::User(SignedIn {
                user_id: user_id.into(),
                role,
                session_id: None,
            });
            assert_eq!(
                identify("authorization", &format!("bearer {token}")).caller,
                expected
            );
        }
    }

    #[test]
    fn a_token_that_proves_nothing_is_told_why() {
        let claims = json!({ "userId": "u1" });
        let good = token(Algorithm::HS256, SECRET, &claims);
        assert!(
            rejected(&token(
                Algorithm::HS256,
                SECRET,
                &json!({ "userId": "u1", "exp": 1 })
            ))
            .contains("expired")
        );
        assert!(
            rejected(&token(Algorithm::HS256, "another secret of some length", &claims))
                .contains("not signed")
        );
        assert!(rejected(&token(Algorithm::HS512, SECRET, &claims)).contains("does not accept"));
        assert!(rejected(&good[..good.len() - 2]).contains("Sign in again"));
        assert!(rejected("e30.e30.").contains("malformed"));
        // {"alg":"none"} and {"userId":"u1"}
        assert!(rejected("eyJhbGciOiJub25lIn0.eyJ1c2VySWQiOiJ1MSJ9.").contains("malformed"));
        assert!(rejected(&token(Algorithm::HS256, SECRET, &json!({ "sub": "u1" }))).contains("malformed"));
    }

    #[test]
    fn another_scheme_is_told_what_to_send() {
        assert!(reason(identify("authorization", "Basic dTpw")).contains("Bearer"));
    }
}
