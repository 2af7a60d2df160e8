//! What changes of a user: the profile, the password, the role.

use mercato_common::accounts::{AuditAction, User, UserPatch};
use mercato_common::types::{Caller, Error, Role};

use crate::audit::Entry;
use crate::service::{AccountsService, Platform};
use crate::session::SESSIONS;
use crate::throttle::{Origin, Verdict};
use crate::user::{Profile, USERS, to_user};
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
            return Err(stale(user.version));
        }
        let before = user.body.profile.clone();
        user.body.profile.apply(patch)?;
        if user.body.profile == before {
            return Ok(to_user(user));
        }
        self.ports.commit(&[USERS.replace(&user)?], &[])?;
        user.version += 1;
        Ok(to_user(user))
    }

    pub(crate) fn give_password(&self, caller: &Caller, current: &str, new: &str) -> Result<User, Error> {
        let id = caller.require_user("The API key has no password.")?;
        credentials::check_password("new", new)?;
        let mut user = self.present_user(id)?;
        let entry = Entry::of(caller, AuditAction::PasswordChange).on(id);
        let key = user.body.username_key.as_deref().unwrap_or_default();
        let attempt = match self.attempt(key, Some(id), Origin::Owner)? {
            Verdict::Go(attempt) => attempt,
            Verdict::Wait { seconds, .. } => return Err(Error::RateLimited(seconds)),
        };
        let hash = user.body.password_hash.as_deref().unwrap_or_default();
        if !password::verify(current, hash)? {
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
        user.version += 1;
        Ok(to_user(user))
    }
}

impl Profile {
    /// Makes the changes of a patch, all or none.
    fn apply(&mut self, patch: UserPatch) -> Result<(), Error> {
        let parts = [
            (
                &mut self.name,
                patch.name,
                is_name as fn(&str) -> bool,
                "name",
                "A name has 1 to 100 characters, and no control characters.",
            ),
            (
                &mut self.email,
                patch.email,
                is_email,
                "email",
                "An e-mail address looks like ada@example.com.",
            ),
            (
                &mut self.phone,
                patch.phone,
                is_phone,
                "phone",
                "A phone number is written as E.164 does: +, the country's code, the number; digits only.",
            ),
            (
                &mut self.locale,
                patch.locale,
                is_locale,
                "locale",
                "A locale is written as BCP 47 does: de, en-GB, zh-Hant-TW.",
            ),
        ];
        for (_, new, is_good, field, message) in &parts {
            if new.as_deref().is_some_and(|new| !new.is_empty() && !is_good(new)) {
                return Err(Error::invalid(*field, *message));
            }
        }
        for (kept, new, ..) in parts {
            if let Some(new) = new {
                *kept = Some(new).filter(|new| !new.is_empty());
            }
        }
        Ok(())
    }
}

fn is_name(text: &str) -> bool {
    text.chars().count() <= 100 && !text.trim().is_empty() && !text.chars().any(char::is_control)
}

/// What can be an address of RFC 5321. Whether there is such a mailbox, only a message tells.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let printable = |text: &str| {
        text.chars()
            .all(|char| !char.is_whitespace() && !char.is_control() && !"@<>()[],;:\\\"".contains(char))
    };
    (1..=64).contains(&local.len())
        && text.len() <= 254
        && printable(local)
        && printable(domain)
        && domain.contains('.')
        && domain.split('.').all(|label| (1..=63).contains(&label.len()))
}

fn is_phone(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn is_locale(text: &str) -> bool {
    let mut tags = text.split('-');
    let language = tags.next().unwrap_or_default();
    (2..=3).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        && text.len() <= 35
        && tags
            .all(|tag| (1..=8).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

fn stale(version: u64) -> Error {
    Error::Conflict(format!(
        "The user is at version {version} now. Look at it again, and repeat the change if it still applies."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_a_profile_is_taken_within_its_bounds() {
        assert!(["Ada", "Ada Lovelace", "李"].into_iter().all(is_name));
        assert!(!["", " ", "a\nb", &"a".repeat(101)].into_iter().any(is_name));
        assert!(
            ["ada@example.com", "a.b+c@mail.example.org"]
                .into_iter()
                .all(is_email)
        );
        let long = format!("{}@example.com", "a".repeat(65));
        let bad = [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@example",
            "a da@example.com",
            "a@b@c.de",
            "a@b..c",
            "<a@b.c>",
            "a@b.c\r\nBcc: d@e.f",
            &long,
        ];
        assert!(!bad.into_iter().any(is_email));
        assert!(["+4915112345678", "+12025550123"].into_iter().all(is_phone));
        assert!(
            !["", "+", "0151", "+0151123456", "+49 151 123", "+1234567890123456"]
                .into_iter()
                .any(is_phone)
        );
        assert!(["de", "en-GB", "zh-Hant-TW"].into_iter().all(is_locale));
        assert!(
            !["", "e", "english", "en_GB", "en-", "en-ümlaut"]
                .into_iter()
                .any(is_locale)
        );
    }

    #[test]
    fn a_patch_that_is_wrong_in_part_changes_nothing() {
        let mut profile = Profile::default();
        let patch = |name: &str, email: &str| UserPatch {
            name: Some(name.into()),
            email: Some(email.into()),
            phone: None,
            locale: None,
        };
        assert!(profile.apply(patch("Ada", "nonsense")).is_err());
        assert_eq!(profile, Profile::default());
        profile.apply(patch("Ada", "ada@example.com")).unwrap();
        profile.apply(patch("", "ada@example.org")).unwrap();
        assert_eq!(
            (profile.name, profile.email.as_deref()),
            (None, Some("ada@example.org"))
        );
    }
}
