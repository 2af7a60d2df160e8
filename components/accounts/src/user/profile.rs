//! Changes the profile and the role of a user.

use mercato_shop::accounts::{AuditAction, User, UserPatch};
use mercato_shop::address::{is_email, is_phone};
use mercato_shop::audit::AuditedAction;
use mercato_shop::cache::Cache;
use mercato_shop::ports::Ports;
use mercato_shop::retry::retry_on_conflict;
use mercato_shop::text::has_forbidden_format;
use mercato_shop::types::{Caller, Error, Role};

use crate::repository::{Profile, USERS, get_active_user, to_user};
use crate::{audit, email, session};

/// Changes the profile of the caller, or of any user for an ADMIN or the API key.
///
/// # Errors
/// [`Error::StaleVersion`] if the user has another version, [`Error::Invalid`] if a part of the patch is
/// invalid.
pub fn update(
    ports: &impl Ports,
    caller: &Caller,
    id: &str,
    version: u64,
    patch: &UserPatch,
) -> Result<User, Error> {
    caller.require_admin_or(id, "You can change only your own user record.")?;
    let mut user = get_active_user(ports, id)?;
    if user.version != version {
        return Err(Error::StaleVersion(user.version));
    }
    let before = user.body.profile.clone();
    user.body.profile.apply(patch)?;
    if user.body.profile == before {
        return Ok(to_user(user));
    }
    user.body.set_login_email();
    let mut writes = vec![USERS.replace(&user)?];
    if let Some(address) = before
        .email
        .filter(|_| before.email_verified && !user.body.profile.email_verified)
    {
        writes.extend(email::release(ports, &address, id)?);
    }
    if caller.user_id() != Some(id) {
        let action = AuditedAction::by(caller.actor(), AuditAction::ProfileChange).on(id);
        writes.push(audit::entry(action)?);
    }
    ports.commit(&writes, &[])?;
    user.version += 1;
    Ok(to_user(user))
}

/// Sets the role of a user, and ends all sessions of the user, for an ADMIN or the API key.
pub fn set_role(ports: &(impl Ports + Cache), caller: &Caller, id: &str, role: Role) -> Result<User, Error> {
    caller.require_admin()?;
    let busy = || Error::Unavailable("Too many requests change this user. Try again in a moment.".into());
    let user = retry_on_conflict(busy, || {
        let mut user = get_active_user(ports, id)?;
        if user.body.role == role {
            return Ok(user);
        }
        user.body.role = role;
        user.body.role_is_set = true;
        user.body.end_sessions();
        let change = match role {
            Role::Customer => "ADMIN became CUSTOMER",
            Role::Admin => "CUSTOMER became ADMIN",
        };
        let action = AuditedAction::by(caller.actor(), AuditAction::RoleChange)
            .on(id)
            .detail(change);
        let writes = vec![USERS.replace(&user)?, audit::entry(action)?];
        session::commit_end(ports, &user, None, writes, &[])?;
        if let Some(external) = &user.body.external {
            external.id().standing().mark_changed(ports);
        }
        user.version += 1;
        Ok(user)
    })?;
    session::delete_ended(ports, &user)?;
    Ok(to_user(user))
}

/// Returns the profile of a registration.
///
/// # Errors
/// [`Error::Invalid`] if the name or the address is invalid.
pub fn new(name: Option<&str>, email: Option<&str>) -> Result<Profile, Error> {
    let mut profile = Profile::default();
    profile.apply(&UserPatch {
        name: name.map(Into::into),
        email: email.map(Into::into),
        phone: None,
        locale: None,
    })?;
    Ok(profile)
}

impl Profile {
    /// Applies all changes of a patch, or none. An address that changes is no longer verified.
    fn apply(&mut self, patch: &UserPatch) -> Result<(), Error> {
        let [name, email, phone, locale] =
            [&patch.name, &patch.email, &patch.phone, &patch.locale].map(Option::as_deref);
        check(
            "name",
            name,
            is_name,
            "1 to 100 characters, without control characters and invisible characters",
        )?;
        check(
            "email",
            email,
            is_email,
            "an e-mail address such as ada@example.com",
        )?;
        let e164 =
            "a number in E.164 form, such as +4915112345678: a plus sign, the country code, digits only";
        check("phone", phone, is_phone, e164)?;
        let bcp47 = "a language tag of BCP 47, such as de, en-GB or zh-Hant-TW";
        check("locale", locale, is_locale, bcp47)?;
        replace(&mut self.name, name);
        replace(&mut self.locale, locale);
        self.email_verified &= !replace(&mut self.email, email);
        self.phone_verified &= !replace(&mut self.phone, phone);
        Ok(())
    }
}

/// Checks a new value. `None` leaves a value unchanged, and an empty text removes it.
fn check(
    field: &str,
    new: Option<&str>,
    is_valid: impl Fn(&str) -> bool,
    expected: &str,
) -> Result<(), Error> {
    match new {
        Some(new) if !new.is_empty() && !is_valid(new) => {
            Err(Error::invalid(field, format!("`{field}` must be {expected}.")))
        }
        _ => Ok(()),
    }
}

/// Replaces a value, and returns whether it changed.
fn replace(value: &mut Option<String>, new: Option<&str>) -> bool {
    let Some(new) = new else { return false };
    let new = Some(new).filter(|new| !new.is_empty());
    let changed = value.as_deref() != new;
    *value = new.map(Into::into);
    changed
}

pub fn is_name(text: &str) -> bool {
    text.chars().count() <= 100
        && !text.trim().is_empty()
        && !text.chars().any(char::is_control)
        && !has_forbidden_format(text)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_names_and_locales_within_their_limits() {
        assert!(
            ["Ada", "Ada Lovelace", "李", "👩\u{200D}🚀"]
                .into_iter()
                .all(is_name)
        );
        assert!(
            !["", " ", "a\nb", "A\u{202E}da", "A\u{200B}da", &"a".repeat(101)]
                .into_iter()
                .any(is_name)
        );
        assert!(["de", "en-GB", "zh-Hant-TW"].into_iter().all(is_locale));
        assert!(
            !["", "e", "english", "en_GB", "en-", "en-ümlaut"]
                .into_iter()
                .any(is_locale)
        );
    }

    #[test]
    fn changes_nothing_if_a_part_of_the_patch_is_invalid() {
        let mut profile = Profile::default();
        let patch = |name: &str, email: &str| UserPatch {
            name: Some(name.into()),
            email: Some(email.into()),
            phone: None,
            locale: None,
        };
        assert!(profile.apply(&patch("Ada", "nonsense")).is_err());
        assert_eq!(profile, Profile::default());
        profile.apply(&patch("Ada", "ada@example.com")).unwrap();
        profile.apply(&patch("", "ada@example.org")).unwrap();
        assert_eq!(
            (profile.name, profile.email.as_deref()),
            (None, Some("ada@example.org"))
        );
    }
}
