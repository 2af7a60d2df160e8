//! Preferences: which notifications a user receives, and by which medium.

use mercato_shop::accounts::AuditAction;
use mercato_shop::collection::Stored;
use mercato_shop::notifications::{Kind, Medium, Preference};
use mercato_shop::ports::Ports;
use mercato_shop::retry::retry_on_conflict;
use mercato_shop::services::Contacts;
use mercato_shop::types::{Caller, Error};

use crate::events;
use crate::repository::{PREFERENCES, PreferencesBody};

/// The kinds that users can disable. Codes are always sent, and the other kinds are not for customers.
const KINDS: [Kind; 5] = [
    Kind::Welcome,
    Kind::OrderPlaced,
    Kind::OrderPaid,
    Kind::OrderShipped,
    Kind::OrderCancelled,
];

/// Returns all preferences of the user, or of the caller.
///
/// # Errors
/// [`Error::Forbidden`] or [`Error::Unauthenticated`] for the preferences of another user.
/// [`Error::NotFound`] if the user does not exist.
pub fn preferences(
    ports: &impl Ports,
    contacts: &impl Contacts,
    caller: &Caller,
    user_id: Option<&str>,
) -> Result<Vec<Preference>, Error> {
    let user_id = require_user(contacts, caller, user_id)?;
    Ok(list(&of(ports, user_id)?))
}

/// Sets some preferences of the user, or of the caller. Returns all of them.
///
/// # Errors
/// As [`preferences`]. [`Error::Invalid`] for a kind that cannot be disabled.
pub fn set_preferences(
    ports: &impl Ports,
    contacts: &impl Contacts,
    caller: &Caller,
    user_id: Option<&str>,
    choices: &[Preference],
) -> Result<Vec<Preference>, Error> {
    let user_id = require_user(contacts, caller, user_id)?;
    if let Some(index) = choices.iter().position(|choice| !KINDS.contains(&choice.kind)) {
        return Err(Error::invalid(
            format!("preferences[{index}].kind"),
            "`kind` must be one of the kinds that notificationPreferences lists.",
        ));
    }
    let audited = if caller.user_id() == Some(user_id) {
        None
    } else {
        Some(events::audited(caller, AuditAction::PreferencesChange, user_id)?)
    };
    let busy = || {
        Error::Unavailable("Other requests keep changing these preferences. Try again in a moment.".into())
    };
    retry_on_conflict(busy, || {
        let stored = PREFERENCES.get(ports, user_id)?;
        let version = stored.as_ref().map(|stored| stored.version);
        let mut body = stored.map(|stored| stored.body).unwrap_or_default();
        for choice in choices {
            body.set(choice.kind, choice.medium, choice.enabled);
        }
        let all = list(&body);
        let write = match version {
            Some(version) => PREFERENCES.replace(&Stored {
                id: user_id.into(),
                version,
                body,
            })?,
            None => PREFERENCES.insert(user_id, &body)?,
        };
        ports.commit(&[write], audited.as_slice())?;
        Ok(all)
    })
}

/// Returns the stored preferences of a user, or the defaults.
pub fn of(ports: &impl Ports, user_id: &str) -> Result<PreferencesBody, Error> {
    let stored = PREFERENCES.get(ports, user_id)?;
    Ok(stored.map(|stored| stored.body).unwrap_or_default())
}

fn list(body: &PreferencesBody) -> Vec<Preference> {
    let preference = |kind, medium| Preference {
        kind,
        medium,
        enabled: body.is_enabled(kind, medium),
    };
    KINDS
        .into_iter()
        .flat_map(|kind| [Medium::Email, Medium::Sms].map(|medium| preference(kind, medium)))
        .collect()
}

fn require_user<'a>(
    contacts: &impl Contacts,
    caller: &'a Caller,
    user_id: Option<&'a str>,
) -> Result<&'a str, Error> {
    let Some(user_id) = user_id else {
        return caller.require_user("The API key has no preferences. Give the id of a user.");
    };
    caller.require_admin_or(user_id, "You can see and change only your own preferences.")?;
    if caller.user_id() != Some(user_id) {
        let found = contacts.look_up(&[user_id.to_owned()])?;
        found
            .into_iter()
            .next()
            .flatten()
            .ok_or_else(|| Error::NotFound(format!("There is no user {user_id}.")))?;
    }
    Ok(user_id)
}
