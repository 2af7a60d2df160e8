//! Sets a new password by a link that is mailed to the user's verified address.
//!
//! A request does the same for all addresses: it reads the same documents and makes one commit. So neither
//! its answer nor its time reveals whether the address has an account. This service sends the mail when it
//! handles the event of the commit.

mod message;
mod token;

use mercato_ports::documents::CommitFailure;
use mercato_ports::events::{Event, HandlerFailure};
use mercato_ports::mailer::MailFailure;
use mercato_shop::accounts::{AuditAction, Client, User};
use mercato_shop::address::{email_key, is_email};
use mercato_shop::audit::AuditedAction;
use mercato_shop::cache::Cache;
use mercato_shop::collection::Stored;
use mercato_shop::ports::{Mail, Passwords, Ports};
use mercato_shop::pruning::prune;
use mercato_shop::query::equal;
use mercato_shop::retry::retry_on_conflict;
use mercato_shop::settings::{self, number, text};
use mercato_shop::types::{Caller, Error};
use mercato_shop::{handler, id};

use crate::address_limit::{self, Kind};
use crate::events::{self, PasswordResetRequestedEvent};
use crate::repository::{EMAILS, PASSWORD_RESETS, PasswordResetBody, USERS, UserBody, to_user};
use crate::user::credentials::NewPassword;
use crate::user::throttle::{self, Admission, Origin};
use crate::{audit, session};

/// The time between two mails to a user, in milliseconds. Together with [`MAX_PER_HOUR`] it keeps a mailbox
/// from being flooded.
const PAUSE: u64 = 60 * 1_000;

/// In milliseconds.
const HOUR: u64 = 60 * 60 * 1_000;

const MAX_PER_HOUR: u64 = 5;

/// The id that is read if an address has no user.
const NOBODY: &str = "nobody";

/// Requests a link to set a new password. Returns for how many seconds the link is valid. If the user was
/// just sent a link, that link stays valid, and no other is sent.
///
/// # Errors
/// [`Error::Invalid`] for a text that is no address. [`Error::RateLimited`] after too many requests for the
/// address, or from the client.
pub fn request_password_reset(
    ports: &(impl Ports + Cache),
    email: &str,
    client: &Client,
) -> Result<u32, Error> {
    if !is_email(email) {
        let message = "`email` must be an e-mail address such as ada@example.com.";
        return Err(Error::invalid("email", message));
    }
    address_limit::count(ports, Kind::PasswordReset, client)?;
    let address = email_key(email);
    let origin = Origin::Address(client.address.as_deref());
    let attempt = throttle::admit(ports, &format!("password reset of {address}"), None, origin)?;
    if let Admission::Limited { seconds, .. } = attempt {
        return Err(Error::RateLimited(seconds));
    }
    let seconds = number::PASSWORD_RESET_SECONDS.of(ports)?;
    let claim = EMAILS.get(ports, &address)?;
    let user_id = claim.map_or_else(|| NOBODY.to_owned(), |claim| claim.body.user_id);
    let user = USERS.get(ports, &user_id)?;
    let previous = PASSWORD_RESETS.get(ports, &user_id)?;
    let next = PasswordResetBody::next(previous.as_ref(), id::now(), u64::from(seconds) * 1_000);
    let mut writes = Vec::new();
    let mut requested = None;
    let mut action = AuditedAction::by(Caller::Anonymous.actor(), AuditAction::PasswordResetRequest);
    if let Some((user, mut body)) = user.filter(has_password).zip(next) {
        body.hash = token::hash(&token::of(ports, &user, &body.id)?);
        requested = Some(events::password_reset_requested(&PasswordResetRequestedEvent {
            user_id: user_id.clone(),
            reset_id: body.id.clone(),
            expires_at: body.expires_at,
        })?);
        action = action.on(&user_id);
        writes.push(match previous {
            None => PASSWORD_RESETS.insert(&user_id, &body)?,
            Some(previous) => PASSWORD_RESETS.replace(&Stored { body, ..previous })?,
        });
    }
    writes.push(match requested {
        Some(_) => audit::entry(action)?,
        None => audit::failed_entry(action)?,
    });
    match ports.commit(&writes, requested.as_slice()) {
        // If a concurrent request changed the document, that request sends the mail.
        Ok(()) | Err(CommitFailure::Refused(_)) => {}
        Err(failure) => return Err(failure.into()),
    }
    // A link counts for the limit until an hour after it expired.
    let before = id::now().saturating_sub(HOUR);
    prune(ports, &PASSWORD_RESETS, ("expiresAt", before), &id::new(), |_| {
        true
    });
    Ok(seconds)
}

/// Sends the mail that an event asks for, unless its link is used or replaced by now.
///
/// # Errors
/// [`HandlerFailure::Retry`] if mail or the store is unavailable.
pub fn send(ports: &(impl Ports + Mail), event: &Event) -> Result<(), HandlerFailure> {
    let requested: PasswordResetRequestedEvent = handler::data(event)?;
    let reset = PASSWORD_RESETS.get(ports, &requested.user_id)?;
    let is_current = |body: &PasswordResetBody| body.id == requested.reset_id && id::now() < body.expires_at;
    let Some(reset) = reset.filter(|reset| is_current(&reset.body)) else {
        return Ok(());
    };
    let Some(user) = USERS.get(ports, &requested.user_id)?.filter(has_password) else {
        return Ok(());
    };
    let token = token::of(ports, &user, &reset.body.id)?;
    let Some(to) = user
        .body
        .profile
        .email
        .as_deref()
        .filter(|_| token::hash(&token) == reset.body.hash)
    else {
        return Ok(());
    };
    let page = settings::read(ports, text::password_reset_url)?;
    let minutes = (reset.body.expires_at - reset.body.sent_at).div_ceil(60_000);
    let mail = message::Mail {
        to,
        username: &user.body.username,
        locale: user.body.profile.locale.as_deref(),
        token: &token,
        page: page.as_ref(),
        minutes,
    };
    match ports.send(&mail.compose()) {
        Ok(()) => Ok(()),
        Err(MailFailure::Unavailable(reason)) => Err(HandlerFailure::Retry(reason)),
        Err(MailFailure::Rejected(reason)) => {
            eprintln!("the mail server rejected a link to set a new password: {reason}");
            Ok(())
        }
    }
}

/// Sets a new password by the token of the last link, and ends all sessions of the user.
///
/// # Errors
/// [`Error::Invalid`] for a password that is not allowed, and for a token that is wrong, used, replaced or
/// expired.
pub fn reset_password(
    ports: &(impl Ports + Cache + Passwords),
    token: &str,
    password: &str,
    client: &Client,
) -> Result<User, Error> {
    // Spares the hash for a wrong token.
    let (_, user) = find(ports, token)?;
    let password = NewPassword::check("password", password, &user.body.names())?;
    let hash = password.hash(ports)?;
    let busy = || Error::Unavailable("Too many requests change this account. Try again in a moment.".into());
    let user = retry_on_conflict(busy, || {
        let (reset, mut user) = find(ports, token)?;
        user.body.password_hash = Some(hash.clone());
        user.body.end_sessions();
        let action = AuditedAction::by(&user.id, AuditAction::PasswordReset).on(&user.id);
        let mut writes = vec![
            USERS.replace(&user)?,
            PASSWORD_RESETS.delete(&reset),
            audit::entry(action)?,
        ];
        if let Some(key) = &user.body.username_key {
            writes.extend(throttle::forget(ports, key, client.address.as_deref())?);
        }
        session::commit_end(ports, &user, None, writes, &[])?;
        user.version += 1;
        Ok(user)
    })?;
    session::delete_ended(ports, &user)?;
    Ok(to_user(user))
}

/// Returns the link of a token, and its user.
///
/// # Errors
/// [`Error::Invalid`] for a token that can't be used.
fn find(ports: &impl Ports, token: &str) -> Result<(Stored<PasswordResetBody>, Stored<UserBody>), Error> {
    let mut query = PASSWORD_RESETS.query(1);
    query.conditions.push(equal("hash", &token::hash(token)));
    let reset = PASSWORD_RESETS.find(ports, &query)?.pop().ok_or_else(unusable)?;
    let user = USERS
        .get(ports, &reset.id)?
        .filter(has_password)
        .ok_or_else(unusable)?;
    // The token is computed from the user too: a change of the address or of the password made another one.
    let is_current = token::of(ports, &user, &reset.body.id)? == token;
    if is_current && id::now() < reset.body.expires_at {
        Ok((reset, user))
    } else {
        Err(unusable())
    }
}

/// Whether a user has a password to replace, and a verified address.
fn has_password(user: &Stored<UserBody>) -> bool {
    user.body.password_hash.is_some() && user.body.profile.email_verified
}

fn unusable() -> Error {
    Error::invalid(
        "token",
        "This is not the last token that was sent, or it is used or expired. Request a new one.",
    )
}

impl PasswordResetBody {
    /// Creates the document of a link that is sent now, still without the hash of its token. Returns `None` if
    /// no link may be sent now.
    fn next(previous: Option<&Stored<Self>>, now: u64, lifetime: u64) -> Option<Self> {
        let (first_sent_at, sent) = match previous.map(|previous| &previous.body) {
            Some(previous) if now < previous.sent_at + PAUSE => return None,
            Some(previous) if now < previous.first_sent_at + HOUR => (previous.first_sent_at, previous.sent),
            _ => (now, 0),
        };
        (sent < MAX_PER_HOUR).then(|| Self {
            id: id::new(),
            hash: String::new(),
            sent_at: now,
            expires_at: now + lifetime,
            first_sent_at,
            sent: sent + 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_links_by_a_pause_and_by_hour() {
        let previous = |sent| Stored {
            id: "u1".into(),
            version: 1,
            body: PasswordResetBody {
                id: "r1".into(),
                hash: String::new(),
                sent_at: 1_000,
                expires_at: 0,
                first_sent_at: 1_000,
                sent,
            },
        };
        let next = |sent, now| {
            let next = PasswordResetBody::next(Some(&previous(sent)), now, 5);
            next.map(|body| (body.first_sent_at, body.sent, body.expires_at))
        };
        assert_eq!(next(1, 60_999), None);
        assert_eq!(next(1, 61_000), Some((1_000, 2, 61_005)));
        assert_eq!(next(5, 61_000), None);
        assert_eq!(next(5, HOUR + 1_000), Some((HOUR + 1_000, 1, HOUR + 1_005)));
    }
}
