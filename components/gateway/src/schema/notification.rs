//! `Notification`, and what users choose to hear of.

pub mod operations;

use async_graphql::{Enum, ID, InputObject, Object, SimpleObject};
use mercato_shop::notifications::{
    Email, Kind, Medium, Notification, NotificationFilter as Filter, NotificationStatus as Status,
    Preference, Sms,
};

use crate::schema::datetime::DateTime;
use crate::schema::product::int;

/// What a notification tells of.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Kind")]
pub enum NotificationKind {
    /// Somebody has become a user, and has an address that is verified.
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
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Medium")]
pub enum NotificationMedium {
    Email,
    Sms,
}

/// How a notification stands.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Status")]
pub enum NotificationStatus {
    /// On its way. Where that lasts, a crash came between, and it may have been sent.
    Sending,
    /// It could not be sent yet, and is tried again when its event comes again, until that is a dead letter.
    Waiting,
    /// The mail server, or Twilio, has taken it.
    Sent,
    /// It can't be sent as it is; `reason` says why.
    Failed,
    /// There was nowhere to send it to, or nothing to send it by; `reason` says which.
    Skipped,
}

/// What was sent, or was not.
pub struct NotificationObject(pub Notification);

/// What was sent, or was not. What it said is not kept.
#[Object(name = "Notification")]
impl NotificationObject {
    #[graphql(name = "_id")]
    async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    async fn kind(&self) -> NotificationKind {
        self.0.kind.into()
    }

    async fn medium(&self) -> NotificationMedium {
        self.0.medium.into()
    }

    async fn status(&self) -> NotificationStatus {
        self.0.status.into()
    }

    /// Whom it was for; null where it was for no user.
    async fn user_id(&self) -> Option<ID> {
        self.0.user_id.clone().map(ID)
    }

    /// The order that it tells of, if any.
    async fn order_id(&self) -> Option<ID> {
        self.0.order_id.clone().map(ID)
    }

    /// Where it was sent to, as far as that may be shown: a…@example.com, …678.
    async fn recipient(&self) -> Option<&str> {
        self.0.recipient.as_deref()
    }

    /// Why it was not sent.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// How often it was tried.
    async fn attempts(&self) -> i32 {
        int(i64::from(self.0.attempts))
    }

    /// Counts its changes.
    async fn version(&self) -> i32 {
        int(i64::try_from(self.0.version).unwrap_or(i64::MAX))
    }

    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When its status changed last.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }
}

/// Which notifications; all that is given must hold.
#[derive(Default, InputObject)]
pub struct NotificationFilter {
    /// For a customer, no other's than the own.
    user: Option<ID>,
    kind: Option<NotificationKind>,
    medium: Option<NotificationMedium>,
    status: Option<NotificationStatus>,
}

impl From<NotificationFilter> for Filter {
    fn from(filter: NotificationFilter) -> Self {
        Self {
            user_id: filter.user.map(|id| id.0),
            kind: filter.kind.map(Into::into),
            medium: filter.medium.map(Into::into),
            status: filter.status.map(Into::into),
        }
    }
}

/// Whether a user wants to hear of something in some way.
#[derive(SimpleObject)]
pub struct NotificationPreference {
    kind: NotificationKind,
    medium: NotificationMedium,
    enabled: bool,
}

impl From<Preference> for NotificationPreference {
    fn from(preference: Preference) -> Self {
        Self {
            kind: preference.kind.into(),
            medium: preference.medium.into(),
            enabled: preference.enabled,
        }
    }
}

/// What to choose of what `notificationPreferences` lists.
#[derive(InputObject)]
pub struct NotificationPreferenceInput {
    kind: NotificationKind,
    medium: NotificationMedium,
    enabled: bool,
}

impl From<NotificationPreferenceInput> for Preference {
    fn from(input: NotificationPreferenceInput) -> Self {
        Self {
            kind: input.kind.into(),
            medium: input.medium.into(),
            enabled: input.enabled,
        }
    }
}

/// An e-mail to be sent.
#[derive(InputObject)]
pub struct SendEmailInput {
    to: String,
    /// 1 to 200 characters.
    subject: String,
    /// 1 to 100,000 characters.
    text: String,
    /// The same as HTML, which is sent as it is.
    html: Option<String>,
    /// Of your choice, at most 100 characters: the same again is sent once.
    idempotency_key: Option<String>,
}

impl From<SendEmailInput> for Email {
    fn from(input: SendEmailInput) -> Self {
        Self {
            to: input.to,
            subject: input.subject,
            text: input.text,
            html: input.html,
            idempotency_key: input.idempotency_key,
        }
    }
}

/// An SMS to be sent.
#[derive(InputObject)]
pub struct SendSmsInput {
    /// As E.164 writes it: +4915112345678.
    to: String,
    /// 1 to 1,600 characters.
    text: String,
    /// Of your choice, at most 100 characters: the same again is sent once.
    idempotency_key: Option<String>,
}

impl From<SendSmsInput> for Sms {
    fn from(input: SendSmsInput) -> Self {
        Self {
            to: input.to,
            text: input.text,
            idempotency_key: input.idempotency_key,
        }
    }
}
