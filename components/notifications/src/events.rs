//! The events that the service handles and emits.

use mercato_ports::events::{Event, HandlerFailure};
use mercato_shop::accounts::AuditAction;
use mercato_shop::audit::AuditedAction;
use mercato_shop::collection;
use mercato_shop::handler::{data, unknown_kind};
use mercato_shop::notifications::Kind;
use mercato_shop::types::{Caller, Error};
use serde::{Deserialize, Serialize};

use crate::occasion::Occasion;

/// The event that retries a waiting message of staff.
const MESSAGE_WAITS: &str = "mercato.notifications.message-waits";

/// What an event asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Send notifications about an occasion. Repeated events about the same occasion have the same key.
    Notify { key: String, occasion: Occasion },
    /// Send a waiting message.
    SendPending { notification_id: String },
    /// Erase the data of a user.
    Erase { user_id: String },
}

/// A message of staff waits to be sent.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct MessageData {
    message_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserData {
    user_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OrderData {
    order_id: String,
    user_id: String,
}

/// Parses an event.
///
/// # Errors
/// [`HandlerFailure::Reject`] for invalid data, or for an event that the service does not handle.
pub fn parse(event: &Event) -> Result<Request, HandlerFailure> {
    let occasion = match event.kind.as_str() {
        MESSAGE_WAITS => {
            return Ok(Request::SendPending {
                notification_id: data::<MessageData>(event)?.message_id,
            });
        }
        "mercato.accounts.user-erased" => {
            return Ok(Request::Erase {
                user_id: data::<UserData>(event)?.user_id,
            });
        }
        // A new user has no verified address yet, so the welcome may be sent only after the verification.
        // Both events have the same key, so that it is sent once.
        "mercato.accounts.user-registered" | "mercato.accounts.contact-verified" => {
            let UserData { user_id } = data(event)?;
            return Ok(Request::Notify {
                key: format!("welcome/{user_id}"),
                occasion: Occasion::Welcome { user_id },
            });
        }
        "mercato.accounts.verification-requested" => Occasion::VerificationCode(data(event)?),
        "mercato.catalog.low-stock" => Occasion::LowStock(data(event)?),
        "mercato.orders.order-placed" => order(event, Kind::OrderPlaced)?,
        "mercato.orders.order-paid" => order(event, Kind::OrderPaid)?,
        "mercato.orders.order-shipped" => order(event, Kind::OrderShipped)?,
        "mercato.orders.order-cancelled" => order(event, Kind::OrderCancelled)?,
        _ => return Err(unknown_kind(event)),
    };
    Ok(Request::Notify {
        key: event.id.clone(),
        occasion,
    })
}

fn order(event: &Event, kind: Kind) -> Result<Occasion, HandlerFailure> {
    let OrderData { order_id, user_id } = data(event)?;
    Ok(Occasion::Order {
        kind,
        order_id,
        user_id,
    })
}

/// The event that retries a waiting message of staff.
pub fn message_waits(notification_id: &str) -> Result<Event, Error> {
    let data = MessageData {
        message_id: notification_id.into(),
    };
    collection::event(MESSAGE_WAITS, notification_id.into(), &data)
}

/// An entry for the audit log about an action on the notification or the user with this id.
pub fn audited(caller: &Caller, action: AuditAction, id: &str) -> Result<Event, Error> {
    AuditedAction::by(caller.actor(), action)
        .on(id)
        .event("notifications")
}

/// Returns the JSON Schema of the data of each event, by its kind.
#[cfg(feature = "json-schema")]
#[must_use]
pub fn schemas() -> Vec<(&'static str, schemars::Schema)> {
    vec![(MESSAGE_WAITS, schemars::schema_for!(MessageData))]
}
