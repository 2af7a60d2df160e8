//! Sign-in by an OpenID provider (OpenID Connect Core 1.0): bearer tokens that it has signed for this shop.
//!
//! A token is looked at when somebody wants to know who asks, and not before: by one look into the cache, which has the provider's keys
//! and whose account it is.

mod key_set;
mod source;

use std::sync::Arc;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, Validation};
use mercato_shop::accounts::ExternalIdentity;
use mercato_shop::external::{self, ExternalId};
use mercato_shop::settings::oidc::Provider;
use mercato_shop::types::{Error, SignedIn};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::oidc::key_set::PublicKey;
use crate::oidc::source::Source;
use crate::services::Services;

/// How far the clocks of the provider and of the shop may be apart, in seconds.
const LEEWAY: u64 = 60;

/// How providers may sign. Never by what verifies, too: a public key is no secret.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

/// The provider that the shop trusts.
#[derive(Debug)]
pub struct Oidc {
    issuer: String,
    audience: Vec<String>,
    source: Source,
}

/// A token that says that it is the provider's. Nothing of it is proved.
#[derive(Clone)]
pub struct Unproved {
    oidc: Arc<Oidc>,
    token: String,
    header: Header,
    external: ExternalId,
    signed_in_at: u64,
}

/// What a token says of itself.
#[derive(Deserialize)]
struct Said {
    iss: String,
    sub: String,
    #[serde(default)]
    iat: Value,
    #[serde(default)]
    auth_time: Value,
}

impl Said {
    /// When its bearer signed in, in milliseconds since the Unix epoch, UTC: as providers may tell apart from when they issued the token,
    /// which goes on without the person (OpenID Connect Core 1.0, section 2).
    fn signed_in_at(&self) -> u64 {
        let seconds = self.auth_time.as_u64().or(self.iat.as_u64());
        seconds.unwrap_or_default().saturating_mul(1_000)
    }
}

impl Oidc {
    /// What proves the tokens of this provider.
    pub fn new(provider: Provider) -> Self {
        Self {
            audience: provider.audience,
            source: Source::new(&provider.issuer, provider.jwks_uri),
            issuer: provider.issuer,
        }
    }

    /// A token that says that it is of this provider; none of any other.
    pub fn said_to_be_of(self: &Arc<Self>, token: &str) -> Option<Unproved> {
        let said = jsonwebtoken::dangerous::insecure_decode::<Said>(token).ok()?;
        (said.claims.iss == self.issuer).then(|| Unproved {
            oidc: Arc::clone(self),
            token: token.into(),
            external: ExternalId::of(&self.issuer, &said.claims.sub),
            signed_in_at: said.claims.signed_in_at(),
            header: said.header,
        })
    }

    /// The claims of a token that this key proves to be the provider's, for this shop, and of now.
    fn verify(&self, token: &str, key: &PublicKey) -> Result<Map<String, Value>, Error> {
        let mut validation = Validation::new(key.algorithm);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&self.audience);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let verified = jsonwebtoken::decode(token, &key.key, &validation);
        verified.map(|data| data.claims).map_err(|error| {
            refused(match error.kind() {
                ErrorKind::ExpiredSignature => "The token has expired. Sign in again.",
                ErrorKind::ImmatureSignature => "The token is not valid yet.",
                ErrorKind::InvalidAudience => "The token is for another audience than this shop.",
                ErrorKind::InvalidIssuer => "The token is of another issuer than this shop trusts.",
                ErrorKind::InvalidSignature => "The token was not signed by its issuer. Sign in again.",
                ErrorKind::InvalidAlgorithm => WRONG_ALGORITHM,
                ErrorKind::MissingRequiredClaim(_) => "The token must have exp, iss, aud and sub.",
                _ => "The token is malformed. Sign in again, and send it whole.",
            })
        })
    }
}

const WRONG_ALGORITHM: &str = "The token is signed in a way that this shop does not accept: RS256, ES256 or EdDSA, by a key of its issuer.";

impl Unproved {
    /// Whom the token proves its bearer to be, in this shop.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] where it proves nothing, [`Error::Unavailable`] where that can't be told now.
    pub fn prove(&self, services: &Services) -> Result<SignedIn, Error> {
        // What is marked as critical and not understood makes a token void (RFC 7515, 4.1.11); nothing such is understood here.
        if !ALGORITHMS.contains(&self.header.alg) || self.header.crit.is_some() {
            return Err(refused(WRONG_ALGORITHM));
        }
        let (cache, source) = (&*services.cache, &self.oidc.source);
        let [keys, trouble] = source.places();
        let logged = self.external.sign_in_place(self.signed_in_at);
        let places = [keys, trouble, self.external.place(), logged];
        let mut found = cache.cached(&places).into_iter();
        let (keys, trouble, known) = (found.next(), found.next(), found.next());
        let logged = found.next().flatten().is_some();
        let kid = self.header.kid.as_deref();
        let key = source.key(
            cache,
            &*services.http,
            kid,
            keys.flatten(),
            trouble.flatten().is_some(),
        )?;
        let claims = self.oidc.verify(&self.token, &key)?;
        let known = known.flatten().and_then(|value| external::remembered(&value));
        if let Some(user) = known.filter(|_| logged) {
            return Ok(user);
        }
        let user = services.accounts.sign_in_external(self.identity(&claims))?;
        self.external.remember(cache, &user);
        self.external.remember_sign_in(cache, self.signed_in_at);
        Ok(SignedIn {
            user_id: user.id,
            role: user.role,
            session_id: None,
        })
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
            // Some providers write it as a text.
            email_verified: matches!(claims.get("email_verified"), Some(Value::Bool(true)))
                || text("email_verified").is_some_and(|text| text == "true"),
            name: text("name"),
        }
    }
}

fn refused(message: &str) -> Error {
    Error::Unauthenticated(message.into())
}
