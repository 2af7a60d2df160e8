//! The events of orders.

use mercato_ports::events::Event;
use mercato_shop::collection::event;
use mercato_shop::orders::Status;
use mercato_shop::types::Error;
use serde::{Deserialize, Serialize};

use crate::status::{Named, name};

/// An order has been inserted.
pub const PLACED: &str = "mercato.orders.order-placed";
/// An order should have been paid by now.
pub const DUE: &str = "mercato.orders.order-due";
/// An order has been given up.
pub const CANCELLED: &str = "mercato.orders.order-cancelled";
/// An order has been paid back.
pub const REFUNDED: &str = "mercato.orders.order-refunded";
/// The catalog asks what has become of a reservation.
pub const RESERVATION_DUE: &str = "mercato.catalog.reservation-due";

/// What every event that this service handles says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderEvent {
    pub order_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Where the order stood before it was moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Named>,
}

/// An order was placed.
pub fn placed(order_id: &str, user_id: &str) -> Result<Event, Error> {
    let data = OrderEvent {
        order_id: order_id.into(),
        user_id: Some(user_id.into()),
        before: None,
    };
    event(PLACED, subject(order_id), &data)
}

/// An order has moved on: `mercato.orders.order-shipped`, and so on.
pub fn moved(order_id: &str, user_id: &str, before: Status, after: Status) -> Result<Event, Error> {
    let data = OrderEvent {
        order_id: order_id.into(),
        user_id: Some(user_id.into()),
        before: Some(Named(before)),
    };
    let kind = format!("mercato.orders.order-{}", name(after));
    event(&kind, subject(order_id), &data)
}

/// Tells when an order should have been paid.
pub fn timer(order_id: &str, due: u64) -> Result<Event, Error> {
    let data = OrderEvent {
        order_id: order_id.into(),
        user_id: None,
        before: None,
    };
    let mut timer = event(DUE, format!("order-due/{order_id}"), &data)?;
    timer.due = Some(due);
    Ok(timer)
}

fn subject(order_id: &str) -> String {
    format!("order/{order_id}")
}
