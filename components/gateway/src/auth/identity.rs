//! The caller of a request, by its API key or its access token.
//!
//! The signature and the times of the shop's own tokens are verified here, without a call. Whether a token has
//! ended, and everything about a token of an OpenID provider, is looked up when the caller matters.
//!
//! The shop's tokens are JWTs (RFC 7519) with a type of `JWT` or none, and without `iss` and `aud`. So are the
//! tokens of shops that Mercato replaces. A token of the right key that has them was made for something else.

use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use mercato_shop::accounts::TokenClaims;
use mercato_shop::token_keys::{TokenKey, TokenKeys};
use mercato_shop::types::{Caller, Error, Role, SignedIn};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::auth::claims::{is_access_token, milliseconds};
use crate::auth::oidc::{Oidc, UnverifiedToken};
use crate::auth::standing;
use crate::services::Services;

/// The header of the shop's API key.
const API_KEY: &str = "x-api-key";

const WRONG_KEY: &str = "The key in the header x-api-key is not the shop's. Send the setting API_SECRET, or the contents of the file \
     api-secret in the data folder.";

const KEY_AS_TOKEN: &str = "The header Authorization has the API key. Send the key in the header x-api-key, or an access token here.";

/// Verifies credentials.
pub struct Verifier {
    api_key: [u8; 32],
    keys: Keys,
    validation: Validation,
    oidc: Option<Arc<Oidc>>,
}

/// The keys that verify the shop's own tokens.
enum Keys {
    /// HS256, with the shop's secret.
    Secret(DecodingKey),
    /// EdDSA, with the key of this id.
    Public(Vec<(String, DecodingKey)>),
}

/// The caller of a request.
#[derive(Clone)]
pub struct Identity {
    pub caller: Caller,
    /// Why the credential was rejected. Public fields ignore it; fields that require a caller report it.
    pub rejected: Option<Error>,
    /// When the access token stops being valid, in milliseconds since 1970. `None` for a token without an end.
    pub expires_at: Option<u64>,
    /// The caller of an access token whose session has ended.
    pub signed_out: Option<Caller>,
    unchecked: Unchecked,
}

/// What was not looked up yet.
#[derive(Clone)]
enum Unchecked {
    Nothing,
    /// Whether a token of the shop has ended.
    Standing(TokenClaims),
    /// A token of a provider.
    Provider(Box<UnverifiedToken>),
}

impl Identity {
    const fn of(caller: Caller) -> Self {
        Self {
            caller,
            rejected: None,
            expires_at: None,
            signed_out: None,
            unchecked: Unchecked::Nothing,
        }
    }

    fn of_user(user: SignedIn, expires_at: Option<u64>) -> Self {
        Self {
            expires_at,
            ..Self::of(Caller::User(user))
        }
    }

    fn rejected(reason: &str) -> Self {
        Self::failed(Error::Unauthenticated(reason.into()))
    }

    fn failed(error: Error) -> Self {
        Self {
            rejected: Some(error),
            ..Self::of(Caller::Anonymous)
        }
    }

    /// Verifies a provider's token, if the request has one.
    pub fn verified(self, services: &Services) -> Self {
        let Unchecked::Provider(token) = &self.unchecked else {
            return self;
        };
        match token.verify(services) {
            Ok((user, expires_at)) => Self::of_user(user, expires_at),
            Err(error) => Self::failed(error),
        }
    }

    /// Verifies the token, and rejects it if it has ended. If that can't be found out, the error is that of
    /// the store. Does nothing the second time.
    pub fn checked(self, services: &Services) -> Self {
        let verified = self.verified(services);
        let Unchecked::Standing(token) = &verified.unchecked else {
            return verified;
        };
        match standing::role_of(services, token) {
            Ok(role) => {
                let user = SignedIn {
                    user_id: token.user_id.clone(),
                    role,
                    session_id: token.session_id.clone(),
                };
                Self::of_user(user, verified.expires_at)
            }
            Err(error @ Error::Unauthenticated(_)) => Self {
                signed_out: Some(verified.caller),
                ..Self::failed(error)
            },
            Err(error) => Self::failed(error),
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
    /// The validation has checked that it is a time.
    #[serde(default)]
    exp: Value,
    #[serde(default)]
    iat: Value,
    iss: Option<Value>,
    aud: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum ClaimedRole {
    #[default]
    Customer,
    Admin,
}

impl Verifier {
    /// Returns a verifier. The secret is the API key. Without token keys, it also verifies tokens (HS256).
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
        // Tokens of shops that Mercato replaces have no `exp`. If a token has one, it must be in the future.
        validation.required_spec_claims.clear();
        validation.validate_nbf = true;
        Self {
            api_key: Sha256::digest(secret.as_bytes()).into(),
            keys,
            validation,
            oidc,
        }
    }

    /// Returns the caller of a request. A valid API key takes precedence over a token.
    pub fn identify(&self, headers: &HeaderMap) -> Identity {
        let wrong_key = match headers.get(API_KEY) {
            None => None,
            Some(key) if self.is_api_key(key.as_bytes()) => return Identity::of(Caller::ApiKey),
            Some(_) => Some(WRONG_KEY),
        };
        let Some(authorization) = headers.get(AUTHORIZATION) else {
            return wrong_key.map_or(Identity::of(Caller::Anonymous), Identity::rejected);
        };
        match authorization.to_str().ok().and_then(bearer) {
            Some(token) => self.identify_token(token),
            None => Identity::rejected("The header Authorization must be: Bearer <access_token>."),
        }
    }

    /// Returns the caller that an access token names.
    pub fn identify_token(&self, token: &str) -> Identity {
        let unverified = self.oidc.as_ref().and_then(|oidc| oidc.recognize(token));
        if let Some(token) = unverified {
            return Identity {
                unchecked: Unchecked::Provider(Box::new(token)),
                ..Identity::of(Caller::Anonymous)
            };
        }
        match self.verify(token) {
            Ok(identity) => identity,
            Err(_) if self.is_api_key(token.as_bytes()) => Identity::rejected(KEY_AS_TOKEN),
            Err(reason) => Identity::rejected(reason),
        }
    }

    /// Returns whether this is the API key. Digests have the same length, so the comparison does not reveal the
    /// length of the key.
    fn is_api_key(&self, key: &[u8]) -> bool {
        let digest: [u8; 32] = Sha256::digest(key).into();
        bool::from(digest.ct_eq(&self.api_key))
    }

    /// Returns the user of a token. Whether the token has ended is not checked yet.
    fn verify(&self, token: &str) -> Result<Identity, &'static str> {
        let decoded = self
            .key(token)
            .and_then(|key| jsonwebtoken::decode::<Claims>(token, key, &self.validation))
            .map_err(|error| match error.kind() {
                ErrorKind::ExpiredSignature => "The access token has expired. Sign in again.",
                ErrorKind::InvalidSignature => "The access token was not signed by this shop. Sign in again.",
                ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => {
                    "The access token has a signature that this shop does not accept. Sign in again."
                }
                ErrorKind::ImmatureSignature => "The access token is not valid yet.",
                _ => "The access token is malformed. Sign in again, and send the whole token.",
            })?;
        let claims = decoded.claims;
        if !is_access_token(&decoded.header) || claims.iss.is_some() || claims.aud.is_some() {
            return Err("The token was issued for something else. Sign in again.");
        }
        if claims.user_id.is_empty() {
            return Err("The access token has no user. Sign in again.");
        }
        let role = match claims.role {
            ClaimedRole::Customer => Role::Customer,
            ClaimedRole::Admin => Role::Admin,
        };
        let token = TokenClaims {
            user_id: claims.user_id,
            session_id: claims.sid,
            role,
            issued_at: milliseconds(&claims.iat).unwrap_or_default(),
        };
        let user = SignedIn {
            user_id: token.user_id.clone(),
            role,
            session_id: token.session_id.clone(),
        };
        Ok(Identity {
            unchecked: Unchecked::Standing(token),
            ..Identity::of_user(user, milliseconds(&claims.exp))
        })
    }

    /// Returns the key that verifies this token.
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

/// Returns the token of a header `Bearer <token>` (RFC 6750). The case of the scheme is ignored (RFC 9110).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jsonwebtoken::{EncodingKey, Header};
    use serde_json::json;

    use super::*;

    const SECRET: &str = "a secret of more than 16 bytes";

    fn token(algorithm: Algorithm, secret: &str, claims: &Value) -> String {
        let key = EncodingKey::from_secret(secret.as_bytes());
        jsonwebtoken::encode(&Header::new(algorithm), claims, &key).unwrap()
    }

    fn identify(name: &'static str, value: &str) -> Identity {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        Verifier::new(SECRET, None, None).identify(&headers)
    }

    fn rejection_of(token: &str) -> String {
        rejection(identify("authorization", &format!("Bearer {token}")))
    }

    fn rejection(identity: Identity) -> String {
        assert_eq!(identity.caller, Caller::Anonymous);
        match identity.rejected {
            Some(Error::Unauthenticated(reason)) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn accepts_the_api_key_and_no_other() {
        assert_eq!(identify("x-api-key", SECRET).caller, Caller::ApiKey);
        for wrong in ["a secret of more than 16 byteZ", ""] {
            assert!(rejection(identify("x-api-key", wrong)).contains("x-api-key"));
        }
        assert!(rejection_of(SECRET).contains("x-api-key"));
    }

    #[test]
    fn reads_user_and_role_from_a_signed_token() {
        let plain = json!({ "userId": "u1" });
        let admin = json!({ "userId": "u2", "role": "ADMIN", "exp": 4_102_444_800_u64 });
        for (claims, user_id, role) in [(plain, "u1", Role::Customer), (admin, "u2", Role::Admin)] {
            let token = token(Algorithm::HS256, SECRET, &claims);
            let expected = Caller::User(SignedIn {
                user_id: user_id.into(),
                role,
                session_id: None,
            });
            let identity = identify("authorization", &format!("bearer {token}"));
            assert_eq!(identity.caller, expected);
            let expires_at = claims["exp"].as_u64().map(|seconds| seconds * 1_000);
            assert_eq!(identity.expires_at, expires_at);
        }
    }

    #[test]
    fn explains_why_a_token_is_rejected() {
        let claims = json!({ "userId": "u1" });
        let good = token(Algorithm::HS256, SECRET, &claims);
        let expired = token(Algorithm::HS256, SECRET, &json!({ "userId": "u1", "exp": 1 }));
        let foreign = token(Algorithm::HS256, "another secret of some length", &claims);
        let without_user = token(Algorithm::HS256, SECRET, &json!({ "sub": "u1" }));
        for (token, reason) in [
            (expired.as_str(), "expired"),
            (&foreign, "not signed"),
            (&token(Algorithm::HS512, SECRET, &claims), "does not accept"),
            (&good[..good.len() - 2], "Sign in again"),
            ("e30.e30.", "malformed"),
            // {"alg":"none"} and {"userId":"u1"}
            ("eyJhbGciOiJub25lIn0.eyJ1c2VySWQiOiJ1MSJ9.", "malformed"),
            (&without_user, "malformed"),
        ] {
            assert!(rejection_of(token).contains(reason), "{token}");
        }
    }

    #[test]
    fn rejects_a_token_of_the_right_key_that_was_issued_for_something_else() {
        let signed = |header: &Value, claims: &Value| {
            let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
            let message = format!("{}.{}", encode(header), encode(claims));
            let key = EncodingKey::from_secret(SECRET.as_bytes());
            let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256);
            format!("{message}.{}", signature.unwrap())
        };
        let user = json!({ "userId": "u1" });
        let plain = json!({ "alg": "HS256" });
        for (name, value) in [
            ("iss", json!("https://evil.example")),
            ("iss", json!("")),
            ("iss", json!(["mercato"])),
            ("aud", json!("another-service")),
            ("aud", json!(["another-service", "mercato"])),
            ("aud", json!([])),
        ] {
            let mut claims = user.clone();
            claims[name] = value;
            assert!(
                rejection_of(&signed(&plain, &claims)).contains("something else"),
                "{claims}"
            );
        }
        for (name, value) in [
            ("typ", json!("logout+jwt")),
            ("typ", json!("dpop+jwt")),
            ("typ", json!("secevent+jwt")),
            ("typ", json!("JWE")),
            ("typ", json!("")),
            ("crit", json!(["exp"])),
            ("crit", json!(["b64"])),
            ("crit", json!([])),
        ] {
            let mut header = plain.clone();
            header[name] = value;
            assert!(
                rejection_of(&signed(&header, &user)).contains("something else"),
                "{header}"
            );
        }
        for header in [
            json!({ "alg": "HS256", "typ": 1 }),
            json!({ "alg": "HS256", "b64": false }),
            json!({ "alg": "HS256", "crit": "exp" }),
        ] {
            assert!(
                rejection_of(&signed(&header, &user)).contains("malformed"),
                "{header}"
            );
        }
        // Keys and their addresses in a header do not matter, nor does an extension that is not critical.
        let jwk = json!({ "kty": "oct", "k": "c2VjcmV0" });
        for (name, value) in [
            ("typ", json!("JWT")),
            ("typ", json!("jwt")),
            ("typ", json!("at+jwt")),
            ("typ", json!("application/at+JWT")),
            ("kid", json!("../../../../dev/null")),
            ("jku", json!("https://evil.example/keys")),
            ("x5u", json!("https://evil.example/keys")),
            ("jwk", jwk),
        ] {
            let mut header = plain.clone();
            header[name] = value;
            let accepted = identify("authorization", &format!("Bearer {}", signed(&header, &user)));
            assert_eq!(accepted.caller.user_id(), Some("u1"), "{header}");
            let foreign = EncodingKey::from_secret(b"secret");
            let message = signed(&header, &json!({ "userId": "u1", "role": "ADMIN" }));
            let (message, _) = message.rsplit_once('.').unwrap();
            let forged = jsonwebtoken::crypto::sign(message.as_bytes(), &foreign, Algorithm::HS256);
            let forged = format!("{message}.{}", forged.unwrap());
            assert!(rejection_of(&forged).contains("not signed"), "{header}");
        }
    }

    #[test]
    fn names_the_scheme_that_it_accepts() {
        assert!(rejection(identify("authorization", "Basic dTpw")).contains("Bearer"));
    }
}
