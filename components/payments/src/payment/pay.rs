//! Pays an order.

use mercato_shop::accounts::AuditAction;
use mercato_shop::audit::AuditedAction;
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::orders::{Order, Status};
use mercato_shop::payments::{Payment, PaymentInput, PaymentStatus};
use mercato_shop::ports::Ports;
use mercato_shop::retry::{AttemptError, retry_on_conflict};
use mercato_shop::services::Orders;
use mercato_shop::text;
use mercato_shop::types::{Caller, Error};

use super::settlement::{self, Attempt};
use super::timer;
use crate::context::Context;
use crate::gateway::{self, ChargeState};
use crate::repository::{PAYMENTS, PaymentBody, to_payment, too_many_changes};
use crate::{events, settings};

/// In characters.
const MAX_TOKEN: usize = 255;
const MAX_KEY: usize = 100;

/// The checked input of a caller.
struct PayOrder<'a> {
    caller: &'a Caller,
    method: &'a str,
    key: Option<&'a str>,
}

/// Pays an order that the caller can see. Returns the payment of an order that is paid, and the outcome of an
/// attempt that is under way. Begins an attempt only after the previous one has certainly failed.
///
/// # Errors
/// [`Error::PaymentDeclined`] if the attempt fails, [`Error::InvalidTransition`] if the order is not pending,
/// [`Error::Unavailable`] if the gateway can't be used.
pub fn pay(context: &impl Context, caller: &Caller, input: &PaymentInput) -> Result<Payment, Error> {
    caller.require_authenticated()?;
    let order = get_order(context.orders(), caller, &input.order_id)?;
    let gateway = settings::require_gateway(context.ports())?;
    let method = text::required("paymentMethod", &input.payment_method)?;
    let key = text::trimmed(input.idempotency_key.as_deref());
    let command = PayOrder {
        caller,
        method: text::line("paymentMethod", MAX_TOKEN, method)?,
        key: key
            .map(|key| text::line("idempotencyKey", MAX_KEY, key))
            .transpose()?,
    };
    retry_on_conflict(too_many_changes, || {
        let before = PAYMENTS.get(context.ports(), &order.id)?;
        if let Some(payment) = &before {
            let body = &payment.body;
            let has_same_key = command.key.is_some() && body.key.as_deref() == command.key;
            let has_same_method = body.method.as_deref() == Some(command.method);
            match body.status {
                PaymentStatus::Succeeded => return Ok(to_payment(payment.clone())),
                PaymentStatus::Failed if has_same_key => return Err(declined(body).into()),
                PaymentStatus::Pending => return Ok(answer(settlement::resolve(context, payment)?)?),
                PaymentStatus::RequiresAction if has_same_key || has_same_method => {
                    return Ok(answer(settlement::resolve(context, payment)?)?);
                }
                PaymentStatus::RequiresAction | PaymentStatus::Failed => {
                    if let Some(attempt) = close(context, payment)? {
                        return Ok(answer(attempt)?);
                    }
                    // Closing the attempt has changed the payment's version.
                    if body.status == PaymentStatus::RequiresAction {
                        return Err(AttemptError::Conflict);
                    }
                }
            }
        }
        let begun = begin(context.ports(), &order, gateway.name(), &command, before)?;
        Ok(answer(settlement::charge(context, &*gateway, begun)?)?)
    })
}

/// Reads the order. A caller with access to it can pay it.
fn get_order(orders: &impl Orders, caller: &Caller, id: &str) -> Result<Order, Error> {
    let mut orders = orders.get_many(caller, &[id.to_owned()])?;
    orders.pop().unwrap_or_else(|| {
        Err(Error::Internal(
            "the orders service returned too few orders".into(),
        ))
    })
}

/// Records the next attempt before the customer is charged. An order of 0 is paid without the gateway.
fn begin(
    ports: &impl Ports,
    order: &Order,
    gateway: &str,
    command: &PayOrder<'_>,
    before: Option<Stored<PaymentBody>>,
) -> Result<Stored<PaymentBody>, AttemptError> {
    if order.status != Status::Pending {
        return Err(Error::InvalidTransition(
            "Only a pending order can be paid. This order is not pending any more.".into(),
        )
        .into());
    }
    let now = id::now();
    let total = order.amounts.total;
    let is_free = total == 0;
    let charged = gateway::amount_at(gateway, total, &order.currency)
        .map_err(|reason| Error::InvalidTransition(format!("{reason} Pay this order in another way.")))?;
    let previous = before.as_ref().map(|payment| &payment.body);
    let body = PaymentBody {
        user_id: order.user_id.clone(),
        amount: total,
        charged: Some(charged),
        currency: order.currency.clone(),
        gateway: gateway.into(),
        status: if is_free {
            PaymentStatus::Succeeded
        } else {
            PaymentStatus::Pending
        },
        attempt: previous.map_or(0, |body| body.attempt).saturating_add(1),
        method: (!is_free).then(|| command.method.into()),
        reference: None,
        key: command.key.map(Into::into),
        failure: None,
        checks: 0,
        refunds: Vec::new(),
        attempted_at: now,
        created_at: previous.map_or(now, |body| body.created_at),
    };
    let mut events = vec![if is_free {
        events::succeeded(&order.id)?
    } else {
        events::timer(&order.id, body.attempt, timer::next_due(now, 0))?
    }];
    if command.caller.user_id() != Some(&order.user_id) {
        let act = AuditedAction::by(command.caller.actor(), AuditAction::PaymentMake).on(&order.id);
        events.push(act.event("payments")?);
    }
    let mut begun = Stored {
        id: order.id.clone(),
        version: before.as_ref().map_or(0, |payment| payment.version),
        body,
    };
    let write = match before {
        None => PAYMENTS.insert(&begun.id, &begun.body)?,
        Some(_) => PAYMENTS.replace(&begun)?,
    };
    ports.commit(&[write], &events)?;
    begun.version += 1;
    Ok(begun)
}

/// Cancels an earlier attempt at the gateway, so that it can't succeed any more. Returns the attempt if it
/// has succeeded.
///
/// # Errors
/// [`Error::Conflict`] if the attempt may still succeed.
fn close(context: &impl Context, payment: &Stored<PaymentBody>) -> Result<Option<Attempt>, Error> {
    let Some(reference) = &payment.body.reference else {
        return Ok(None);
    };
    let charged = settings::gateway_named(context.ports(), &payment.body.gateway)?.cancel(reference)?;
    let record = || settlement::record(context, &payment.id, payment.body.attempt, &charged, &[]);
    match charged.state {
        ChargeState::Succeeded => record().map(Some),
        ChargeState::Cancelled if payment.body.status == PaymentStatus::Failed => Ok(None),
        ChargeState::Cancelled => record().map(|_| None),
        // Only a cancelled attempt can't succeed. One that has failed can still succeed with another card.
        ChargeState::Failed(_) | ChargeState::Processing | ChargeState::RequiresAction(_) => Err(
            Error::Conflict("An earlier attempt is still under way. Try again in a moment.".into()),
        ),
    }
}

fn answer(attempt: Attempt) -> Result<Payment, Error> {
    let Attempt {
        payment,
        client_secret,
        is_accepted,
        ..
    } = attempt;
    if !is_accepted {
        return Err(Error::InvalidTransition(
            "The order is not pending any more. The payment is refunded.".into(),
        ));
    }
    if payment.body.status == PaymentStatus::Failed {
        return Err(declined(&payment.body));
    }
    let client_secret = client_secret.filter(|_| payment.body.status == PaymentStatus::RequiresAction);
    Ok(Payment {
        client_secret,
        ..to_payment(payment)
    })
}

fn declined(body: &PaymentBody) -> Error {
    let reason = body.failure.as_deref().unwrap_or("The payment was declined.");
    Error::PaymentDeclined(reason.into())
}
