//! Who calls: proved here, from the request's headers, without a call to any service.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use mercato_common::cache::{Cache, Revocation};
use mercato_common::types::{Caller, Role, SignedIn};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The header that carries the shop's API key.
const API_KEY: &str = "x-api-key";

/// What checks credentials; made once, from the shop's secret.
pub struct Verifier {
    api_key: [u8; 32],
    key: DecodingKey,
    validation: Validation,
}

/// Who calls, and why a credential that came along proved nothing.
#[derive(Clone, Debug)]
pub struct Identity {
    pub caller: Caller,
    /// Shown where a field needs somebody. A bad credential does no harm to a public field.
    pub rejected: Option<&'static str>,
}

impl Identity {
    /// Nobody, if the session of the caller's access token is over.
    pub fn unless_revoked(self, cache: &dyn Cache) -> Self {
        match self.caller.session_id() {
            Some(id) if Revocation::of(id).is_marked(cache) => Self {
                caller: Caller::Anonymous,
                rejected: Some("The session of this access token is over. Sign in again."),
            },
            _ => self,
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
    /// Checks against this secret: it is the API key, and the key of the tokens' HS256 signature.
    pub fn new(secret: &str) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;
        validation.validate_aud = false;
        // Tokens of shops that Mercato replaces have none; where there is one it must lie ahead (RFC 7519, 4.1.4).
        validation.required_spec_claims.clear();
        validation.validate_nbf = true;
        Self {
            api_key: Sha256::digest(secret.as_bytes()).into(),
            key: DecodingKey::from_secret(secret.as_bytes()),
            validation,
        }
    }

    /// Who sent a request with these headers. A right API key goes before a token.
    pub fn identify(&self, headers: &HeaderMap) -> Identity {
        let mut rejected = None;
        if let Some(key) = headers.get(API_KEY) {
            // Digests have one length, so that the comparison tells nothing of the key's.
            let digest: [u8; 32] = Sha256::digest(key.as_bytes()).into();
            if bool::from(digest.ct_eq(&self.api_key)) {
                return Identity {
                    caller: Caller::ApiKey,
                    rejected: None,
                };
            }
            rejected = Some("The x-api-key is wrong. Send the shop's API_SECRET.");
        }
        let Some(authorization) = headers.get(AUTHORIZATION) else {
            return Identity {
                caller: Caller::Anonymous,
                rejected,
            };
        };
        match authorization
            .to_str()
            .ok()
            .and_then(bearer)
            .map(|token| self.verify(token))
        {
            Some(Ok(user)) => Identity {
                caller: Caller::User(user),
                rejected: None,
            },
            Some(Err(reason)) => Identity {
                caller: Caller::Anonymous,
                rejected: Some(reason),
            },
            None => Identity {
                caller: Caller::Anonymous,
                rejected: Some("The header Authorization must be: Bearer <access_token>."),
            },
        }
    }

    fn verify(&self, token: &str) -> Result<SignedIn, &'static str> {
        let claims = jsonwebtoken::decode::<Claims>(token, &self.key, &self.validation)
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
        Verifier::new(SECRET).identify(&headers)
    }

    fn rejected(token: &str) -> &'static str {
        let identity = identify("authorization", &format!("Bearer {token}"));
        assert_eq!(identity.caller, Caller::Anonymous);
        identity.rejected.unwrap()
    }

    #[test]
    fn the_api_key_is_taken_and_any_other_is_not() {
        assert_eq!(identify("x-api-key", SECRET).caller, Caller::ApiKey);
        let wrong = identify("x-api-key", "a secret of more than 16 byteZ");
        assert_eq!(wrong.caller, Caller::Anonymous);
        assert!(wrong.rejected.unwrap().contains("x-api-key"));
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
        assert!(
            identify("authorization", "Basic dTpw")
                .rejected
                .unwrap()
                .contains("Bearer")
        );
    }
}
