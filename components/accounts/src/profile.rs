//! What changes of a user: the profile, the password, the role.

use mercato_shop::accounts::{AuditAction, User, UserPatch};
use mercato_shop::types::{Caller, Error, Role};

use crate::audit::Entry;
use crate::service::{AccountsService, Platform};
use crate::session::SESSIONS;
use crate::throttle::{Origin, Verdict};
use crate::user::{USERS, to_user};
use crate::{credentials, password};

const OWN: &str = "A customer changes only the own user record.";

impl<P: Platform> AccountsService<P> {
    pub(crate) fn edit(
        &self,
        caller: &Caller,
        id: &str,
        version: u64,
        patch: UserPatch,
    ) -> Result<User, Error> {
        caller.require_admin_or(id, OWN)?;
        let mut user = self.present_user(id)?;
        if user.version != version {
            return Err(Error::StaleVersion(user.version));
        }
        let before = user.body.profile.clone();
        user.body.profile.apply(patch)?;
        if user.body.profile == before {
            return Ok(to_user(user));
        }
        let mut writes = vec![USERS.replace(&user)?];
        if caller.user_id() != Some(id) {
            writes.push(Entry::of(caller, AuditAction::ProfileChange).on(id).write()?);
        }
        self.ports.commit(&writes, &[])?;
        user.version += 1;
        Ok(to_user(user))
    }

    pub(crate) fn give_password(&self, caller: &Caller, current: &str, new: &str) -> Result<User, Error> {
        let id = caller.require_user("The API key has no password.")?;
        credentials::check_password("new", new)?;
        let mut user = self.present_user(id)?;
        let Some(hash) = user.body.password_hash.clone() else {
            return Err(Error::Conflict(
                "This account has no password here: change it where you sign in.".into(),
            ));
        };
        let entry = Entry::of(caller, AuditAction::PasswordChange).on(id);
        let key = user.body.username_key.as_deref().unwrap_or_default();
        let attempt = match self.attempt(key, Some(id), Origin::Owner)? {
            Verdict::Go(attempt) => attempt,
            Verdict::Wait { seconds, .. } => return Err(Error::RateLimited(seconds)),
        };
        if !password::verify(current, &hash)? {
            self.ports.commit(&[entry.failed().write()?], &[])?;
            return Err(Error::invalid("current", "This is not the present password."));
        }
        attempt.forgive(&self.ports);
        user.body.password_hash = Some(password::hash(new)?);
        user.body.epoch += 1;
        let mut writes = vec![USERS.replace(&user)?, entry.write()?];
        let asking = match caller.session_id() {
            Some(session) => SESSIONS.get(&self.ports, session)?,
            None => None,
        };
        if let Some(mut session) = asking {
            session.body.epoch = user.body.epoch;
            writes.push(SESSIONS.replace(&session)?);
        }
        self.ports.commit(&writes, &[])?;
        self.end_others(id, caller.session_id())?;
        user.version += 1;
        Ok(to_user(user))
    }

    pub(crate) fn give_role(&self, caller: &Caller, id: &str, role: Role) -> Result<User, Error> {
        caller.require_admin()?;
        let mut user = self.present_user(id)?;
        if user.body.role == role.into() {
            return Ok(to_user(user));
        }
        user.body.role = role.into();
        let entry = Entry::of(caller, AuditAction::RoleChange)
            .on(id)
            .detail(match role {
                Role::Customer => "ADMIN became CUSTOMER",
                Role::Admin => "CUSTOMER became ADMIN",
            });
        self.ports.commit(&[USERS.replace(&user)?, entry.write()?], &[])?;
        if let Some(external) = &user.body.external {
            external.id().forget(&self.ports);
        }
        user.version += 1;
        Ok(to_user(user))
    }
}
