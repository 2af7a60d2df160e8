//! The events of payments.

use mercato_common::collection::event;
use mercato_common::types::Error;
use mercato_ports::events::Event;
use serde::{Deserialize, Serialize};

/// Money was taken: the order is to hear of it.
pub const SUCCEEDED: &str = "mercato.payments.payment-succeeded";
/// All of it was given back: the order is to hear of it.
pub const REFUNDED: &str = "mercato.payments.payment-refunded";
/// An attempt whose outcome is not known is to be looked at.
pub const DUE: &str = "mercato.payments.payment-due";
/// A refund is to be made.
pub const REFUND_REQUESTED: &str = "mercato.payments.refund-requested";
/// A refund has failed where nobody waits for its answer: a person is to hear of it.
pub const REFUND_FAILED: &str = "mercato.payments.refund-failed";
/// An order has been given up.
pub const ORDER_CANCELLED: &str = "mercato.orders.order-cancelled";
/// Somebody said of an order that it is paid back.
pub const ORDER_REFUNDED: &str = "mercato.orders.order-refunded";

/// What every event that this service handles says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentEvent {
    /// The payment's id as well.
    pub order_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_id: Option<String>,
}

/// Tells of a payment: [`SUCCEEDED`] or [`REFUNDED`].
pub fn of_payment(kind: &str, order_id: &str) -> Result<Event, Error> {
    let data = PaymentEvent {
        order_id: order_id.into(),
        attempt: None,
        refund_id: None,
    };
    event(kind, format!("payment/{order_id}"), &data)
}

/// Has an attempt looked at.
pub fn timer(order_id: &str, attempt: u32, due: u64) -> Result<Event, Error> {
    let data = PaymentEvent {
        order_id: order_id.into(),
        attempt: Some(attempt),
        refund_id: None,
    };
    let mut timer = event(DUE, format!("payment-due/{order_id}/{attempt}"), &data)?;
    timer.due = Some(due);
    Ok(timer)
}

/// Tells of a refund: [`REFUND_REQUESTED`] or [`REFUND_FAILED`].
pub fn of_refund(kind: &str, order_id: &str, refund_id: &str) -> Result<Event, Error> {
    let data = PaymentEvent {
        order_id: order_id.into(),
        attempt: None,
        refund_id: Some(refund_id.into()),
    };
    event(kind, format!("refund/{refund_id}"), &data)
}
