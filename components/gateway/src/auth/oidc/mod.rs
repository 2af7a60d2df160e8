//! Sign-in with an OpenID provider (OpenID Connect Core 1.0): bearer tokens that the provider signed for this
//! shop.
//!
//! A token is verified only when the caller matters. One cache lookup reads the provider's keys and the
//! user's account.

mod key_set;
mod source;

use std::sync::Arc;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, Validation};
use mercato_shop::accounts::ExternalIdentity;
use mercato_shop::external::{self, ExternalId};
use mercato_shop::settings::oidc::Provider;
use mercato_shop::standing::Standing;
use mercato_shop::types::{Error, SignedIn};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::auth::claims::{is_access_token, milliseconds};
use crate::auth::oidc::key_set::PublicKey;
use crate::auth::oidc::source::{CachedKeys, Source};
use crate::services::Services;

/// The tolerated difference between the clocks of the provider and the shop, in seconds.
const LEEWAY: u64 = 60;

/// The accepted signatures. A symmetric algorithm would be unsafe: a public key is no secret.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

const WRONG_ALGORITHM: &str = "The token must be signed with RS256, ES256 or EdDSA, by a key of its issuer.";

/// The OpenID provider that the shop trusts.
#[derive(Debug)]
pub struct Oidc {
    issuer: String,
    audience: Vec<String>,
    source: Source,
}

/// A token that claims to be the provider's. Nothing in it is verified.
#[derive(Clone)]
pub struct UnverifiedToken {
    oidc: Arc<Oidc>,
    token: String,
    header: Header,
    external: ExternalId,
    signed_in_at: u64,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    #[serde(default)]
    iat: Value,
    #[serde(default)]
    auth_time: Value,
}

impl Claims {
    /// Returns the time of the sign-in, in milliseconds since 1970.
    ///
    /// A provider can renew a token without the person, so `auth_time` takes precedence over `iat` (OpenID
    /// Connect Core 1.0, section 2).
    fn signed_in_at(&self) -> u64 {
        let seconds = self.auth_time.as_u64().or(self.iat.as_u64());
        seconds.unwrap_or_default().saturating_mul(1_000)
    }
}

impl Oidc {
    /// Returns the provider of these settings.
    pub fn new(provider: Provider) -> Self {
        Self {
            audience: provider.audience,
            source: Source::new(&provider.issuer, provider.jwks_uri),
            issuer: provider.issuer,
        }
    }

    /// Returns a token that names this provider as its issuer. `None` for any other token.
    pub fn recognize(self: &Arc<Self>, token: &str) -> Option<UnverifiedToken> {
        let decoded = jsonwebtoken::dangerous::insecure_decode::<Claims>(token).ok()?;
        (decoded.claims.iss == self.issuer).then(|| UnverifiedToken {
            oidc: Arc::clone(self),
            token: token.into(),
            external: ExternalId::new(&self.issuer, &decoded.claims.sub),
            signed_in_at: decoded.claims.signed_in_at(),
            header: decoded.header,
        })
    }

    /// Returns the claims of a token that this key signed for this shop, and that is valid now.
    fn verify(&self, token: &str, key: &PublicKey) -> Result<Map<String, Value>, Error> {
        let mut validation = Validation::new(key.algorithm);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&self.audience);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let decoded = jsonwebtoken::decode(token, &key.key, &validation);
        decoded.map(|data| data.claims).map_err(|error| {
            rejected(match error.kind() {
                ErrorKind::ExpiredSignature => "The token has expired. Sign in again.",
                ErrorKind::ImmatureSignature => "The token is not valid yet.",
                ErrorKind::InvalidAudience => "The token has another audience than this shop.",
                ErrorKind::InvalidIssuer => "The token has another issuer than this shop trusts.",
                ErrorKind::InvalidSignature => "The token was not signed by its issuer. Sign in again.",
                ErrorKind::InvalidAlgorithm => WRONG_ALGORITHM,
                ErrorKind::MissingRequiredClaim(_) => "The token must have exp, iss, aud and sub.",
                _ => "The token is malformed. Sign in again, and send the whole token.",
            })
        })
    }
}

impl UnverifiedToken {
    /// Verifies the token, and returns its user in this shop, and when the token expires.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for an invalid token. [`Error::Unavailable`] if the provider's keys cannot
    /// be fetched.
    pub fn verify(&self, services: &Services) -> Result<(SignedIn, Option<u64>), Error> {
        if !ALGORITHMS.contains(&self.header.alg) {
            return Err(rejected(WRONG_ALGORITHM));
        }
        if !is_access_token(&self.header) {
            return Err(rejected(
                "The token was issued for something else. Sign in again.",
            ));
        }
        let (cache, source) = (&*services.cache, &self.oidc.source);
        let [keys, failure] = source.cache_keys();
        let sign_in = self.external.sign_in_key(self.signed_in_at);
        let [change, user] = self.external.standing().keys();
        let mut found = cache
            .get_many(&[keys, failure, change, user, sign_in])
            .into_iter();
        let mut next = || found.next().flatten();
        let cached = CachedKeys {
            set: next(),
            has_failed: next().is_some(),
        };
        let (change, user) = (next(), next());
        let user = Standing::parse(change, user);
        let is_audited = next().is_some();
        let key = source.key(cache, &*services.http, self.header.kid.as_deref(), cached)?;
        let claims = self.oidc.verify(&self.token, &key)?;
        let expires_at = claims.get("exp").and_then(milliseconds);
        let user = user.and_then(|value| external::parse_cached_user(&value));
        if let Some(user) = user.filter(|_| is_audited) {
            return Ok((user, expires_at));
        }
        let user = services.accounts.sign_in_external(&self.identity(&claims))?;
        self.external.cache_user(cache, &user);
        self.external.cache_sign_in(cache, self.signed_in_at);
        let signed_in = SignedIn {
            user_id: user.id,
            role: user.role,
            session_id: None,
        };
        Ok((signed_in, expires_at))
    }

    fn identity(&self, claims: &Map<String, Value>) -> ExternalIdentity {
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        let issued_at = claims.get("iat").and_then(Value::as_u64).unwrap_or_default();
        ExternalIdentity {
            issuer: self.oidc.issuer.clone(),
            subject: text("sub").unwrap_or_default(),
            issued_at: issued_at.saturating_mul(1_000),
            signed_in_at: self.signed_in_at,
            email: text("email"),
            // Some providers write it as a string.
            email_verified: matches!(claims.get("email_verified"), Some(Value::Bool(true)))
                || text("email_verified").is_some_and(|text| text == "true"),
            name: text("name"),
        }
    }
}

fn rejected(message: &str) -> Error {
    Error::Unauthenticated(message.into())
}
