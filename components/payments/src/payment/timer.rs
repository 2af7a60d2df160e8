//! The timer of an attempt. It asks the gateway for the outcome until the outcome is known.

use mercato_ports::events::HandlerFailure;
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::payments::PaymentStatus;
use mercato_shop::types::Error;

use super::settlement;
use crate::context::Context;
use crate::events;
use crate::gateway::IDEMPOTENCY_WINDOW;
use crate::repository::{PAYMENTS, PaymentBody, change_payment, get_payment};

/// The first wait, in milliseconds. Each further wait is twice as long.
const FIRST_WAIT: u64 = 60_000;
const MAX_WAIT: u64 = 3_600_000;

/// Returns when the timer is due next, after a number of checks.
pub fn next_due(now: u64, checks: u32) -> u64 {
    let wait = FIRST_WAIT.saturating_mul(2_u64.saturating_pow(checks));
    now.saturating_add(wait.min(MAX_WAIT))
}

/// Asks for the outcome of an attempt. The next timer is set first, so that a crash loses nothing.
pub fn check(context: &impl Context, order_id: &str, attempt: u32) -> Result<(), HandlerFailure> {
    let is_over = |body: &PaymentBody| body.attempt != attempt || body.is_final();
    let Some(payment) = PAYMENTS.get(context.ports(), order_id)? else {
        return Ok(());
    };
    if is_over(&payment.body) {
        return Ok(());
    }
    let now = id::now();
    if now.saturating_sub(payment.body.attempted_at) > IDEMPOTENCY_WINDOW {
        return check_last(context, &payment);
    }
    let payment = change_payment(context.ports(), order_id, &[], |body| {
        if is_over(body) {
            return Ok(None);
        }
        let due = next_due(now, body.checks.saturating_add(1));
        Ok(Some(vec![events::timer(order_id, attempt, due)?]))
    })?;
    match settlement::resolve(context, &payment) {
        // The next timer repeats the check.
        Err(Error::Unavailable(reason)) => {
            eprintln!("failed to check the payment of order {order_id}: {reason}");
            Ok(())
        }
        resolved => Ok(resolved.map(drop)?),
    }
}

/// Checks an attempt for the last time. An attempt that waits for the customer is cancelled.
///
/// # Errors
/// [`HandlerFailure::Reject`] if the outcome stays unknown, so that an operator finds it out.
fn check_last(context: &impl Context, payment: &Stored<PaymentBody>) -> Result<(), HandlerFailure> {
    match &payment.body.reference {
        Some(reference) if payment.body.status == PaymentStatus::RequiresAction => {
            settlement::cancel(context, payment, reference)?;
        }
        _ => {
            if let Some(reason) = settlement::resolve(context, payment)?.unavailable {
                return Err(HandlerFailure::Retry(reason));
            }
        }
    }
    let body = get_payment(context.ports(), &payment.id)?.body;
    if body.attempt == payment.body.attempt && body.status == PaymentStatus::Pending {
        return Err(HandlerFailure::Reject(format!(
            "it is unknown whether order {} was paid in attempt {}: look it up at the payment gateway",
            payment.id, body.attempt
        )));
    }
    Ok(())
}
