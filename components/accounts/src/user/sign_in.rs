//! Signs users in by their passwords.

use mercato_shop::accounts::{AuditAction, Client, Credentials, SignIn};
use mercato_shop::audit::AuditedAction;
use mercato_shop::cache::Cache;
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::query::equal;
use mercato_shop::types::{Caller, Error};

use super::credentials::username_key;
use super::hash;
use super::throttle::{self, Admission, Origin};
use crate::repository::{USERS, UserBody};
use crate::{audit, session};

/// Checks a user name and a password, and opens a session.
///
/// # Errors
/// [`Error::Unauthenticated`] if the user name or the password is wrong, [`Error::RateLimited`] after too
/// many failures.
pub fn login(
    ports: &(impl Ports + Cache),
    caller: &Caller,
    input: &Credentials,
    client: &Client,
) -> Result<SignIn, Error> {
    let key = username_key(&input.username);
    let user = find_user(ports, &key)?;
    let user_id = user.as_ref().map(|user| user.id.clone());
    let user_id = user_id.as_deref();
    let origin = if user_id.is_some() && caller.user_id() == user_id {
        Origin::Owner
    } else {
        Origin::Address(client.address.as_deref())
    };
    let attempt = match throttle::admit(ports, &key, user_id, origin)? {
        Admission::Allowed(attempt) => attempt,
        Admission::Limited { seconds, is_first } => {
            if is_first {
                let detail = "too many failures: further attempts are rejected";
                let entry = audit::failed_entry(sign_in_on(user_id).detail(detail))?;
                ports.commit(&[entry], &[])?;
            }
            return Err(Error::RateLimited(seconds));
        }
    };
    let is_right = match user.as_ref().and_then(|user| user.body.password_hash.as_deref()) {
        Some(hash) => hash::verify(&input.password, hash)?,
        None => hash::verify_nothing(&input.password).map(|()| false)?,
    };
    let Some(user) = user.filter(|_| is_right) else {
        ports.commit(&[audit::failed_entry(sign_in_on(user_id))?], &[])?;
        return Err(Error::Unauthenticated(
            "The user name or the password is wrong.".into(),
        ));
    };
    attempt.forgive(ports);
    let (user_id, epoch, session_id) = (user.id.clone(), user.body.epoch, id::new());
    let action = AuditedAction::by(&user_id, AuditAction::SignIn).on(&user_id);
    let mut writes = vec![audit::entry(action)?];
    let signed_in = session::open(ports, &session_id, user, client, &mut writes)?;
    ports.commit(&writes, &[])?;
    session::check_epoch(ports, &user_id, epoch, &session_id)?;
    Ok(signed_in)
}

fn find_user(ports: &impl Ports, username_key: &str) -> Result<Option<Stored<UserBody>>, Error> {
    let mut query = USERS.query(1);
    query.conditions.push(equal("usernameKey", username_key));
    Ok(USERS.find(ports, &query)?.pop())
}

/// Returns the action of an attempt. It never has the user name, since people type their passwords there.
fn sign_in_on(user_id: Option<&str>) -> AuditedAction {
    AuditedAction {
        subject: user_id.map(Into::into),
        ..AuditedAction::by(Caller::Anonymous.actor(), AuditAction::SignIn)
    }
}
