//! Sessions: how they are opened, refreshed and ended.
//!
//! A session that ends is deleted, and its access tokens end with it. After the commit, the session is marked
//! as changed in the cache, so that gateways read the store again.

mod access_token;
mod refresh_token;
mod standing;

pub use standing::standing;

use mercato_ports::documents::{CommitFailure, Write};
use mercato_ports::events::Event;
use mercato_shop::accounts::{AuditAction, Client, Session, SignIn};
use mercato_shop::audit::AuditedAction;
use mercato_shop::cache::Cache;
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::pruning::prune;
use mercato_shop::query::{ascending, equal};
use mercato_shop::retry::{AttemptError, retry_on_conflict};
use mercato_shop::settings::number;
use mercato_shop::standing::Standing;
use mercato_shop::types::{Caller, Error};
use subtle::ConstantTimeEq;

use crate::repository::{
    MAX_SESSIONS, SESSIONS, SessionBody, USERS, UserBody, get_user, sessions_of, to_session, to_user,
};
use crate::{audit, email};
use refresh_token::RefreshToken;

/// How long a rotated token counts as the second of two uses at the same moment, in milliseconds.
const ROTATION_GRACE: u64 = 10_000;

/// How many characters of a user agent are stored.
const MAX_USER_AGENT: usize = 256;

const OWN_SESSIONS: &str = "You can see only your own sessions.";

/// Whether a refresh token of a session can still be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TokenState {
    Current,
    /// The previous token, used again within [`ROTATION_GRACE`]: probably by two windows of one browser.
    JustRotated,
    /// A token that was used before: there is a copy of it.
    Reused,
}

impl SessionBody {
    fn open(user: &Stored<UserBody>, token: &RefreshToken, lifetime: u64, client: &Client) -> Self {
        let now = id::now();
        let mut session = Self {
            user_id: user.id.clone(),
            epoch: user.body.epoch,
            created_at: now,
            last_used_at: now,
            expires_at: 0,
            address: None,
            user_agent: None,
            family: token.family(),
            rotation: String::new(),
            previous_rotation: None,
        };
        session.rotate(token, lifetime, client);
        session.previous_rotation = None;
        session
    }

    /// Replaces the current token, and prolongs the session.
    fn rotate(&mut self, next: &RefreshToken, lifetime: u64, client: &Client) {
        self.previous_rotation = Some(std::mem::replace(&mut self.rotation, next.rotation()));
        self.last_used_at = id::now();
        self.expires_at = self.last_used_at.saturating_add(lifetime);
        self.address.clone_from(&client.address);
        let user_agent = client.user_agent.as_ref();
        self.user_agent = user_agent.map(|agent| agent.chars().take(MAX_USER_AGENT).collect());
    }

    /// Returns the state of a token of this session's family. Compares in constant time.
    fn token_state(&self, token: &RefreshToken) -> TokenState {
        let sent = token.rotation();
        let is_sent = |hash: &str| bool::from(hash.as_bytes().ct_eq(sent.as_bytes()));
        if is_sent(&self.rotation) {
            TokenState::Current
        } else if self.previous_rotation.as_deref().is_some_and(is_sent)
            && id::now() < self.last_used_at + ROTATION_GRACE
        {
            TokenState::JustRotated
        } else {
            TokenState::Reused
        }
    }

    /// Whether the session of a user in this epoch has not ended.
    pub fn is_live(&self, epoch: u64) -> bool {
        self.epoch == epoch && self.expires_at > id::now()
    }
}

/// Opens a session under this id, and adds its insert to the writes of the caller's commit.
pub fn open(
    ports: &impl Ports,
    id: &str,
    user: Stored<UserBody>,
    client: &Client,
    writes: &mut Vec<Write>,
) -> Result<SignIn, Error> {
    let token = RefreshToken::first()?;
    let body = SessionBody::open(&user, &token, lifetime(ports)?, client);
    writes.push(SESSIONS.insert(id, &body)?);
    prune(ports, &SESSIONS, ("expiresAt", id::now()), id, |_| true);
    sign_in(ports, user, id, &token)
}

/// Exchanges a refresh token for the next pair of tokens.
///
/// # Errors
/// [`Error::Unauthenticated`] if the session has ended, [`Error::Conflict`] if the token was used a moment
/// ago. A token that was used earlier ends the session.
pub fn refresh(ports: &(impl Ports + Cache), refresh_token: &str, client: &Client) -> Result<SignIn, Error> {
    let token = RefreshToken::parse(refresh_token).ok_or_else(ended)?;
    let mut session = find(ports, &token)?.ok_or_else(ended)?;
    match session.body.token_state(&token) {
        TokenState::Current => {}
        TokenState::JustRotated => return Err(just_rotated()),
        TokenState::Reused => {
            let action = on_session(
                Caller::Anonymous.actor(),
                AuditAction::RefreshTokenReuse,
                &session,
            );
            end(ports, &session.id, action)?;
            return Err(ended());
        }
    }
    let user = USERS.get(ports, &session.body.user_id)?;
    let mut user = user
        .filter(|user| session.body.is_live(user.body.epoch))
        .ok_or_else(ended)?;
    email::adopt(ports, &mut user)?;
    let next = token.next()?;
    let signed_in = sign_in(ports, user, &session.id, &next)?;
    session.body.rotate(&next, lifetime(ports)?, client);
    match ports.commit(&[SESSIONS.replace(&session)?], &[]) {
        Ok(()) => Ok(signed_in),
        // Another request used the token first, or ended the session. The client's next request shows which.
        Err(CommitFailure::Refused(_)) => Err(just_rotated()),
        Err(failure) => Err(failure.into()),
    }
}

/// Ends the session of a refresh token, or else of the caller's access token. Returns whether there was one.
pub fn logout(
    ports: &(impl Ports + Cache),
    caller: &Caller,
    refresh_token: Option<&str>,
) -> Result<bool, Error> {
    let session = match (refresh_token, caller.session_id()) {
        (Some(text), _) => match RefreshToken::parse(text) {
            Some(token) => find(ports, &token)?,
            None => None,
        },
        (None, Some(id)) => SESSIONS.get(ports, id)?,
        (None, None) => {
            caller.require_authenticated()?;
            return Err(Error::invalid(
                "refresh_token",
                "This access token belongs to no session. Send the refresh token of the session to end.",
            ));
        }
    };
    match session {
        Some(session) => {
            let action = on_session(&session.body.user_id, AuditAction::SignOut, &session);
            end(ports, &session.id, action)
        }
        None => Ok(false),
    }
}

/// Lists the newest sessions of a user, or else of the caller.
pub fn sessions(ports: &impl Ports, caller: &Caller, user_id: Option<&str>) -> Result<Vec<Session>, Error> {
    let user_id = match user_id {
        Some(id) => id,
        None => caller.require_user("The API key has no sessions. Send the id of a user.")?,
    };
    caller.require_admin_or(user_id, OWN_SESSIONS)?;
    let user = get_user(ports, user_id)?;
    let mut sessions = sessions_of(ports, user_id)?;
    sessions.retain(|session| session.body.is_live(user.body.epoch));
    Ok(sessions.into_iter().map(to_session).collect())
}

/// Ends a session of the caller, or any session for an ADMIN or the API key.
pub fn revoke_session(ports: &(impl Ports + Cache), caller: &Caller, id: &str) -> Result<Session, Error> {
    caller.require_authenticated()?;
    let missing = || Error::NotFound(format!("There is no session {id}, or it has ended."));
    let is_visible = |session: &Stored<SessionBody>| caller.may_see(&session.body.user_id);
    let session = SESSIONS.get(ports, id)?.filter(is_visible).ok_or_else(missing)?;
    let action = on_session(caller.actor(), AuditAction::SessionRevocation, &session);
    if end(ports, id, action)? {
        Ok(to_session(session))
    } else {
        Err(missing())
    }
}

/// Ends a session that was opened while another request ended all sessions of the user. That request may not
/// have seen it.
///
/// # Errors
/// [`Error::Unauthenticated`] if the user's epoch has changed.
pub fn check_epoch(
    ports: &(impl Ports + Cache),
    user_id: &str,
    epoch: u64,
    session_id: &str,
) -> Result<(), Error> {
    if get_user(ports, user_id)?.body.epoch == epoch {
        return Ok(());
    }
    if let Some(session) = SESSIONS.get(ports, session_id)? {
        let action = on_session(user_id, AuditAction::SessionRevocation, &session);
        end(ports, &session.id, action)?;
    }
    Err(Error::Unauthenticated(
        "All sessions of this account were ended a moment ago. Sign in again.".into(),
    ))
}

/// Commits a change of a user that ends all sessions, see [`UserBody::end_sessions`]. The same commit deletes
/// the sessions, except those of the user's new epoch. If other requests change a session meanwhile, the
/// user's change comes first, and [`delete_ended`] does the rest.
///
/// `writes` replace the user, and the session that goes on, if there is one.
///
/// # Errors
/// [`AttemptError::Conflict`] if another request has changed the user.
pub fn commit_end(
    ports: &(impl Ports + Cache),
    user: &Stored<UserBody>,
    kept: Option<&str>,
    mut writes: Vec<Write>,
    events: &[Event],
) -> Result<(), AttemptError> {
    let mut ended = earlier(ports, user)?;
    ended.retain(|session| Some(session.id.as_str()) != kept);
    let own = writes.len();
    writes.extend(ended.iter().map(|session| SESSIONS.delete(session)));
    match ports.commit(&writes, events) {
        Err(CommitFailure::Refused(refusals))
            if refusals.iter().all(|refusal| refusal.write as usize >= own) =>
        {
            writes.truncate(own);
            ended.clear();
            ports.commit(&writes, events)?;
        }
        outcome => outcome?,
    }
    Standing::of_user(&user.id).mark_changed(ports);
    mark_ended(ports, &ended);
    Ok(())
}

/// Deletes the sessions of earlier epochs of a user that [`commit_end`] left.
pub fn delete_ended(ports: &(impl Ports + Cache), user: &Stored<UserBody>) -> Result<(), Error> {
    for _ in 0..MAX_SESSIONS {
        let ended = earlier(ports, user)?;
        let writes: Vec<_> = ended.iter().map(|session| SESSIONS.delete(session)).collect();
        if writes.is_empty() {
            return Ok(());
        }
        match ports.commit(&writes, &[]) {
            Ok(()) => mark_ended(ports, &ended),
            // Another request changed or ended one of them.
            Err(CommitFailure::Refused(_)) => {}
            Err(failure) => return Err(failure.into()),
        }
    }
    Ok(())
}

/// Reads sessions of earlier epochs of a user, the oldest ones, at most [`MAX_SESSIONS`].
fn earlier(ports: &impl Ports, user: &Stored<UserBody>) -> Result<Vec<Stored<SessionBody>>, Error> {
    let mut query = SESSIONS.query(MAX_SESSIONS);
    query.conditions.push(equal("userId", &user.id));
    query.sort = Some(ascending("createdAt"));
    let mut sessions = SESSIONS.find(ports, &query)?;
    sessions.retain(|session| session.body.epoch != user.body.epoch);
    Ok(sessions)
}

/// Ends a session, even if other requests change it at the same time. Returns whether it had not ended
/// before.
fn end(ports: &(impl Ports + Cache), id: &str, action: AuditedAction) -> Result<bool, Error> {
    let entry = audit::entry(action)?;
    let busy = || Error::Unavailable("Too many requests change this session. Try again in a moment.".into());
    retry_on_conflict(busy, || {
        let Some(session) = SESSIONS.get(ports, id)? else {
            return Ok(false);
        };
        ports.commit(&[SESSIONS.delete(&session), entry.clone()], &[])?;
        mark_ended(ports, &[session]);
        Ok(true)
    })
}

/// Marks sessions in the cache, so that gateways read the store before they accept a token of them.
fn mark_ended(ports: &impl Cache, sessions: &[Stored<SessionBody>]) {
    for session in sessions {
        Standing::of_session(&session.id).mark_changed(ports);
    }
}

fn find(ports: &impl Ports, token: &RefreshToken) -> Result<Option<Stored<SessionBody>>, Error> {
    let mut query = SESSIONS.query(1);
    query.conditions.push(equal("family", &token.family()));
    Ok(SESSIONS.find(ports, &query)?.pop())
}

/// Returns how long an unused session lives, in milliseconds.
fn lifetime(ports: &impl Ports) -> Result<u64, Error> {
    Ok(u64::from(number::REFRESH_TOKEN_SECONDS.of(ports)?) * 1_000)
}

fn sign_in(
    ports: &impl Ports,
    user: Stored<UserBody>,
    session_id: &str,
    token: &RefreshToken,
) -> Result<SignIn, Error> {
    let user = to_user(user);
    Ok(SignIn {
        access_token: access_token::issue(ports, &user, session_id)?,
        refresh_token: token.text(),
        user,
    })
}

fn on_session(actor: &str, action: AuditAction, session: &Stored<SessionBody>) -> AuditedAction {
    AuditedAction::by(actor, action)
        .on(&session.body.user_id)
        .detail(format!("session {}", session.id))
}

fn ended() -> Error {
    Error::Unauthenticated("This session has ended. Sign in again.".into())
}

fn just_rotated() -> Error {
    Error::Conflict(
        "Another request used this refresh token a moment ago. Use the tokens that it received.".into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: Client = Client {
        address: None,
        user_agent: None,
    };

    #[test]
    fn accepts_each_refresh_token_once() {
        let body = r#"{"username":"u","role":"CUSTOMER","createdAt":0}"#;
        let user = Stored {
            id: "u".into(),
            version: 1,
            body: serde_json::from_str(body).unwrap(),
        };
        let first = RefreshToken::first().unwrap();
        let mut session = SessionBody::open(&user, &first, 1_000, &CLIENT);
        assert_eq!(session.token_state(&first), TokenState::Current);
        let second = first.next().unwrap();
        session.rotate(&second, 1_000, &CLIENT);
        assert_eq!(
            (session.token_state(&first), session.token_state(&second)),
            (TokenState::JustRotated, TokenState::Current)
        );
        session.last_used_at -= ROTATION_GRACE;
        assert_eq!(
            session.token_state(&first),
            TokenState::Reused,
            "the grace period is over"
        );
        let third = second.next().unwrap();
        session.rotate(&third, 1_000, &CLIENT);
        assert_eq!(session.token_state(&first), TokenState::Reused);
        assert_eq!(
            session.token_state(&third.next().unwrap()),
            TokenState::Reused,
            "a guessed token"
        );
    }
}
