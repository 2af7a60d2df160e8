//! Changes the password of a user.

use mercato_shop::accounts::{AuditAction, User};
use mercato_shop::audit::AuditedAction;
use mercato_shop::cache::Cache;
use mercato_shop::ports::{Passwords, Ports};
use mercato_shop::types::{Caller, Error};

use super::credentials::{self, NewPassword};
use super::throttle::{self, Admission, Origin};
use crate::repository::{SESSIONS, USERS, get_active_user, to_user};
use crate::{audit, session};

/// Changes the caller's password, and ends all other sessions of the caller.
///
/// # Errors
/// [`Error::Invalid`] if the current password is wrong or the new one is not allowed. [`Error::RateLimited`]
/// after too many failures. [`Error::Conflict`] if the user signs in at an OpenID provider.
pub fn change_password(
    ports: &(impl Ports + Cache + Passwords),
    caller: &Caller,
    current: &str,
    new: &str,
) -> Result<User, Error> {
    let id = caller.require_user("The API key has no password.")?;
    let mut user = get_active_user(ports, id)?;
    let password = NewPassword::check("new", new, &user.body.names())?;
    let Some(hash) = &user.body.password_hash else {
        return Err(Error::Conflict(
            "This account has no password here. Change it where you sign in.".into(),
        ));
    };
    let action = AuditedAction::by(caller.actor(), AuditAction::PasswordChange).on(id);
    let key = user.body.username_key.as_deref().unwrap_or_default();
    let attempt = match throttle::admit(ports, key, Some(id), Origin::Owner)? {
        Admission::Allowed(attempt) => attempt,
        Admission::Limited { seconds, .. } => return Err(Error::RateLimited(seconds)),
    };
    // An attempt whose password was not checked is no failure.
    let matches = credentials::matches(ports, current, Some(hash)).inspect_err(|_| attempt.forgive(ports))?;
    if !matches {
        ports.commit(&[audit::failed_entry(action)?], &[])?;
        return Err(Error::invalid(
            "current",
            "`current` is not the current password.",
        ));
    }
    attempt.forgive(ports);
    user.body.password_hash = Some(password.hash(ports)?);
    user.body.end_sessions();
    let mut writes = vec![USERS.replace(&user)?, audit::entry(action)?];
    let own_session = match caller.session_id() {
        Some(session) => SESSIONS.get(ports, session)?,
        None => None,
    };
    if let Some(mut session) = own_session {
        session.body.epoch = user.body.epoch;
        writes.push(SESSIONS.replace(&session)?);
    }
    session::commit_end(ports, &user, caller.session_id(), writes, &[])?;
    session::delete_ended(ports, &user)?;
    user.version += 1;
    Ok(to_user(user))
}
