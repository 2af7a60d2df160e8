//! The events of users. Their subject is the user, so each user's events are delivered in order.

use mercato_ports::events::Event;
use mercato_shop::accounts::Channel;
use mercato_shop::collection::event;
use mercato_shop::types::Error;
use serde::{Deserialize, Serialize};

use crate::repository::channel_name;

/// A user has registered.
const REGISTERED: &str = "mercato.accounts.user-registered";
/// A user was erased.
const ERASED: &str = "mercato.accounts.user-erased";
/// A code must be sent to a user.
const VERIFICATION_REQUESTED: &str = "mercato.accounts.verification-requested";
/// A link to set a new password must be sent to a user.
pub const PASSWORD_RESET_REQUESTED: &str = "mercato.accounts.password-reset-requested";
/// A user has verified an address.
const CONTACT_VERIFIED: &str = "mercato.accounts.contact-verified";

/// A user has registered.
#[derive(Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct RegisteredEvent<'a> {
    user_id: &'a str,
    username: &'a str,
}

/// A user was erased.
#[derive(Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct ErasedEvent<'a> {
    user_id: &'a str,
}

/// A code must be sent to a user. The data has only the id of the code, because events are stored for long.
#[derive(Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct VerificationRequestedEvent<'a> {
    user_id: &'a str,
    verification_id: &'a str,
    channel: &'a str,
    /// In milliseconds since 1970.
    expires_at: u64,
}

/// A link to set a new password must be sent to a user. The data has only the id of the link, because events
/// are stored for long.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PasswordResetRequestedEvent {
    pub user_id: String,
    pub reset_id: String,
    /// In milliseconds since 1970.
    pub expires_at: u64,
}

/// A user has verified an address.
#[derive(Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct ContactVerifiedEvent<'a> {
    user_id: &'a str,
    channel: &'a str,
}

/// Returns the event of a registration.
pub fn user_registered(user_id: &str, username: &str) -> Result<Event, Error> {
    of_user(REGISTERED, user_id, &RegisteredEvent { user_id, username })
}

/// Returns the event of an erasure.
pub fn user_erased(user_id: &str) -> Result<Event, Error> {
    of_user(ERASED, user_id, &ErasedEvent { user_id })
}

/// Returns the event that asks another service to send a code to the user's phone. The sender looks the code
/// up.
pub fn verification_requested(user_id: &str, verification_id: &str, expires_at: u64) -> Result<Event, Error> {
    let data = VerificationRequestedEvent {
        user_id,
        verification_id,
        channel: channel_name(Channel::Phone),
        expires_at,
    };
    of_user(VERIFICATION_REQUESTED, user_id, &data)
}

/// Returns the event that asks this service to mail a link to set a new password.
pub fn password_reset_requested(data: &PasswordResetRequestedEvent) -> Result<Event, Error> {
    of_user(PASSWORD_RESET_REQUESTED, &data.user_id, data)
}

/// Returns the event of a verified address.
pub fn contact_verified(user_id: &str, channel: Channel) -> Result<Event, Error> {
    let channel = channel_name(channel);
    of_user(
        CONTACT_VERIFIED,
        user_id,
        &ContactVerifiedEvent { user_id, channel },
    )
}

fn of_user(kind: &str, user_id: &str, data: &impl Serialize) -> Result<Event, Error> {
    event(kind, format!("user/{user_id}"), data)
}

/// Returns the JSON Schema of the data of each event, by its kind.
#[cfg(feature = "json-schema")]
#[must_use]
pub fn schemas() -> Vec<(&'static str, schemars::Schema)> {
    vec![
        (REGISTERED, schemars::schema_for!(RegisteredEvent<'_>)),
        (ERASED, schemars::schema_for!(ErasedEvent<'_>)),
        (
            VERIFICATION_REQUESTED,
            schemars::schema_for!(VerificationRequestedEvent<'_>),
        ),
        (
            PASSWORD_RESET_REQUESTED,
            schemars::schema_for!(PasswordResetRequestedEvent),
        ),
        (CONTACT_VERIFIED, schemars::schema_for!(ContactVerifiedEvent<'_>)),
    ]
}
