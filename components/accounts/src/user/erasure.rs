//! Erases the data of a user.

use mercato_shop::accounts::{AuditAction, User};
use mercato_shop::audit::AuditedAction;
use mercato_shop::cache::Cache;
use mercato_shop::id;
use mercato_shop::ports::Ports;
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
    let mut user = get_user(ports, id)?;
    if user.body.erased_at.is_none() {
        let action = AuditedAction::by(caller.actor(), AuditAction::Erasure).on(id);
        let mut writes = vec![audit::entry(action)?];
        if let Some(key) = &user.body.username_key
            && let Some(claim) = USERNAMES.get(ports, key)?
        {
            writes.push(USERNAMES.delete(&claim));
        }
        if let Some(address) = user
            .body
            .profile
            .email
            .as_deref()
            .filter(|_| user.body.profile.email_verified)
        {
            writes.extend(email::release(ports, address, id)?);
        }
        if let Some(reset) = PASSWORD_RESETS.get(ports, id)? {
            writes.push(PASSWORD_RESETS.delete(&reset));
        }
        let external_id = user.body.external.as_ref().map(|external| external.id());
        if let Some(external_id) = &external_id {
            writes.extend(external::mark_erased(ports, external_id, id)?);
        }
        let verifications = verifications_of(ports, id)?;
        writes.extend(
            verifications
                .iter()
                .map(|(_, stored)| VERIFICATIONS.delete(stored)),
        );
        user.body.erase();
        writes.push(USERS.replace(&user)?);
        ports.commit(&writes, &[events::user_erased(id)?])?;
        if let Some(external_id) = external_id {
            external_id.evict_user(ports);
        }
        user.version += 1;
    }
    session::end_others(ports, id, None)?;
    Ok(to_user(user))
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
            epoch: self.epoch + 1,
            profile: Profile::default(),
            erased_at: Some(id::now()),
        };
    }
}
