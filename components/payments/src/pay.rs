//! The payment of an order: one attempt after the other, the next only where the one before is certain to have failed.

use mercato_ports::documents::CommitFailure;
use mercato_shop::accounts::AuditAction;
use mercato_shop::audit::Act;
use mercato_shop::cache::Cache;
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::orders::{Order, Status};
use mercato_shop::payments::{Payment, PaymentInput};
use mercato_shop::ports::{HttpClient, Ports};
use mercato_shop::services::{Orders, Settlement};
use mercato_shop::types::{Caller, Error};

use crate::gateway::{PaymentGateway, State};
use crate::payment::{PAYMENTS, PaymentBody, Stage, to_payment};
use crate::service::{PaymentsService, TRIES, busy, text};
use crate::settlement::Noted;
use crate::{due, events, settings};

const LONGEST_TOKEN: usize = 255;
const LONGEST_KEY: usize = 100;

/// What a caller wants, checked.
struct Wanted<'a> {
    caller: &'a Caller,
    method: &'a str,
    key: Option<&'a str>,
}

impl<P: Ports + Cache + HttpClient, O: Orders + Settlement> PaymentsService<P, O> {
    pub(crate) fn pay_for(&self, caller: &Caller, input: &PaymentInput) -> Result<Payment, Error> {
        let order = self.order(caller, &input.order_id)?;
        let gateway = settings::gateway(&self.ports)?.ok_or_else(settings::not_configured)?;
        let wanted = Wanted {
            caller,
            method: text("paymentMethod", Some(&input.payment_method), LONGEST_TOKEN)?
                .ok_or_else(|| Error::invalid("paymentMethod", "Name what the order is paid with."))?,
            key: text("idempotencyKey", input.idempotency_key.as_deref(), LONGEST_KEY)?,
        };
        for _ in 0..TRIES {
            let before = PAYMENTS.get(&self.ports, &order.id)?;
            if let Some(stored) = &before {
                let asked_before = wanted.key.is_some() && stored.body.key.as_deref() == wanted.key;
                match stored.body.stage {
                    Stage::Succeeded => return Ok(to_payment(stored.clone())),
                    Stage::Failed if asked_before => return Err(declined(&stored.body)),
                    Stage::Pending => return answer(self.resolve(stored)?),
                    Stage::RequiresAction
                        if asked_before || stored.body.method.as_deref() == Some(wanted.method) =>
                    {
                        return answer(self.resolve(stored)?);
                    }
                    Stage::RequiresAction | Stage::Failed => {
                        if let Some(noted) = self.close(stored)? {
                            return answer(noted);
                        }
                        // What was closed has another version.
                        if stored.body.stage == Stage::RequiresAction {
                            continue;
                        }
                    }
                }
            }
            if let Some(begun) = self.begin(&order, &*gateway, &wanted, before)? {
                return answer(self.attempt(&*gateway, begun)?);
            }
        }
        Err(busy())
    }

    /// The order, if the caller may see it: then the caller may pay it.
    fn order(&self, caller: &Caller, id: &str) -> Result<Order, Error> {
        let mut orders = self.orders.get_many(caller, &[id.to_owned()])?;
        orders.pop().unwrap_or_else(|| {
            Err(Error::Internal(
                "orders answered fewer than it was asked for".into(),
            ))
        })
    }

    /// Claims the next attempt, before anybody is asked for money; none where somebody else did.
    fn begin(
        &self,
        order: &Order,
        gateway: &dyn PaymentGateway,
        wanted: &Wanted<'_>,
        before: Option<Stored<PaymentBody>>,
    ) -> Result<Option<Stored<PaymentBody>>, Error> {
        if order.status != Status::Pending {
            return Err(Error::InvalidTransition(
                "Only a pending order is paid, and this one is not pending any more.".into(),
            ));
        }
        let now = id::now();
        let free = order.amounts.total == 0;
        let body = PaymentBody {
            user_id: order.user_id.clone(),
            amount: order.amounts.total,
            currency: order.currency.clone(),
            gateway: gateway.name().into(),
            stage: if free { Stage::Succeeded } else { Stage::Pending },
            attempt: before
                .as_ref()
                .map_or(0, |stored| stored.body.attempt)
                .saturating_add(1),
            method: (!free).then(|| wanted.method.into()),
            reference: None,
            key: wanted.key.map(Into::into),
            failure: None,
            checks: 0,
            refunds: Vec::new(),
            attempted_at: now,
            created_at: before.as_ref().map_or(now, |stored| stored.body.created_at),
        };
        let event = if free {
            events::succeeded(&order.id)?
        } else {
            events::timer(&order.id, body.attempt, due::next(now, 0))?
        };
        let write = match &before {
            None => PAYMENTS.insert(&order.id, &body)?,
            Some(stored) => PAYMENTS.replace(&Stored {
                body: body.clone(),
                ..stored.clone()
            })?,
        };
        let mut events = vec![event];
        if wanted.caller.user_id() != Some(&order.user_id) {
            let act = Act::by(wanted.caller.actor(), AuditAction::PaymentMake).on(&order.id);
            events.push(act.event("payments")?);
        }
        match self.ports.commit(&[write], &events) {
            Ok(()) => Ok(Some(Stored {
                id: order.id.clone(),
                version: before.map_or(0, |stored| stored.version) + 1,
                body,
            })),
            Err(CommitFailure::Refused(_)) => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Sees to it that what an earlier attempt left at the gateway takes no money any more. Answers what became of it where it does.
    fn close(&self, stored: &Stored<PaymentBody>) -> Result<Option<Noted>, Error> {
        let Some(reference) = &stored.body.reference else {
            return Ok(None);
        };
        let charged = self
            .gateway_of(&stored.body)?
            .cancel(reference)
            .map_err(|trouble| trouble.told())?;
        match charged.state {
            State::Succeeded => self
                .note(&stored.id, stored.body.attempt, &charged, &[])
                .map(Some),
            State::Cancelled if stored.body.stage == Stage::Failed => Ok(None),
            State::Cancelled => self
                .note(&stored.id, stored.body.attempt, &charged, &[])
                .map(|_| None),
            // What is not cancelled can still take money, even where it has failed: with another card.
            State::Failed(_) | State::Processing | State::RequiresAction(_) => Err(Error::Conflict(
                "An earlier attempt is still under way. Look again in a moment.".into(),
            )),
        }
    }
}

/// What the customer hears.
fn answer(noted: Noted) -> Result<Payment, Error> {
    let Noted {
        stored,
        secret,
        taken,
        ..
    } = noted;
    if !taken {
        return Err(Error::InvalidTransition(
            "The order is not pending any more. What was paid for it is given back.".into(),
        ));
    }
    if stored.body.stage == Stage::Failed {
        return Err(declined(&stored.body));
    }
    let client_secret = secret.filter(|_| stored.body.stage == Stage::RequiresAction);
    Ok(Payment {
        client_secret,
        ..to_payment(stored)
    })
}

fn declined(body: &PaymentBody) -> Error {
    let reason = body.failure.as_deref().unwrap_or("The payment was declined.");
    Error::PaymentDeclined(reason.into())
}
