//! Erases the data of a user.

use mercato_shop::accounts::{AuditAction, User};
use mercato_shop::audit::AuditedAction;
use mercato_shop::cache::Cache;
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::retry::{AttemptError, retry_on_conflict};
use mercato_shop::types::{Caller, Error, Role};

use super::external;
use crate::repository::{
    PASSWORD_RESETS, Profile, USERNAMES, USERS, UserBody, VERIFICATIONS, get_user, to_user, verifications_of,
};
use crate::{audit, email, events, session};

/// The user name of erased users. It contains a space, so it can't be registered.
const ERASED_USERNAME: &str = "erased user";

/// Erases the personal data of the caller, or of any user for an ADMIN or the API key. Can be repeated: an
/// interrupted erasure is completed.
pub fn erase(ports: &(impl Ports + Cache), caller: &Caller, id: &str) -> Result<User, Error> {
    caller.require_admin_or(id, "You can erase only your own data.")?;
    let busy = || Error::Unavailable("Too many requests change this user. Try again in a moment.".into());
    let user = retry_on_conflict(busy, || {
        let user = get_user(ports, id)?;
        match user.body.erased_at {
            None => erase_user(ports, caller, user),
            Some(_) => Ok(user),
        }
    })?;
    session::delete_ended(ports, &user)?;
    Ok(to_user(user))
}

fn erase_user(
    ports: &(impl Ports + Cache),
    caller: &Caller,
    mut user: Stored<UserBody>,
) -> Result<Stored<UserBody>, AttemptError> {
    let id = user.id.clone();
    let action = AuditedAction::by(caller.actor(), AuditAction::Erasure).on(&id);
    let mut writes = vec![audit::entry(action)?];
    if let Some(key) = &user.body.username_key
        && let Some(claim) = USERNAMES.get(ports, key)?
    {
        writes.push(USERNAMES.delete(&claim));
    }
    let profile = &user.body.profile;
    if let Some(address) = profile.email.as_deref().filter(|_| profile.email_verified) {
        writes.extend(email::release(ports, address, &id)?);
    }
    if let Some(reset) = PASSWORD_RESETS.get(ports, &id)? {
        writes.push(PASSWORD_RESETS.delete(&reset));
    }
    let external_id = user.body.external.as_ref().map(|external| external.id());
    if let Some(external_id) = &external_id {
        writes.extend(external::mark_erased(ports, external_id, &id)?);
    }
    let verifications = verifications_of(ports, &id)?;
    writes.extend(
        verifications
            .iter()
            .map(|(_, stored)| VERIFICATIONS.delete(stored)),
    );
    user.body.erase();
    writes.push(USERS.replace(&user)?);
    session::commit_end(ports, &user, None, writes, &[events::user_erased(&id)?])?;
    if let Some(external_id) = external_id {
        external_id.standing().mark_changed(ports);
    }
    user.version += 1;
    Ok(user)
}

impl UserBody {
    fn erase(&mut self) {
        *self = Self {
            username: ERASED_USERNAME.into(),
            username_key: None,
            login_email: None,
            registered_by_email: false,
            password_hash: None,
            external: None,
            role: Role::Customer,
            created_at: self.created_at,
            epoch: self.epoch,
            sessions_ended_at: None,
            role_is_set: false,
            profile: Profile::default(),
            erased_at: Some(id::now()),
        };
        self.end_sessions();
    }
}
