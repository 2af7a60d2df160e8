//! Refunds. A refund is first claimed in the payment's document, so that all refunds together never exceed
//! the payment.

use mercato_ports::documents::Write;
use mercato_ports::events::{Event, HandlerFailure};
use mercato_shop::accounts::AuditAction;
use mercato_shop::audit::AuditedAction;
use mercato_shop::collection::Stored;
use mercato_shop::payments::{Payment, PaymentStatus, RefundInput, RefundStatus};
use mercato_shop::ports::Ports;
use mercato_shop::services::Settlement;
use mercato_shop::types::{Caller, Error};
use mercato_shop::{currency, id, text};

use crate::context::Context;
use crate::gateway::{self, GatewayError, IDEMPOTENCY_WINDOW, RefundRequest, RefundState};
use crate::repository::{PaymentBody, RefundBody, change_payment, get_payment, to_payment};
use crate::{events, settings};

/// In characters.
const MAX_REASON: usize = 500;
const MAX_KEY: usize = 100;

/// How many refunds a payment can have.
const MAX_REFUNDS: usize = 100;

/// The reason of refunds that were made directly at the gateway. It marks them in documents, so it must not
/// change.
const AT_GATEWAY: &str = "Given back at the payment gateway.";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Succeeded,
    /// The time is that of the failure, if the gateway had accepted the refund before.
    Failed(Option<u64>),
}

/// How the failure of a refund is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// In the answer to the request.
    Answer,
    /// By an event, since no caller waits.
    Event,
}

/// Refunds a payment, in whole or in part, for an ADMIN or the API key.
///
/// # Errors
/// [`Error::InvalidTransition`] if the payment can't be refunded, [`Error::Invalid`] if the amount is too
/// large.
pub fn refund(context: &impl Context, caller: &Caller, input: &RefundInput) -> Result<Payment, Error> {
    caller.require_admin()?;
    let (id, refund_id) = (&input.payment_id, id::new());
    let line = |field, max, value| {
        text::trimmed(value)
            .map(|value| text::line(field, max, value))
            .transpose()
    };
    let reason = line("reason", MAX_REASON, input.reason.as_deref())?;
    let key = line("idempotencyKey", MAX_KEY, input.idempotency_key.as_deref())?;
    let payment = change_payment(context.ports(), id, &[], |body| {
        let known = body.refunds.iter().find(|refund| refund.key.as_deref() == key);
        if let Some(known) = known.filter(|_| key.is_some()) {
            return match input.amount {
                Some(amount) if amount != known.amount => Err(Error::invalid(
                    "idempotencyKey",
                    format!(
                        "This key was used for a refund of {}. Use a new key for each refund.",
                        currency::with_code(known.amount, &body.currency)
                    ),
                )),
                _ => Ok(None),
            };
        }
        let amount = check_amount(body, input.amount)?;
        body.claim(&refund_id, amount, reason, key);
        let act = AuditedAction::by(caller.actor(), AuditAction::PaymentRefund)
            .on(id)
            .detail(currency::with_code(amount, &body.currency));
        Ok(Some(vec![
            events::refund_requested(id, &refund_id)?,
            act.event("payments")?,
        ]))
    })?;
    if !payment.body.refunds.iter().any(|refund| refund.id == refund_id) {
        return Ok(to_payment(payment));
    }
    match request(context, payment, &refund_id, Report::Answer) {
        // The refund stays claimed, and its event repeats the request.
        Err(Error::Unavailable(_)) => get_payment(context.ports(), id).map(to_payment),
        requested => requested.map(to_payment),
    }
}

/// Claims a refund of everything that is left. Its event makes the refund.
pub fn request_rest(ports: &impl Ports, payment_id: &str, reason: &str) -> Result<(), Error> {
    let refund_id = id::new();
    change_payment(ports, payment_id, &[], |body| {
        let rest = body.refundable();
        if rest == 0 {
            return Ok(None);
        }
        body.claim(&refund_id, rest, Some(reason), None);
        Ok(Some(vec![events::refund_requested(payment_id, &refund_id)?]))
    })
    .map(drop)
}

/// Makes a claimed refund, for the event of its claim.
pub fn make(context: &impl Context, payment_id: &str, refund_id: &str) -> Result<(), Error> {
    let payment = get_payment(context.ports(), payment_id)?;
    request(context, payment, refund_id, Report::Event).map(drop)
}

/// Rejects the event of a failed refund until other refunds have replaced it, so that an operator sees it.
pub fn check_failed(ports: &impl Ports, payment_id: &str, refund_id: &str) -> Result<(), HandlerFailure> {
    if !get_payment(ports, payment_id)?.body.lacks(refund_id) {
        return Ok(());
    }
    Err(HandlerFailure::Reject(format!(
        "a refund of order {payment_id} failed: refund the payment again, or refund it at the payment gateway"
    )))
}

/// Marks the order of a payment as refunded if all of the payment is refunded.
pub fn settle_order(context: &impl Context, id: &str) -> Result<(), Error> {
    if get_payment(context.ports(), id)?.body.is_refunded() {
        context.orders().mark_refunded(id)?;
    }
    Ok(())
}

/// Records the outcome of a refund. `claims` are inserts that make a repetition change nothing.
pub fn record(
    context: &impl Context,
    payment_id: &str,
    refund_id: &str,
    outcome: Outcome,
    report: Report,
    claims: &[Write],
) -> Result<Stored<PaymentBody>, Error> {
    change_refunds(context, payment_id, claims, |body| {
        let mut refunds = body.refunds.iter_mut();
        let Some(refund) = refunds.find(|refund| refund.id == refund_id) else {
            return Ok(Vec::new());
        };
        match outcome {
            Outcome::Succeeded if refund.status == RefundStatus::Pending => {
                refund.status = RefundStatus::Succeeded;
            }
            Outcome::Failed(at) if refund.status != RefundStatus::Failed => {
                refund.status = RefundStatus::Failed;
                refund.failed_at = at;
                if report == Report::Event {
                    return Ok(vec![events::refund_failed(payment_id, refund_id)?]);
                }
            }
            Outcome::Succeeded | Outcome::Failed(_) => {}
        }
        Ok(Vec::new())
    })
}

/// Requests a claimed refund from the gateway, and records the outcome.
///
/// # Errors
/// [`Error::Unavailable`] if the request must be repeated.
fn request(
    context: &impl Context,
    payment: Stored<PaymentBody>,
    refund_id: &str,
    report: Report,
) -> Result<Stored<PaymentBody>, Error> {
    let body = &payment.body;
    let refund = body.refunds.iter().find(|refund| refund.id == refund_id);
    let (Some(refund), Some(reference)) = (refund, &body.reference) else {
        return Err(Error::Internal(format!(
            "the refund {refund_id} belongs to no payment"
        )));
    };
    if refund.status != RefundStatus::Pending {
        return Ok(payment);
    }
    let state = settings::gateway_named(context.ports(), &body.gateway)?.refund(&RefundRequest {
        payment_id: &payment.id,
        refund_id,
        reference,
        amount: body.in_gateway_units(refund.amount),
        is_late: id::now().saturating_sub(refund.created_at) > IDEMPOTENCY_WINDOW,
    });
    let outcome = match state {
        Ok(RefundState::Succeeded) => Outcome::Succeeded,
        Ok(RefundState::Failed) => Outcome::Failed(Some(id::now())),
        // A webhook brings the outcome.
        Ok(RefundState::Pending) => return Ok(payment),
        Err(GatewayError::Rejected(reason)) => {
            eprintln!(
                "the refund {refund_id} of payment {} failed: {reason}",
                payment.id
            );
            Outcome::Failed(None)
        }
        Err(error) => return Err(error.into()),
    };
    record(context, &payment.id, refund_id, outcome, report, &[])
}

/// Changes the refunds of a payment. `change` returns the events of the change; each refund that succeeds
/// adds one. Marks the order as refunded once all of the payment is.
pub fn change_refunds(
    context: &impl Context,
    payment_id: &str,
    claims: &[Write],
    change: impl Fn(&mut PaymentBody) -> Result<Vec<Event>, Error>,
) -> Result<Stored<PaymentBody>, Error> {
    let payment = change_payment(context.ports(), payment_id, claims, |body| {
        let before = body.clone();
        let mut events = change(body)?;
        if *body == before {
            return Ok(None);
        }
        events.extend(events::refunded(payment_id, &before.refunds, body)?);
        Ok(Some(events))
    })?;
    if payment.body.is_refunded()
        && let Err(error) = context.orders().mark_refunded(payment_id)
    {
        eprintln!("the order {payment_id} will be marked as refunded by an event: {error:?}");
    }
    Ok(payment)
}

/// Checks the amount of a refund. Without an amount, everything that is left is refunded.
fn check_amount(body: &PaymentBody, amount: Option<i64>) -> Result<i64, Error> {
    let rest = body.refundable();
    let refused = if body.status != PaymentStatus::Succeeded {
        Some("Only a payment that succeeded can be refunded.".into())
    } else if rest == 0 {
        Some("All of this payment is refunded already.".into())
    } else if body.refunds.len() >= MAX_REFUNDS {
        Some(format!("A payment can have at most {MAX_REFUNDS} refunds."))
    } else {
        None
    };
    if let Some(message) = refused {
        return Err(Error::InvalidTransition(message));
    }
    let amount = amount.unwrap_or(rest);
    if amount < 1 || amount > rest {
        let message =
            format!("`amount` must be from 1 to {rest} minor units, which is what is left of this payment.");
        return Err(Error::invalid("amount", message));
    }
    // Payments of earlier versions were made without the unit of the gateway.
    if body.charged.is_some() {
        gateway::amount_at(&body.gateway, amount, &body.currency)
            .map_err(|reason| Error::invalid("amount", format!("`amount` is not valid. {reason}")))?;
    }
    Ok(amount)
}

impl PaymentBody {
    /// Whether a refund has failed and nothing has replaced it. Later refunds replace it if they add up to
    /// its amount, or if all of the payment is refunded.
    fn lacks(&self, refund_id: &str) -> bool {
        let mut refunds = self.refunds.iter();
        let Some(failed) = refunds.find(|refund| refund.id == refund_id) else {
            return false;
        };
        let later = refunds
            .filter(|refund| refund.status != RefundStatus::Failed)
            .fold(0_i64, |sum, refund| sum.saturating_add(refund.amount));
        failed.status == RefundStatus::Failed && self.refundable() > 0 && later < failed.amount
    }

    fn claim(&mut self, id: &str, amount: i64, reason: Option<&str>, key: Option<&str>) {
        self.refunds.push(RefundBody {
            id: id.into(),
            amount,
            reason: reason.map(Into::into),
            key: key.map(Into::into),
            status: RefundStatus::Pending,
            failed_at: None,
            created_at: id::now(),
        });
    }

    /// Adds a refund for what the gateway had refunded at a time beyond the known refunds. A refund that
    /// failed later is part of that total. The total is in the unit of the gateway's API.
    pub fn add_refunds_at_gateway(&mut self, total: i64, at: u64, refund_id: &str) {
        let failed_later = self
            .refunds
            .iter()
            .filter(|refund| refund.failed_at.is_some_and(|failed| failed >= at))
            .fold(0_i64, |sum, refund| sum.saturating_add(refund.amount));
        let known = self.claimed().saturating_add(failed_later);
        let unknown = self.in_minor_units(total).min(self.amount).saturating_sub(known);
        if unknown > 0 && self.status == PaymentStatus::Succeeded {
            self.claim(refund_id, unknown, Some(AT_GATEWAY), None);
            if let Some(refund) = self.refunds.last_mut() {
                refund.status = RefundStatus::Succeeded;
            }
        }
    }

    /// Subtracts a refund at the gateway that failed, and adds it as a failed refund. Returns whether it was
    /// not known. The amount is in the unit of the gateway's API.
    pub fn fail_refund_at_gateway(&mut self, amount: i64, at: u64, id: &str) -> bool {
        let amount = self.in_minor_units(amount);
        if self.status != PaymentStatus::Succeeded || self.refunds.iter().any(|refund| refund.id == id) {
            return false;
        }
        let contains_it = |refund: &&mut RefundBody| {
            refund.reason.as_deref() == Some(AT_GATEWAY)
                && refund.status == RefundStatus::Succeeded
                && refund.amount >= amount
        };
        // It may have been counted together with others, or not at all.
        if let Some(refund) = self.refunds.iter_mut().find(contains_it) {
            refund.amount = refund.amount.saturating_sub(amount);
        }
        self.refunds.retain(|refund| refund.amount > 0);
        self.claim(id, amount, Some(AT_GATEWAY), None);
        if let Some(refund) = self.refunds.last_mut() {
            refund.status = RefundStatus::Failed;
            refund.failed_at = Some(at);
        }
        true
    }
}
