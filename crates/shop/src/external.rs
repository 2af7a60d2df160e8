//! Identities of users at an OpenID provider, and the cached users with these identities.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::accounts::User;
use crate::cache::Cache;
use crate::standing::Standing;
use crate::types::{Role, SignedIn};

/// How long the cache knows a sign-in, in milliseconds: five minutes.
const SIGN_IN_TTL: u64 = 5 * 60 * 1_000;

/// The identity of a user at a provider: a digest of the issuer and the subject, which does not reveal them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalId(String);

impl ExternalId {
    /// Returns the identity of this subject of this issuer.
    #[must_use]
    pub fn new(issuer: &str, subject: &str) -> Self {
        let mut hash = Sha256::new();
        for part in [issuer, subject] {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
        Self(URL_SAFE_NO_PAD.encode(hash.finalize()))
    }

    /// Returns the identity that was stored as text.
    #[must_use]
    pub const fn from_text(text: String) -> Self {
        Self(text)
    }

    /// Returns the identity as text of letters, digits, `-` and `_`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the standing of the user. Its answer is the user, for [`parse_cached_user`].
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing::of_external(&self.0)
    }

    /// Returns the cache key that exists if the audit log has the sign-in at this time.
    #[must_use]
    pub fn sign_in_key(&self, signed_in_at: u64) -> String {
        format!("accounts.external-sign-in.{}.{signed_in_at}", self.0)
    }

    /// Caches that the audit log has a sign-in.
    pub fn cache_sign_in(&self, cache: &(impl Cache + ?Sized), signed_in_at: u64) {
        cache.set(&self.sign_in_key(signed_in_at), b"1", SIGN_IN_TTL);
    }

    /// Caches the user with this identity.
    pub fn cache_user(&self, cache: &(impl Cache + ?Sized), user: &User) {
        let answer = format!("{} {}", user.role.name(), user.id);
        self.standing().remember(cache, answer.as_bytes());
    }
}

/// Parses the answer of [`ExternalId::standing`].
#[must_use]
pub fn parse_cached_user(value: &[u8]) -> Option<SignedIn> {
    let (role, user_id) = str::from_utf8(value).ok()?.split_once(' ')?;
    Some(SignedIn {
        user_id: user_id.into(),
        role: Role::parse(role.as_bytes())?,
        session_id: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinguishes_issuers_and_subjects() {
        let ids =
            [("ab", "c"), ("a", "bc"), ("ab", "d")].map(|(issuer, subject)| ExternalId::new(issuer, subject));
        assert_ne!(ids[0], ids[1]);
        assert_ne!(ids[0], ids[2]);
        assert_eq!(ids[0], ExternalId::new("ab", "c"));
    }

    #[test]
    fn parses_only_cached_users() {
        for value in ["", "ADMIN", "OWNER u1"] {
            assert_eq!(parse_cached_user(value.as_bytes()), None, "{value}");
        }
        let user = parse_cached_user(b"ADMIN u1").unwrap();
        assert_eq!((user.user_id.as_str(), user.role), ("u1", Role::Admin));
    }
}
