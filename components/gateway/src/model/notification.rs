//! Notifications and notification preferences.

use async_graphql::{Enum, InputObject, SimpleObject};
use mercato_shop::notifications;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::convert::convert;
use crate::model::entity_id::EntityId;
use crate::model::scalar::{DateTime, Id, Int, names_only};

/// The subject of a notification.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, JsonSchema, Enum)]
#[graphql(remote = "notifications::Kind")]
#[serde(rename_all = "kebab-case")]
pub enum NotificationKind {
    /// A user registered and verified an address.
    Welcome,
    /// An order was placed.
    OrderPlaced,
    /// An order was paid.
    OrderPaid,
    /// An order was shipped.
    OrderShipped,
    /// An order was cancelled.
    OrderCancelled,
    /// The stock of a product is low. Sent to the operator.
    LowStock,
    /// A code that verifies a phone number.
    VerificationCode,
    /// A message that staff wrote.
    Message,
}

/// How a notification is sent.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, JsonSchema, Enum)]
#[graphql(remote = "notifications::Medium")]
#[serde(rename_all = "kebab-case")]
#[schemars(transform = names_only)]
pub enum NotificationMedium {
    /// By e-mail.
    Email,
    /// By SMS.
    Sms,
}

/// The status of a notification.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, JsonSchema, Enum)]
#[graphql(remote = "notifications::NotificationStatus")]
#[serde(rename_all = "kebab-case")]
pub enum NotificationStatus {
    /// Sending has begun. If this lasts, a crash interrupted it, and the notification may have been sent.
    Sending,
    /// The last attempt failed, and the shop will try again.
    Waiting,
    /// The mail server or Twilio accepted it.
    Sent,
    /// It cannot be sent as it is. See `reason`.
    Failed,
    /// There was no verified address, or no service to send it with. See `reason`.
    Skipped,
}

/// A notification that was sent or skipped. Its text is not kept.
#[derive(Serialize, JsonSchema, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    #[graphql(flatten)]
    #[serde(flatten)]
    pub id: EntityId,
    /// What it is about.
    kind: NotificationKind,
    /// How it is sent.
    medium: NotificationMedium,
    /// Whether it was sent.
    status: NotificationStatus,
    /// The user that it was for. Null if it was for an address without a user.
    user_id: Option<Id>,
    /// The order that it is about, if any.
    order_id: Option<Id>,
    /// A masked address, such as a…@example.com or …678.
    recipient: Option<String>,
    /// Why it was not sent.
    reason: Option<String>,
    /// The number of attempts so far.
    attempts: Int<u32>,
    /// Increases with each change of the notification.
    version: Int<u64>,
    /// When the shop decided to send it.
    created_at: DateTime,
    /// When the status last changed.
    updated_at: DateTime,
}

/// Which notifications to list. All conditions must hold.
#[derive(Default, InputObject)]
pub struct NotificationFilter {
    /// Customers can list only their own notifications.
    user: Option<Id>,
    /// Only notifications of this kind.
    kind: Option<NotificationKind>,
    /// Only notifications in this medium.
    medium: Option<NotificationMedium>,
    /// Only notifications with this status.
    status: Option<NotificationStatus>,
}

/// Whether a user receives one kind of notification in one medium.
#[derive(Serialize, SimpleObject, InputObject)]
#[graphql(input_name = "NotificationPreferenceInput")]
pub struct NotificationPreference {
    /// The kind of notification.
    kind: NotificationKind,
    /// The medium.
    medium: NotificationMedium,
    /// Whether the user receives it.
    enabled: bool,
}

/// An e-mail to send.
#[derive(Deserialize, JsonSchema, InputObject)]
#[graphql(name = "SendEmailInput")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewEmail {
    /// The e-mail address of the recipient.
    to: String,
    /// 1 to 200 characters.
    subject: String,
    /// 1 to 100,000 characters.
    text: String,
    /// The same message as HTML. It is sent unchanged.
    html: Option<String>,
    /// Your own key, at most 100 characters. Messages with the same key are sent once.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// An SMS to send.
#[derive(Deserialize, JsonSchema, InputObject)]
#[graphql(name = "SendSmsInput")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewSms {
    /// In E.164, such as +4915112345678.
    to: String,
    /// 1 to 1,600 characters.
    text: String,
    /// Your own key, at most 100 characters. Messages with the same key are sent once.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

convert!(
    notifications::Kind => NotificationKind,
    NotificationKind => notifications::Kind,
    notifications::Medium => NotificationMedium,
    NotificationMedium => notifications::Medium,
    notifications::NotificationStatus => NotificationStatus,
    NotificationStatus => notifications::NotificationStatus,
);
convert!(notifications::Notification => Notification {
    id, kind, medium, status, user_id, order_id, recipient, reason, attempts, version, created_at, updated_at,
});
convert!(NotificationFilter => notifications::NotificationFilter { user_id: user, kind, medium, status });
convert!(notifications::Preference => NotificationPreference { kind, medium, enabled });
convert!(NotificationPreference => notifications::Preference { kind, medium, enabled });
convert!(NewEmail => notifications::Email { to, subject, text, html, idempotency_key });
convert!(NewSms => notifications::Sms { to, text, idempotency_key });
