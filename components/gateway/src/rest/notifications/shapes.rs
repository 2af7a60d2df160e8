//! The shapes of JSON that tell of notifications.

use mercato_shop::notifications::{
    Kind as Tells, Medium as By, Notification as Sent, NotificationStatus as Stands,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::datetime::DateTime;

/// What a notification tells of.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NotificationKind {
    Welcome,
    OrderPlaced,
    OrderPaid,
    OrderShipped,
    OrderCancelled,
    /// A product runs low; for those who keep the shop.
    LowStock,
    /// A code that proves a phone to be its user's.
    VerificationCode,
    /// What somebody who keeps the shop wrote.
    Message,
}

/// How a notification reaches somebody.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NotificationMedium {
    Email,
    Sms,
}

/// How a notification stands.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum NotificationStatus {
    /// On its way. Where that lasts, a crash came between, and it may have been sent.
    Sending,
    /// It could not be sent yet, and is tried again.
    Waiting,
    /// The mail server, or Twilio, has taken it.
    Sent,
    /// It can't be sent as it is; `reason` says why.
    Failed,
    /// There was nowhere to send it to, or nothing to send it by; `reason` says which.
    Skipped,
}

/// What was sent, or was not. What it said is not kept.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    #[serde(rename = "_id")]
    id: String,
    kind: NotificationKind,
    medium: NotificationMedium,
    status: NotificationStatus,
    /// Whom it was for; null where it was for no user.
    user_id: Option<String>,
    /// The order that it tells of, if any.
    order_id: Option<String>,
    /// Where it was sent to, as far as that may be shown: a…@example.com, …678.
    recipient: Option<String>,
    /// Why it was not sent.
    reason: Option<String>,
    /// How often it was tried.
    attempts: u32,
    /// Counts its changes.
    version: u64,
    created_at: DateTime,
    /// When its status changed last.
    updated_at: DateTime,
}

impl From<Tells> for NotificationKind {
    fn from(kind: Tells) -> Self {
        match kind {
            Tells::Welcome => Self::Welcome,
            Tells::OrderPlaced => Self::OrderPlaced,
            Tells::OrderPaid => Self::OrderPaid,
            Tells::OrderShipped => Self::OrderShipped,
            Tells::OrderCancelled => Self::OrderCancelled,
            Tells::LowStock => Self::LowStock,
            Tells::VerificationCode => Self::VerificationCode,
            Tells::Message => Self::Message,
        }
    }
}

impl From<By> for NotificationMedium {
    fn from(medium: By) -> Self {
        match medium {
            By::Email => Self::Email,
            By::Sms => Self::Sms,
        }
    }
}

impl From<Sent> for Notification {
    fn from(sent: Sent) -> Self {
        Self {
            id: sent.id,
            kind: sent.kind.into(),
            medium: sent.medium.into(),
            status: match sent.status {
                Stands::Sending => NotificationStatus::Sending,
                Stands::Waiting => NotificationStatus::Waiting,
                Stands::Sent => NotificationStatus::Sent,
                Stands::Failed => NotificationStatus::Failed,
                Stands::Skipped => NotificationStatus::Skipped,
            },
            user_id: sent.user_id,
            order_id: sent.order_id,
            recipient: sent.recipient,
            reason: sent.reason,
            attempts: sent.attempts,
            version: sent.version,
            created_at: DateTime(sent.created_at),
            updated_at: DateTime(sent.updated_at),
        }
    }
}

/// An e-mail to be sent.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewEmail {
    pub to: String,
    /// 1 to 200 characters.
    pub subject: String,
    /// 1 to 100,000 characters.
    pub text: String,
    /// The same as HTML, which is sent as it is.
    pub html: Option<String>,
}

/// An SMS to be sent.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewSms {
    /// As E.164 writes it: +4915112345678.
    pub to: String,
    /// 1 to 1,600 characters.
    pub text: String,
}
