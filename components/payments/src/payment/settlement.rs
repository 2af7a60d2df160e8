//! The outcome of an attempt: asks the gateway for it, records it once, and settles the order with it.

use mercato_ports::documents::{CommitFailure, Write};
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::payments::PaymentStatus;
use mercato_shop::ports::Ports;
use mercato_shop::services::Settlement;
use mercato_shop::types::Error;

use crate::context::Context;
use crate::gateway::{Charge, ChargeState, Charged, GatewayError, IDEMPOTENCY_WINDOW, PaymentGateway};
use crate::repository::{PAYMENTS, PaymentBody, change_payment, get_payment};
use crate::{events, refund, settings};

/// A payment, with what is known of its last attempt.
#[derive(Debug)]
pub struct Attempt {
    pub payment: Stored<PaymentBody>,
    /// The secret that the customer confirms the payment with, if that is needed.
    pub client_secret: Option<String>,
    /// Whether the order accepts the payment, as far as is known.
    pub is_accepted: bool,
    /// Why the gateway gives no answer at the moment.
    pub unavailable: Option<String>,
}

impl Attempt {
    /// Creates the result of an attempt about which nothing new is known.
    const fn unchanged(payment: Stored<PaymentBody>) -> Self {
        Self {
            payment,
            client_secret: None,
            is_accepted: true,
            unavailable: None,
        }
    }
}

/// Charges the customer for an attempt that has just begun.
pub fn charge(
    context: &impl Context,
    gateway: &dyn PaymentGateway,
    begun: Stored<PaymentBody>,
) -> Result<Attempt, Error> {
    if begun.body.status == PaymentStatus::Succeeded {
        return settled(context, begun, None);
    }
    match gateway.charge(&charge_of(&begun, false)) {
        Ok(charged) => record(context, &begun.id, begun.body.attempt, &charged, &[]),
        Err(GatewayError::Unknown(reason)) => {
            eprintln!(
                "the outcome of the payment of order {} is unknown: {reason}",
                begun.id
            );
            Ok(Attempt::unchanged(begun))
        }
        Err(error) => {
            let error = Error::from(error);
            record_not_done(context.ports(), begun, &error)?;
            Err(error)
        }
    }
}

/// Asks the gateway for the outcome of an attempt, and records it.
pub fn resolve(context: &impl Context, payment: &Stored<PaymentBody>) -> Result<Attempt, Error> {
    let gateway = settings::gateway_named(context.ports(), &payment.body.gateway)?;
    let attempt = payment.body.attempt;
    // This changes the version, so that the request that made the attempt can't record it as not done any
    // more.
    let payment = change_payment(context.ports(), &payment.id, &[], |body| {
        if body.is_final() || body.attempt != attempt {
            return Ok(None);
        }
        body.checks = body.checks.saturating_add(1);
        Ok(Some(Vec::new()))
    })?;
    let body = &payment.body;
    if body.is_final() || body.attempt != attempt {
        return Ok(Attempt::unchanged(payment));
    }
    let charge = charge_of(&payment, true);
    let charged = match &body.reference {
        Some(reference) => gateway.get(reference),
        None if id::now().saturating_sub(body.attempted_at) > IDEMPOTENCY_WINDOW => gateway
            .find(&charge)
            .map(|found| found.unwrap_or_else(never_made)),
        None => gateway.charge(&charge),
    };
    match charged {
        Ok(charged) => record(context, &payment.id, attempt, &charged, &[]),
        Err(error) => {
            let may_pass = !matches!(error, GatewayError::Rejected(_));
            let (GatewayError::NotDone(reason)
            | GatewayError::Unknown(reason)
            | GatewayError::Rejected(reason)) = error;
            eprintln!(
                "the outcome of the payment of order {} is still unknown: {reason}",
                payment.id
            );
            Ok(Attempt {
                unavailable: may_pass.then_some(reason),
                ..Attempt::unchanged(payment)
            })
        }
    }
}

/// Records the state of an attempt, if it is the last attempt and has not succeeded already. A payment that
/// has succeeded stays succeeded. `claims` are inserts that make a repetition change nothing.
pub fn record(
    context: &impl Context,
    id: &str,
    attempt: u32,
    charged: &Charged,
    claims: &[Write],
) -> Result<Attempt, Error> {
    let payment = change_payment(context.ports(), id, claims, |body| {
        if body.attempt != attempt || body.status == PaymentStatus::Succeeded {
            return Ok(None);
        }
        let before = body.clone();
        body.apply(charged);
        if body.status == PaymentStatus::Succeeded {
            return Ok(Some(vec![events::succeeded(id)?]));
        }
        Ok((*body != before).then(Vec::new))
    })?;
    let client_secret = match &charged.state {
        ChargeState::RequiresAction(secret) => Some(secret.clone()),
        _ => None,
    };
    settled(context, payment, client_secret)
}

/// Cancels an attempt at the gateway, and records its state.
pub fn cancel(context: &impl Context, payment: &Stored<PaymentBody>, reference: &str) -> Result<(), Error> {
    let charged = settings::gateway_named(context.ports(), &payment.body.gateway)?.cancel(reference)?;
    record(context, &payment.id, payment.body.attempt, &charged, &[]).map(drop)
}

/// Marks the order of a payment as paid. Refunds the payment if the order does not accept it.
pub fn settle_payment(context: &impl Context, id: &str) -> Result<(), Error> {
    settle(context, &get_payment(context.ports(), id)?).map(drop)
}

/// Settles the order with a payment that has succeeded. If that fails, the event of the payment repeats it.
fn settled(
    context: &impl Context,
    payment: Stored<PaymentBody>,
    client_secret: Option<String>,
) -> Result<Attempt, Error> {
    let is_accepted = payment.body.status != PaymentStatus::Succeeded
        || settle(context, &payment)
            .inspect_err(|error| {
                eprintln!("the order {} will be settled by an event: {error:?}", payment.id);
            })
            .unwrap_or(true);
    Ok(Attempt {
        client_secret,
        is_accepted,
        ..Attempt::unchanged(payment)
    })
}

/// Returns whether the order accepts the payment.
fn settle(context: &impl Context, payment: &Stored<PaymentBody>) -> Result<bool, Error> {
    match context.orders().mark_paid(&payment.id, &payment.body.money()) {
        Ok(()) => Ok(true),
        Err(Error::InvalidTransition(_) | Error::NotFound(_)) => {
            refund::request_rest(
                context.ports(),
                &payment.id,
                "The order did not accept the payment.",
            )?;
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Records that nothing was paid in an attempt. If another request has asked for the outcome at the same
/// time, the timer records it.
fn record_not_done(ports: &impl Ports, mut begun: Stored<PaymentBody>, error: &Error) -> Result<(), Error> {
    begun.body.fail(match error {
        Error::Unavailable(reason) => reason,
        _ => "The payment gateway rejected the payment. Nothing was paid.",
    });
    match ports.commit(&[PAYMENTS.replace(&begun)?], &[]) {
        Ok(()) | Err(CommitFailure::Refused(_)) => Ok(()),
        Err(failure) => Err(failure.into()),
    }
}

impl PaymentBody {
    /// Applies the state of the last attempt.
    fn apply(&mut self, charged: &Charged) {
        if charged.reference.is_some() {
            self.reference.clone_from(&charged.reference);
        }
        match &charged.state {
            ChargeState::Succeeded => {
                self.status = PaymentStatus::Succeeded;
                self.method = None;
                self.failure = None;
            }
            ChargeState::RequiresAction(_) if self.status == PaymentStatus::Pending => {
                self.status = PaymentStatus::RequiresAction;
            }
            ChargeState::RequiresAction(_) | ChargeState::Processing => {}
            ChargeState::Failed(reason) => self.fail(reason),
            ChargeState::Cancelled => {
                self.fail("The payment was cancelled before it was made.");
                self.reference = None;
            }
        }
    }

    fn fail(&mut self, reason: &str) {
        self.status = PaymentStatus::Failed;
        self.method = None;
        self.failure = Some(reason.into());
    }
}

fn charge_of(payment: &Stored<PaymentBody>, is_repeated: bool) -> Charge<'_> {
    Charge {
        order_id: &payment.id,
        attempt: payment.body.attempt,
        amount: payment.body.charged_amount(),
        currency: &payment.body.currency,
        method: payment.body.method.as_deref().unwrap_or_default(),
        is_repeated,
    }
}

/// Returns the state of an attempt that the gateway does not have.
fn never_made() -> Charged {
    Charged {
        reference: None,
        state: ChargeState::Failed("The payment never reached the payment gateway. Nothing was paid.".into()),
    }
}
