//! Users who sign in at an OpenID provider that the shop trusts: by what they are known, and what the cache keeps of them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::accounts::User;
use crate::cache::Cache;
use crate::types::{Role, SignedIn};

/// For how long the cache tells who somebody is, in milliseconds: five minutes, so that a change whose word the cache has missed is seen
/// then at the latest.
const TTL: u64 = 5 * 60 * 1_000;

/// A provider's issuer and subject, as one digest: who it is can't be read from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalId(String);

impl ExternalId {
    /// Of what this issuer calls this.
    #[must_use]
    pub fn of(issuer: &str, subject: &str) -> Self {
        let mut hash = Sha256::new();
        for part in [issuer, subject] {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
        Self(URL_SAFE_NO_PAD.encode(hash.finalize()))
    }

    /// One that was kept as text.
    #[must_use]
    pub const fn from_text(text: String) -> Self {
        Self(text)
    }

    /// As text, of letters, digits, `-` and `_`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where the cache keeps who that is.
    #[must_use]
    pub fn place(&self) -> String {
        format!("accounts.external.{}", self.0)
    }

    /// Where the cache keeps that the audit log has a sign-in of theirs at this time.
    #[must_use]
    pub fn sign_in_place(&self, signed_in_at: u64) -> String {
        format!("accounts.external-sign-in.{}.{signed_in_at}", self.0)
    }

    /// Has the cache tell that the audit log has it, for a while.
    pub fn remember_sign_in(&self, cache: &(impl Cache + ?Sized), signed_in_at: u64) {
        cache.keep(&self.sign_in_place(signed_in_at), b"1", TTL);
    }

    /// Has the cache tell who that is, for a while.
    pub fn remember(&self, cache: &(impl Cache + ?Sized), user: &User) {
        let role = match user.role {
            Role::Admin => "ADMIN",
            Role::Customer => "CUSTOMER",
        };
        cache.keep(&self.place(), format!("{role} {}", user.id).as_bytes(), TTL);
    }

    /// Takes that back: the user has changed.
    pub fn forget(&self, cache: &(impl Cache + ?Sized)) {
        cache.keep(&self.place(), b"", 1);
    }
}

/// Who a value of the cache says that somebody is; none where it says nothing.
#[must_use]
pub fn remembered(value: &[u8]) -> Option<SignedIn> {
    let (role, user_id) = str::from_utf8(value).ok()?.split_once(' ')?;
    let role = match role {
        "ADMIN" => Role::Admin,
        "CUSTOMER" => Role::Customer,
        _ => return None,
    };
    Some(SignedIn {
        user_id: user_id.into(),
        role,
        session_id: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuer_and_subject_are_told_apart() {
        let ids =
            [("ab", "c"), ("a", "bc"), ("ab", "d")].map(|(issuer, subject)| ExternalId::of(issuer, subject));
        assert_ne!(ids[0], ids[1]);
        assert_ne!(ids[0], ids[2]);
        assert_eq!(ids[0], ExternalId::of("ab", "c"));
    }

    #[test]
    fn what_was_not_remembered_is_nobody() {
        for value in ["", "ADMIN", "OWNER u1"] {
            assert_eq!(remembered(value.as_bytes()), None, "{value}");
        }
        let known = remembered(b"ADMIN u1").unwrap();
        assert_eq!((known.user_id.as_str(), known.role), ("u1", Role::Admin));
    }
}
