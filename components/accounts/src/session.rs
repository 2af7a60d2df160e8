//! The session as it is stored.

use mercato_shop::accounts::{Client, Session};
use mercato_shop::collection::{Collection, Stored};
use mercato_shop::id;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::refresh_token::RefreshToken;

/// All sessions that are not over, by id.
pub const SESSIONS: Collection<SessionBody> = Collection::new("accounts.sessions");

/// For how long a used token is taken for the second of two uses at the same moment, in milliseconds.
const MOMENT: u64 = 10_000;

/// The longest text that is kept of a user agent, in characters.
const USER_AGENT: usize = 256;

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionBody {
    pub user_id: String,
    /// The user's [`epoch`](crate::user::UserBody::epoch) when it was opened.
    pub epoch: u64,
    pub created_at: u64,
    pub last_used_at: u64,
    pub expires_at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The hashes of the present refresh token's parts, and of the one's before it.
    family: String,
    turn: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    used: Option<String>,
}

/// What a refresh token of a session is to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The one that may be used.
    Present,
    /// The one before, which was used this very moment.
    JustUsed,
    /// One that was used before.
    Used,
}

impl SessionBody {
    /// A session that begins with this token.
    pub fn open(user_id: &str, epoch: u64, token: &RefreshToken, lifetime: u64, client: Client) -> Self {
        let now = id::now();
        let mut session = Self {
            user_id: user_id.into(),
            epoch,
            created_at: now,
            last_used_at: now,
            expires_at: 0,
            address: None,
            user_agent: None,
            family: token.family(),
            turn: String::new(),
            used: None,
        };
        session.turn_to(token, lifetime, client);
        session.used = None;
        session
    }

    /// What this token of its family is to the session.
    pub fn turn_of(&self, token: &RefreshToken) -> Turn {
        let shown = token.turn();
        let is = |kept: &str| bool::from(kept.as_bytes().ct_eq(shown.as_bytes()));
        if is(&self.turn) {
            Turn::Present
        } else if self.used.as_deref().is_some_and(is) && id::now() < self.last_used_at + MOMENT {
            Turn::JustUsed
        } else {
            Turn::Used
        }
    }

    /// Goes on with the next token.
    pub fn turn_to(&mut self, next: &RefreshToken, lifetime: u64, client: Client) {
        self.used = Some(std::mem::replace(&mut self.turn, next.turn()));
        self.last_used_at = id::now();
        self.expires_at = self.last_used_at.saturating_add(lifetime);
        self.address = client.address;
        self.user_agent = client
            .user_agent
            .map(|agent| agent.chars().take(USER_AGENT).collect());
    }
}

/// What may be told of a session.
pub fn to_session(stored: Stored<SessionBody>) -> Session {
    Session {
        id: stored.id,
        user_id: stored.body.user_id,
        created_at: stored.body.created_at,
        last_used_at: stored.body.last_used_at,
        expires_at: stored.body.expires_at,
        client: Client {
            address: stored.body.address,
            user_agent: stored.body.user_agent,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: Client = Client {
        address: None,
        user_agent: None,
    };

    #[test]
    fn each_token_is_good_for_one_turn() {
        let first = RefreshToken::first().unwrap();
        let mut session = SessionBody::open("u", 0, &first, 1_000, NOBODY);
        assert_eq!(session.turn_of(&first), Turn::Present);
        let second = first.next().unwrap();
        session.turn_to(&second, 1_000, NOBODY);
        assert_eq!(
            (session.turn_of(&first), session.turn_of(&second)),
            (Turn::JustUsed, Turn::Present)
        );
        session.last_used_at -= MOMENT;
        assert_eq!(session.turn_of(&first), Turn::Used, "the moment is over");
        let third = second.next().unwrap();
        session.turn_to(&third, 1_000, NOBODY);
        assert_eq!(session.turn_of(&first), Turn::Used);
        assert_eq!(session.turn_of(&third.next().unwrap()), Turn::Used, "a guess");
    }
}
