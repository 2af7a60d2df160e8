//! The events of payments.

use mercato_ports::events::Event;
use mercato_shop::collection::event;
use mercato_shop::types::Error;
use serde::{Deserialize, Serialize};

use crate::payment::{PaymentBody, RefundBody, RefundStage};

/// Money was taken: the order is to hear of it.
pub const SUCCEEDED: &str = "mercato.payments.payment-succeeded";
/// Some of it was given back, or all: with the last part the order is to hear of it.
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

/// What [`REFUNDED`] says besides. All amounts are in minor units of the currency.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RefundedEvent<'a> {
    order_id: &'a str,
    refund_id: &'a str,
    /// Of this refund.
    amount: i64,
    /// What is given back in all.
    refunded: i64,
    /// What was paid.
    paid: i64,
    currency: &'a str,
}

/// Tells that a payment was taken.
pub fn succeeded(order_id: &str) -> Result<Event, Error> {
    let data = PaymentEvent {
        order_id: order_id.into(),
        attempt: None,
        refund_id: None,
    };
    event(SUCCEEDED, format!("payment/{order_id}"), &data)
}

/// Tells of each refund of a payment that has succeeded since this was all of them, in their order.
pub fn refunded(order_id: &str, before: &[RefundBody], body: &PaymentBody) -> Result<Vec<Event>, Error> {
    let has_succeeded = |refund: &&RefundBody| refund.stage == RefundStage::Succeeded;
    let is_new = |refund: &&RefundBody| {
        let known = before.iter().find(|known| known.id == refund.id);
        !known.is_some_and(|known| known.stage == RefundStage::Succeeded)
    };
    let told = body.refunds.iter().filter(has_succeeded).filter(is_new);
    told.map(|refund| {
        let data = RefundedEvent {
            order_id,
            refund_id: &refund.id,
            amount: refund.amount,
            refunded: body.refunded(),
            paid: body.amount,
            currency: &body.currency,
        };
        event(REFUNDED, format!("payment/{order_id}"), &data)
    })
    .collect()
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
