//! Whether an access token of the shop is still valid, and which role it gives.
//!
//! A token with a session is valid while the store has the session: an ended session is deleted, in the commit
//! that ends it. A token without a session is of a shop that Mercato replaces. It is compared with its user.

use mercato_shop::accounts::TokenClaims;
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::types::{Error, Role};

use crate::repository::{SESSIONS, SessionBody, USERS, UserBody};

/// Returns the role that a token gives now. Reads one document.
///
/// # Errors
/// [`Error::Unauthenticated`] if the token has ended.
pub fn standing(ports: &impl Ports, token: &TokenClaims) -> Result<Role, Error> {
    let role = match &token.session_id {
        Some(id) => {
            let session = SESSIONS.get(ports, id)?;
            session.and_then(|session| session.body.role_of(token))
        }
        None => match USERS.get(ports, &token.user_id)? {
            Some(user) => user.body.role_of(token),
            None => Some(token.role),
        },
    };
    role.ok_or_else(|| {
        Error::Unauthenticated("The session of this access token has ended. Sign in again.".into())
    })
}

impl SessionBody {
    /// Returns the role of a token of this session, or `None` if it has ended. The role is that of the token,
    /// because a new role ends all sessions.
    fn role_of(&self, token: &TokenClaims) -> Option<Role> {
        (self.user_id == token.user_id && self.expires_at > id::now()).then_some(token.role)
    }
}

impl UserBody {
    /// Returns the role of a token without a session, or `None` if it has ended. Tokens have times in seconds,
    /// so a token of the second in which all sessions ended counts as later.
    fn role_of(&self, token: &TokenClaims) -> Option<Role> {
        let ended = self.sessions_ended_at.map(|time| time / 1_000);
        if self.erased_at.is_some() || ended.is_some_and(|ended| token.issued_at / 1_000 < ended) {
            return None;
        }
        if self.role_is_set && self.role == Role::Customer {
            return Some(Role::Customer);
        }
        Some(token.role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(role: Role, issued_at: u64) -> TokenClaims {
        TokenClaims {
            user_id: "u".into(),
            session_id: None,
            role,
            issued_at,
        }
    }

    fn user() -> UserBody {
        serde_json::from_str(r#"{"username":"u","role":"CUSTOMER","createdAt":0}"#).unwrap()
    }

    #[test]
    fn a_token_without_a_session_ends_with_all_sessions_of_its_user() {
        assert_eq!(user().role_of(&token(Role::Customer, 0)), Some(Role::Customer));
        let ended = UserBody {
            sessions_ended_at: Some(5_900),
            ..user()
        };
        for (issued_at, role) in [
            (0, None),
            (4_999, None),
            (5_000, Some(Role::Customer)),
            (6_000, Some(Role::Customer)),
        ] {
            assert_eq!(
                ended.role_of(&token(Role::Customer, issued_at)),
                role,
                "{issued_at}"
            );
        }
        let erased = UserBody {
            erased_at: Some(1),
            ..user()
        };
        assert_eq!(erased.role_of(&token(Role::Customer, u64::MAX)), None);
    }

    #[test]
    fn a_role_that_staff_has_set_bounds_the_role_of_a_token_without_a_session() {
        let set = |role| UserBody {
            role,
            role_is_set: true,
            ..user()
        };
        for (body, claimed, role) in [
            (user(), Role::Admin, Role::Admin),
            (set(Role::Customer), Role::Admin, Role::Customer),
            (set(Role::Admin), Role::Admin, Role::Admin),
            (set(Role::Admin), Role::Customer, Role::Customer),
        ] {
            assert_eq!(body.role_of(&token(claimed, 9_000)), Some(role));
        }
    }
}
