//! Sessions: how they go on, who sees them, and how they end.
//!
//! A session that is over is deleted. Its access tokens are refused for as long as they could have lived, by a mark in the cache.

use mercato_ports::documents::{CommitFailure, Comparison, Condition, Direction, Query, Scalar, Sort};
use mercato_shop::accounts::{AuditAction, Client, Session, SignIn};
use mercato_shop::cache::Revocation;
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::settings::number;
use mercato_shop::types::{Caller, Error};

use crate::audit::Entry;
use crate::refresh_token::RefreshToken;
use crate::service::{AccountsService, Platform};
use crate::session::{SESSIONS, SessionBody, Turn, to_session};
use crate::user::USERS;

/// How many sessions a list has at the most, and how many are ended at once.
const MOST: u32 = 100;

/// How often a session that changes all the while is looked at again.
const TRIES: usize = 8;

const OWN: &str = "A customer sees and ends only the own sessions.";

impl<P: Platform> AccountsService<P> {
    pub(crate) fn go_on(&self, refresh_token: &str, client: Client) -> Result<SignIn, Error> {
        let Some(token) = RefreshToken::parse(refresh_token) else {
            return Err(over());
        };
        let Some(mut session) = self.session_of(&token)? else {
            return Err(over());
        };
        match session.body.turn_of(&token) {
            Turn::Present => {}
            Turn::JustUsed => return Err(just_used()),
            Turn::Used => {
                let entry = Entry::of(&Caller::Anonymous, AuditAction::RefreshTokenReuse)
                    .on(&session.body.user_id)
                    .detail(format!("session {}", session.id));
                self.end(session, &entry)?;
                return Err(over());
            }
        }
        let user = USERS.get(&self.ports, &session.body.user_id)?;
        let Some(user) = user.filter(|user| is_live(&session.body, user.body.epoch)) else {
            return Err(over());
        };
        let next = token.next()?;
        let signed_in = self.pair(user, &session.id, &next)?;
        session.body.turn_to(&next, self.session_lifetime()?, client);
        match self.ports.commit(&[SESSIONS.replace(&session)?], &[]) {
            Ok(()) => Ok(signed_in),
            // Another use of the token was faster, or the session has ended: the next try tells.
            Err(CommitFailure::Refused(_)) => Err(just_used()),
            Err(failure) => Err(failure.into()),
        }
    }

    pub(crate) fn sign_out(&self, caller: &Caller, refresh_token: Option<&str>) -> Result<bool, Error> {
        let session = match (refresh_token, caller.session_id()) {
            (Some(text), _) => match RefreshToken::parse(text) {
                Some(token) => self.session_of(&token)?,
                None => None,
            },
            (None, Some(id)) => SESSIONS.get(&self.ports, id)?,
            (None, None) => {
                caller.require_known()?;
                return Err(Error::invalid(
                    "refresh_token",
                    "This access token belongs to no session. Send the refresh token of the session to end.",
                ));
            }
        };
        let Some(session) = session else {
            return Ok(false);
        };
        let user_id = session.body.user_id.clone();
        let entry = Entry::by(&user_id, AuditAction::SignOut)
            .on(&user_id)
            .detail(format!("session {}", session.id));
        self.end(session, &entry)
    }

    pub(crate) fn list_sessions(
        &self,
        caller: &Caller,
        user_id: Option<&str>,
    ) -> Result<Vec<Session>, Error> {
        let user_id = match user_id {
            Some(id) => id,
            None => caller.require_user("The API key has no sessions. Say whose are wanted.")?,
        };
        caller.require_admin_or(user_id, OWN)?;
        let user = self.user(user_id)?;
        let mut sessions = self.sessions_of(user_id)?;
        sessions.retain(|session| is_live(&session.body, user.body.epoch));
        Ok(sessions.into_iter().map(to_session).collect())
    }

    pub(crate) fn revoke(&self, caller: &Caller, id: &str) -> Result<Session, Error> {
        caller.require_known()?;
        let unknown = || Error::NotFound(format!("There is no session {id}, or it is over."));
        let session = SESSIONS.get(&self.ports, id)?.ok_or_else(unknown)?;
        caller.require_admin_or(&session.body.user_id, OWN)?;
        let entry = Entry::of(caller, AuditAction::SessionRevocation)
            .on(&session.body.user_id)
            .detail(format!("session {id}"));
        let revoked = to_session(session.clone());
        if self.end(session, &entry)? {
            Ok(revoked)
        } else {
            Err(unknown())
        }
    }

    /// The newest sessions of a user.
    pub(crate) fn sessions_of(&self, user_id: &str) -> Result<Vec<Stored<SessionBody>>, Error> {
        let mut query = of_user(user_id, MOST);
        query.sort = Some(Sort {
            field: "createdAt".into(),
            direction: Direction::Descending,
        });
        SESSIONS.find(&self.ports, &query)
    }

    /// Ends all sessions of a user but this one. Those that were opened in an earlier epoch are over already: this takes away what
    /// is kept of them, and marks them.
    pub(crate) fn end_others(&self, user_id: &str, kept: Option<&str>) -> Result<(), Error> {
        for _ in 0..MOST {
            let mut sessions = self.sessions_of(user_id)?;
            sessions.retain(|session| Some(session.id.as_str()) != kept);
            let writes: Vec<_> = sessions.iter().map(|session| SESSIONS.delete(session)).collect();
            if writes.is_empty() {
                return Ok(());
            }
            match self.ports.commit(&writes, &[]) {
                Ok(()) => sessions.iter().try_for_each(|session| self.mark(&session.id))?,
                // One of them changed or ended meanwhile.
                Err(CommitFailure::Refused(_)) => {}
                Err(failure) => return Err(failure.into()),
            }
        }
        Ok(())
    }

    /// Marks a session that is over, so that its access tokens are refused.
    pub(crate) fn mark(&self, session_id: &str) -> Result<(), Error> {
        let lifetime = u64::from(number::ACCESS_TOKEN_SECONDS.of(&self.ports)?) * 1_000;
        Revocation::of(session_id).mark(&self.ports, lifetime);
        Ok(())
    }

    /// Ends a session, however it changes meanwhile; whether it had not ended before.
    pub(crate) fn end(&self, mut session: Stored<SessionBody>, entry: &Entry) -> Result<bool, Error> {
        for _ in 0..TRIES {
            match self
                .ports
                .commit(&[SESSIONS.delete(&session), entry.write()?], &[])
            {
                Ok(()) => {
                    self.mark(&session.id)?;
                    return Ok(true);
                }
                Err(CommitFailure::Refused(_)) => match SESSIONS.get(&self.ports, &session.id)? {
                    Some(changed) => session = changed,
                    None => return Ok(false),
                },
                Err(failure) => return Err(failure.into()),
            }
        }
        Err(Error::Unavailable(
            "The session changes all the time. Try again in a moment.".into(),
        ))
    }

    fn session_of(&self, token: &RefreshToken) -> Result<Option<Stored<SessionBody>>, Error> {
        let mut query = SESSIONS.query(1);
        query.conditions.push(equal("family", token.family()));
        Ok(SESSIONS.find(&self.ports, &query)?.pop())
    }
}

fn of_user(user_id: &str, limit: u32) -> Query {
    let mut query = SESSIONS.query(limit);
    query.conditions.push(equal("userId", user_id.into()));
    query
}

fn equal(field: &str, value: String) -> Condition {
    Condition {
        field: field.into(),
        comparison: Comparison::Equal,
        value: Scalar::Text(value),
    }
}

/// Whether a session of a user in this epoch is not over.
pub fn is_live(session: &SessionBody, epoch: u64) -> bool {
    session.epoch == epoch && session.expires_at > id::now()
}

fn over() -> Error {
    Error::Unauthenticated("This session is over. Sign in again.".into())
}

fn just_used() -> Error {
    Error::Conflict(
        "This refresh token was used just now. Go on with the tokens that its other use has brought.".into(),
    )
}
