//! The message as it is stored: what it told of and to whom, never what it said.

use mercato_shop::collection::{Collection, Stored};
use mercato_shop::notifications::{Kind, Medium, Notification, NotificationStatus as Status};
use serde::{Deserialize, Serialize};

use crate::events::{Occasion, Scarce};
use crate::names::{As, Named};

/// All messages; the id is what [`id`] makes.
pub const MESSAGES: Collection<MessageBody> = Collection::new("notifications.messages");

/// A message of one kind by one medium.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageBody {
    pub kind: As<Kind>,
    pub medium: As<Medium>,
    pub status: As<Status>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scarce: Option<Scarce>,
    /// Masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub attempts: u32,
    pub created_at: u64,
    pub updated_at: u64,
}

/// The id of a message about something that happened once.
pub fn id(what: &str, medium: Medium) -> String {
    format!("{what}/{}", medium.name())
}

impl MessageBody {
    /// A message that nothing was done with.
    pub fn new(occasion: &Occasion, medium: Medium, now: u64) -> Self {
        Self {
            kind: As(occasion.kind()),
            medium: As(medium),
            status: As(Status::Skipped),
            user_id: occasion.user_id().map(Into::into),
            order_id: occasion.order_id().map(Into::into),
            scarce: occasion.scarce().cloned(),
            recipient: None,
            reason: None,
            attempts: 0,
            created_at: now,
            updated_at: now,
        }
    }

    /// What it told of, as far as that can be told again.
    pub fn occasion(&self) -> Option<Occasion> {
        let user_id = || self.user_id.clone();
        match self.kind.0 {
            Kind::Welcome => Some(Occasion::Welcome { user_id: user_id()? }),
            Kind::LowStock => Some(Occasion::LowStock(self.scarce.clone()?)),
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

/// What may be told of a message.
pub fn to_notification(stored: Stored<MessageBody>) -> Notification {
    Notification {
        id: stored.id,
        kind: stored.body.kind.0,
        medium: stored.body.medium.0,
        status: stored.body.status.0,
        user_id: stored.body.user_id,
        order_id: stored.body.order_id,
        recipient: stored.body.recipient,
        reason: stored.body.reason,
        attempts: stored.body.attempts,
        version: stored.version,
        created_at: stored.body.created_at,
        updated_at: stored.body.updated_at,
    }
}

/// An address as far as it may be shown: who has it recognises it, and nobody can write to it.
pub fn masked(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => {
            let first: String = local.chars().take(1).collect();
            format!("{first}…@{domain}")
        }
        None => {
            let hidden = address.chars().count().saturating_sub(3);
            let last: String = address.chars().skip(hidden).collect();
            format!("…{last}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn a_masked_address_can_not_be_written_to() {
        assert_eq!(masked("ada@example.com"), "a…@example.com");
        assert_eq!(masked("ö@example.com"), "ö…@example.com");
        assert_eq!(masked("+4915112345678"), "…678");
        assert_eq!(masked("1"), "…1");
    }
}
