//! The events of orders, and their data.

use mercato_ports::events::Event;
use mercato_shop::collection::event;
use mercato_shop::orders::Status;
use mercato_shop::types::Error;
use serde::{Deserialize, Serialize};

use crate::repository::StoredStatus;
use crate::status::name;

/// An order was placed.
pub const PLACED: &str = "mercato.orders.order-placed";
/// The deadline for the payment of an order has passed.
pub const DUE: &str = "mercato.orders.order-due";
/// An order was cancelled.
pub const CANCELLED: &str = "mercato.orders.order-cancelled";
/// An order was refunded.
pub const REFUNDED: &str = "mercato.orders.order-refunded";
/// A reservation of the catalog service has expired.
pub const RESERVATION_DUE: &str = "mercato.catalog.reservation-due";

/// The data of every event that this service handles.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderEvent {
    pub order_id: String,
    /// The status before a change.
    pub before: Option<StoredStatus>,
}

/// A user placed an order.
#[derive(Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct PlacedEvent<'a> {
    order_id: &'a str,
    user_id: &'a str,
}

/// An order has another status, which the kind of the event names.
#[derive(Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct StatusChangedEvent<'a> {
    order_id: &'a str,
    user_id: &'a str,
    /// The status before the change.
    before: &'a str,
}

/// The deadline for the payment of an order has passed.
#[derive(Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct DueEvent<'a> {
    order_id: &'a str,
}

/// Returns the event of a placement.
pub fn placed(order_id: &str, user_id: &str) -> Result<Event, Error> {
    event(
        PLACED,
        format!("order/{order_id}"),
        &PlacedEvent { order_id, user_id },
    )
}

/// Returns the event of a change of status, such as `mercato.orders.order-shipped`.
pub fn status_changed(order_id: &str, user_id: &str, before: Status, after: Status) -> Result<Event, Error> {
    let kind = format!("mercato.orders.order-{}", name(after));
    let data = StatusChangedEvent {
        order_id,
        user_id,
        before: name(before),
    };
    event(&kind, format!("order/{order_id}"), &data)
}

/// Returns the timer of a payment deadline.
pub fn timer(order_id: &str, due: u64) -> Result<Event, Error> {
    // A timer has a subject of its own, so that the order's events do not wait for it.
    let mut timer = event(DUE, format!("order-due/{order_id}"), &DueEvent { order_id })?;
    timer.due = Some(due);
    Ok(timer)
}

/// Returns the JSON Schema of the data of each event, by its kind.
#[cfg(feature = "json-schema")]
#[must_use]
pub fn schemas() -> Vec<(&'static str, schemars::Schema)> {
    let changed = schemars::schema_for!(StatusChangedEvent<'_>);
    vec![
        (PLACED, schemars::schema_for!(PlacedEvent<'_>)),
        ("mercato.orders.order-paid", changed.clone()),
        ("mercato.orders.order-processing", changed.clone()),
        ("mercato.orders.order-shipped", changed.clone()),
        ("mercato.orders.order-delivered", changed.clone()),
        (CANCELLED, changed.clone()),
        (REFUNDED, changed),
        (DUE, schemars::schema_for!(DueEvent<'_>)),
    ]
}
