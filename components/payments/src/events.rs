//! The events of payments and refunds, and their data.

use mercato_ports::events::Event;
use mercato_shop::collection::event;
use mercato_shop::payments::RefundStatus;
use mercato_shop::types::Error;
use serde::{Deserialize, Serialize};

use crate::repository::{PaymentBody, RefundBody};

/// A payment succeeded: the order must be marked as paid.
pub const SUCCEEDED: &str = "mercato.payments.payment-succeeded";
/// A refund succeeded. If all of the payment is refunded, the order must be marked as refunded.
pub const REFUNDED: &str = "mercato.payments.payment-refunded";
/// An attempt may have no known outcome: the gateway must be asked.
pub const DUE: &str = "mercato.payments.payment-due";
/// A refund must be made at the gateway.
pub const REFUND_REQUESTED: &str = "mercato.payments.refund-requested";
/// A refund failed, and no caller waits for its outcome. An operator must see it.
pub const REFUND_FAILED: &str = "mercato.payments.refund-failed";
/// An order was cancelled.
pub const ORDER_CANCELLED: &str = "mercato.orders.order-cancelled";
/// An order was marked as refunded.
pub const ORDER_REFUNDED: &str = "mercato.orders.order-refunded";

/// The data of every event that this service handles.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentEvent {
    /// The id of the order and of its payment.
    pub order_id: String,
    pub attempt: Option<u32>,
    pub refund_id: Option<String>,
}

/// The payment of an order succeeded.
#[derive(Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct SucceededEvent<'a> {
    order_id: &'a str,
}

/// A refund of a payment succeeded. Amounts are in minor units.
#[derive(Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct RefundedEvent<'a> {
    order_id: &'a str,
    refund_id: &'a str,
    /// The amount of this refund.
    amount: i64,
    /// The sum of all refunds of the payment.
    refunded: i64,
    /// The amount of the payment.
    paid: i64,
    currency: &'a str,
}

/// An attempt to pay may have no known outcome.
#[derive(Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct DueEvent<'a> {
    order_id: &'a str,
    attempt: u32,
}

/// A refund was requested, or failed, as the kind of the event says.
#[derive(Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct RefundEvent<'a> {
    order_id: &'a str,
    refund_id: &'a str,
}

/// Returns the event of a payment that succeeded.
pub fn succeeded(order_id: &str) -> Result<Event, Error> {
    event(
        SUCCEEDED,
        format!("payment/{order_id}"),
        &SucceededEvent { order_id },
    )
}

/// Returns one event for each refund that has succeeded since `before`.
pub fn refunded(order_id: &str, before: &[RefundBody], body: &PaymentBody) -> Result<Vec<Event>, Error> {
    let has_succeeded = |refund: &RefundBody| refund.status == RefundStatus::Succeeded;
    let is_new = |refund: &&RefundBody| {
        let known = before.iter().find(|known| known.id == refund.id);
        has_succeeded(refund) && !known.is_some_and(has_succeeded)
    };
    let event = |refund: &RefundBody| {
        let data = RefundedEvent {
            order_id,
            refund_id: &refund.id,
            amount: refund.amount,
            refunded: body.refunded(),
            paid: body.amount,
            currency: &body.currency,
        };
        event(REFUNDED, format!("payment/{order_id}"), &data)
    };
    body.refunds.iter().filter(is_new).map(event).collect()
}

/// Returns the timer of an attempt.
pub fn timer(order_id: &str, attempt: u32, due: u64) -> Result<Event, Error> {
    let data = DueEvent { order_id, attempt };
    // A timer has a subject of its own, so that the payment's events do not wait for it.
    let mut timer = event(DUE, format!("payment-due/{order_id}/{attempt}"), &data)?;
    timer.due = Some(due);
    Ok(timer)
}

/// Returns the event of a refund that is requested.
pub fn refund_requested(order_id: &str, refund_id: &str) -> Result<Event, Error> {
    of_refund(REFUND_REQUESTED, order_id, refund_id)
}

/// Returns the event of a refund that failed.
pub fn refund_failed(order_id: &str, refund_id: &str) -> Result<Event, Error> {
    of_refund(REFUND_FAILED, order_id, refund_id)
}

fn of_refund(kind: &str, order_id: &str, refund_id: &str) -> Result<Event, Error> {
    let data = RefundEvent { order_id, refund_id };
    event(kind, format!("refund/{refund_id}"), &data)
}

/// Returns the JSON Schema of the data of each event, by its kind.
#[cfg(feature = "json-schema")]
#[must_use]
pub fn schemas() -> Vec<(&'static str, schemars::Schema)> {
    let refund = schemars::schema_for!(RefundEvent<'_>);
    vec![
        (SUCCEEDED, schemars::schema_for!(SucceededEvent<'_>)),
        (REFUNDED, schemars::schema_for!(RefundedEvent<'_>)),
        (DUE, schemars::schema_for!(DueEvent<'_>)),
        (REFUND_REQUESTED, refund.clone()),
        (REFUND_FAILED, refund),
    ]
}
