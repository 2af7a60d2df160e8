//! What gateways remember in the cache of the validity of tokens: whether a session lives, and which role a
//! user has.
//!
//! The store has the truth. A gateway that has read it remembers the answer for ten seconds. A service that
//! changes it commits the change first. Then it sets a mark, and gateways read the store again. The mark has
//! a key of its own, so a slow gateway can't overwrite it with an older answer. If the cache loses a mark, the
//! change takes effect when the answer expires. If it loses everything, the store is read again.

use crate::accounts::TokenClaims;
use crate::cache::Cache;

/// How long an answer is remembered, in milliseconds.
const ANSWER_TTL: u64 = 10_000;

/// How long a mark lives, in milliseconds. It must outlive each request that read the store before the change,
/// and the answer that this request remembers.
const CHANGE_TTL: u64 = 120_000;

/// The cached standing of one token, or of all tokens of a session or a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    change: String,
    answer: String,
}

impl Standing {
    /// Returns the standing of a session.
    #[must_use]
    pub fn of_session(id: &str) -> Self {
        Self::of(&format!("session.{id}"))
    }

    /// Returns the standing of a user's tokens without a session. Only its mark is used.
    #[must_use]
    pub fn of_user(id: &str) -> Self {
        Self::of(&format!("user.{id}"))
    }

    /// Returns the standing of a user of an OpenID provider, by the identity's text.
    #[must_use]
    pub fn of_external(id: &str) -> Self {
        Self::of(&format!("external.{id}"))
    }

    /// Returns the standing of a token of the shop. Without a session, each token has an answer of its own,
    /// and all tokens of the user share the mark.
    #[must_use]
    pub fn of_token(token: &TokenClaims) -> Self {
        match &token.session_id {
            Some(id) => Self::of_session(id),
            None => {
                let user = Self::of_user(&token.user_id);
                Self {
                    answer: format!("{}.{}.{}", user.answer, token.role.name(), token.issued_at),
                    ..user
                }
            }
        }
    }

    fn of(subject: &str) -> Self {
        Self {
            change: format!("accounts.change.{subject}"),
            answer: format!("accounts.standing.{subject}"),
        }
    }

    /// Returns the keys of the mark and of the answer, for [`parse`](Self::parse).
    #[must_use]
    pub fn keys(&self) -> [String; 2] {
        [self.change.clone(), self.answer.clone()]
    }

    /// Returns the answer from the values of the [`keys`](Self::keys). After a change, it is outdated.
    #[must_use]
    pub fn parse(change: Option<Vec<u8>>, answer: Option<Vec<u8>>) -> Option<Vec<u8>> {
        answer.filter(|_| change.is_none())
    }

    /// Returns the answer that the cache has.
    #[must_use]
    pub fn recall(&self, cache: &(impl Cache + ?Sized)) -> Option<Vec<u8>> {
        let mut found = cache.get_many(&self.keys()).into_iter();
        let change = found.next().flatten();
        Self::parse(change, found.next().flatten())
    }

    /// Remembers an answer that was just read from the store.
    pub fn remember(&self, cache: &(impl Cache + ?Sized), answer: &[u8]) {
        cache.set(&self.answer, answer, ANSWER_TTL);
    }

    /// Marks a change that was just committed.
    pub fn mark_changed(&self, cache: &(impl Cache + ?Sized)) {
        cache.set(&self.change, b"1", CHANGE_TTL);
    }
}

#[cfg(test)]
#[cfg(all(feature = "testing", not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use crate::testing::TestPorts;
    use crate::types::Role;

    #[test]
    fn a_mark_outweighs_every_answer_even_a_later_one() {
        let cache = TestPorts::new(&[], &[]);
        let standing = Standing::of_session("s");
        assert_eq!(standing.recall(&cache), None);
        standing.remember(&cache, b"CUSTOMER");
        assert_eq!(standing.recall(&cache).as_deref(), Some(&b"CUSTOMER"[..]));
        standing.mark_changed(&cache);
        // A gateway that read the store before the change.
        standing.remember(&cache, b"CUSTOMER");
        assert_eq!(standing.recall(&cache), None);
        let [change, answer] = standing.keys();
        let lifetimes = [&change, &answer].map(|key| cache.lifetime(key));
        assert_eq!(lifetimes, [Some(120_000), Some(10_000)]);
    }

    #[test]
    fn tokens_without_a_session_share_the_mark_of_their_user() {
        let token = |session_id: Option<&str>, role, issued_at| TokenClaims {
            user_id: "u".into(),
            session_id: session_id.map(Into::into),
            role,
            issued_at,
        };
        let cache = TestPorts::new(&[], &[]);
        let customer = Standing::of_token(&token(None, Role::Customer, 1));
        let others = [token(None, Role::Admin, 1), token(None, Role::Customer, 2)];
        customer.remember(&cache, b"CUSTOMER");
        for other in &others {
            assert_eq!(Standing::of_token(other).recall(&cache), None);
        }
        let in_session = Standing::of_token(&token(Some("u"), Role::Customer, 1));
        in_session.remember(&cache, b"CUSTOMER");
        Standing::of_user("u").mark_changed(&cache);
        assert_eq!(customer.recall(&cache), None);
        assert!(in_session.recall(&cache).is_some(), "a session has its own mark");
    }
}
