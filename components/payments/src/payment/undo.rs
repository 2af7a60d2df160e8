//! Undoes the payment of an order that was cancelled or refunded.

use mercato_shop::payments::PaymentStatus;
use mercato_shop::types::Error;

use super::settlement;
use crate::context::Context;
use crate::refund;
use crate::repository::PAYMENTS;

/// Refunds the payment of an order, or cancels its last attempt. If an attempt succeeds after this, the order
/// does not accept it, and the payment is refunded.
pub fn undo(context: &impl Context, order_id: &str) -> Result<(), Error> {
    let Some(mut payment) = PAYMENTS.get(context.ports(), order_id)? else {
        return Ok(());
    };
    let was_pending = payment.body.status == PaymentStatus::Pending;
    if was_pending {
        payment = settlement::resolve(context, &payment)?.payment;
    }
    match (payment.body.status, &payment.body.reference) {
        (PaymentStatus::Succeeded, _) => {
            refund::request_rest(context.ports(), order_id, "The order was undone.")
        }
        (PaymentStatus::RequiresAction | PaymentStatus::Failed, Some(reference)) if !was_pending => {
            settlement::cancel(context, &payment, reference)
        }
        _ => Ok(()),
    }
}
