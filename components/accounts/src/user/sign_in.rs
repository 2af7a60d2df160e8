//! Signs users in by their passwords.

use mercato_shop::accounts::{AuditAction, Client, Credentials, LoginName, SignIn};
use mercato_shop::address::email_key;
use mercato_shop::audit::AuditedAction;
use mercato_shop::cache::Cache;
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::ports::{Passwords, Ports};
use mercato_shop::query::equal;
use mercato_shop::types::{Caller, Error};

use super::credentials;
use super::throttle::{self, Admission, Origin};
use super::username::{possible_keys, username_key};
use crate::repository::{USERS, UserBody};
use crate::{audit, email, session};

/// Checks a user name or an e-mail address and a password, and opens a session.
///
/// # Errors
/// [`Error::Unauthenticated`] if the name or the password is wrong, [`Error::RateLimited`] after too many
/// failures.
pub fn login(
    ports: &(impl Ports + Cache + Passwords),
    caller: &Caller,
    input: &Credentials,
    client: &Client,
) -> Result<SignIn, Error> {
    let users = candidates(ports, &input.login)?;
    // Several users of one unverified address have no account in common that the limits could protect.
    let only = match users.as_slice() {
        [user] => Some(user),
        _ => None,
    };
    let user_id = only.map(|user| user.id.clone());
    let user_id = user_id.as_deref();
    let origin = if user_id.is_some() && caller.user_id() == user_id {
        Origin::Owner
    } else {
        Origin::Address(client.address.as_deref())
    };
    let key = match only.and_then(|user| user.body.username_key.clone()) {
        Some(key) => key,
        None => throttle_key(&input.login),
    };
    let attempt = match throttle::admit(ports, &key, user_id, origin)? {
        Admission::Allowed(attempt) => attempt,
        Admission::Limited { seconds, first } => {
            if let Some(first) = first {
                let detail = "too many failures: further attempts are rejected";
                let entry = audit::failed_entry(sign_in_on(user_id).detail(detail))?;
                audit::add_first(ports, entry, first)?;
            }
            return Err(Error::RateLimited(seconds));
        }
    };
    // An attempt whose password was not checked is no failure.
    let matched = first_match(ports, &users, &input.password).inspect_err(|_| attempt.forgive(ports))?;
    let Some(mut user) = matched else {
        ports.commit(&[audit::failed_entry(sign_in_on(user_id))?], &[])?;
        return Err(Error::Unauthenticated(
            match input.login {
                LoginName::Username(_) => "The user name or the password is wrong.",
                LoginName::Email(_) => "The e-mail address or the password is wrong.",
            }
            .into(),
        ));
    };
    email::adopt(ports, &mut user)?;
    let (user_id, epoch, session_id) = (user.id.clone(), user.body.epoch, id::new());
    let action = AuditedAction::by(&user_id, AuditAction::SignIn).on(&user_id);
    let mut writes = vec![audit::entry(action)?];
    let signed_in = session::open(ports, &session_id, user, client, &mut writes)?;
    attempt.commit(ports, writes, &[])?;
    session::check_epoch(ports, &user_id, epoch, &session_id)?;
    Ok(signed_in)
}

/// Returns the user with a user name.
pub fn find_by_username(ports: &impl Ports, username: &str) -> Result<Option<Stored<UserBody>>, Error> {
    for key in possible_keys(username) {
        let mut query = USERS.query(1);
        query.conditions.push(equal("usernameKey", &key));
        if let Some(user) = USERS.find(ports, &query)?.pop() {
            return Ok(Some(user));
        }
    }
    Ok(None)
}

/// Returns the users who may sign in with this name.
fn candidates(ports: &impl Ports, login: &LoginName) -> Result<Vec<Stored<UserBody>>, Error> {
    match login {
        LoginName::Username(username) => Ok(find_by_username(ports, username)?.into_iter().collect()),
        LoginName::Email(address) => {
            let key = email_key(address);
            match email::verified_user(ports, &key)? {
                Some(user) => Ok(vec![user]),
                None => email::unverified_users(ports, &key),
            }
        }
    }
}

/// Returns the name in the form in which failures are counted, if it has no user or several.
fn throttle_key(login: &LoginName) -> String {
    match login {
        LoginName::Username(username) => username_key(username),
        LoginName::Email(address) => email_key(address),
    }
}

/// Returns the first user with this password. Takes as long if there is no user.
fn first_match(
    ports: &impl Passwords,
    users: &[Stored<UserBody>],
    password: &str,
) -> Result<Option<Stored<UserBody>>, Error> {
    if users.is_empty() {
        credentials::matches(ports, password, None)?;
    }
    for user in users {
        if credentials::matches(ports, password, user.body.password_hash.as_deref())? {
            return Ok(Some(user.clone()));
        }
    }
    Ok(None)
}

/// Returns the action of an attempt. It never has the user name, since people type their passwords there.
fn sign_in_on(user_id: Option<&str>) -> AuditedAction {
    AuditedAction {
        subject: user_id.map(Into::into),
        ..AuditedAction::by(Caller::Anonymous.actor(), AuditAction::SignIn)
    }
}
