//! The documents of the service: how they are stored and read.

use std::collections::BTreeMap;

use mercato_shop::collection::{Collection, Stored};
use mercato_shop::id;
use mercato_shop::notifications::{Kind, Medium, Notification, NotificationStatus as Status};
use mercato_shop::ports::Ports;
use mercato_shop::types::Error;
use serde::{Deserialize, Serialize};

use crate::content::Content;
use crate::names::{ByName, Named};
use crate::occasion::{LowStock, Occasion};

/// All notifications, by [`notification_id`]. Their contents are not stored.
pub const NOTIFICATIONS: Collection<NotificationBody> = Collection::new("notifications.messages");

/// The messages of staff that wait, by notification id.
pub const PENDING_MESSAGES: Collection<PendingMessage> = Collection::new("notifications.letters");

/// The preferences of users, by user id.
pub const PREFERENCES: Collection<PreferencesBody> = Collection::new("notifications.preferences");

/// One notification by one medium.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotificationBody {
    pub kind: ByName<Kind>,
    pub medium: ByName<Medium>,
    pub status: ByName<Status>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
    #[serde(default, rename = "scarce", skip_serializing_if = "Option::is_none")]
    pub low_stock: Option<LowStock>,
    /// The masked address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    /// Why the notification was not sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub attempts: u32,
    pub created_at: u64,
    pub updated_at: u64,
}

/// A message of staff with its address. It is personal, so it has no `Debug`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingMessage {
    pub to: String,
    #[serde(rename = "letter")]
    pub content: Content,
    /// In milliseconds since the Unix epoch, UTC.
    pub created_at: u64,
}

/// The choices of a user, by kind and medium. Combinations without a choice have the default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PreferencesBody {
    choices: BTreeMap<String, bool>,
}

/// Returns the id of a notification. The key identifies what happened.
pub fn notification_id(key: &str, medium: Medium) -> String {
    format!("{key}/{}", medium.name())
}

/// Returns a notification.
///
/// # Errors
/// [`Error::NotFound`] if there is none with this id.
pub fn find_notification(ports: &impl Ports, id: &str) -> Result<Stored<NotificationBody>, Error> {
    NOTIFICATIONS
        .get(ports, id)?
        .ok_or_else(|| notification_not_found(id))
}

/// Returns the error for an id without a notification.
pub fn notification_not_found(id: &str) -> Error {
    Error::NotFound(format!("There is no notification {id}."))
}

/// Converts a stored notification for clients.
pub fn to_notification(stored: Stored<NotificationBody>) -> Notification {
    let body = stored.body;
    Notification {
        id: stored.id,
        kind: body.kind.0,
        medium: body.medium.0,
        status: body.status.0,
        user_id: body.user_id,
        order_id: body.order_id,
        recipient: body.recipient,
        reason: body.reason,
        attempts: body.attempts,
        version: stored.version,
        created_at: body.created_at,
        updated_at: body.updated_at,
    }
}

impl NotificationBody {
    /// Returns a new notification that was not sent yet.
    pub fn new(kind: Kind, medium: Medium) -> Self {
        let now = id::now();
        Self {
            kind: ByName(kind),
            medium: ByName(medium),
            status: ByName(Status::Waiting),
            user_id: None,
            order_id: None,
            low_stock: None,
            recipient: None,
            reason: None,
            attempts: 0,
            created_at: now,
            updated_at: now,
        }
    }

    /// Returns a new notification of an occasion.
    pub fn of(occasion: &Occasion, medium: Medium) -> Self {
        Self {
            user_id: occasion.user_id().map(Into::into),
            order_id: occasion.order_id().map(Into::into),
            low_stock: occasion.low_stock().cloned(),
            ..Self::new(occasion.kind(), medium)
        }
    }

    /// Returns the occasion, or nothing for codes and messages of staff, whose texts cannot be rendered
    /// again.
    pub fn occasion(&self) -> Option<Occasion> {
        let user_id = || self.user_id.clone();
        match self.kind.0 {
            Kind::Welcome => Some(Occasion::Welcome { user_id: user_id()? }),
            Kind::LowStock => Some(Occasion::LowStock(self.low_stock.clone()?)),
            kind @ (Kind::OrderPlaced | Kind::OrderPaid | Kind::OrderShipped | Kind::OrderCancelled) => {
                Some(Occasion::Order {
                    kind,
                    order_id: self.order_id.clone()?,
                    user_id: user_id()?,
                })
            }
            Kind::VerificationCode | Kind::Message => None,
        }
    }
}

impl PreferencesBody {
    /// Returns whether a kind is enabled for a medium. By default, e-mails are enabled and SMS are disabled.
    pub fn is_enabled(&self, kind: Kind, medium: Medium) -> bool {
        let choice = self.choices.get(&choice_key(kind, medium)).copied();
        choice.unwrap_or(medium == Medium::Email)
    }

    pub fn set(&mut self, kind: Kind, medium: Medium, enabled: bool) {
        self.choices.insert(choice_key(kind, medium), enabled);
    }
}

fn choice_key(kind: Kind, medium: Medium) -> String {
    format!("{}/{}", kind.name(), medium.name())
}
