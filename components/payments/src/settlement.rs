//! What becomes of an attempt: asked for, noted once, and told to the order.

use mercato_ports::documents::{CommitFailure, Write};
use mercato_shop::cache::Cache;
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::ports::{HttpClient, Ports};
use mercato_shop::services::{Orders, Settlement};
use mercato_shop::types::{Error, Money};

use crate::events;
use crate::gateway::{Charge, Charged, KEYS_LAST, PaymentGateway, State, Trouble};
use crate::payment::{PAYMENTS, PaymentBody, Stage};
use crate::service::PaymentsService;

/// A payment after something was heard of it.
#[derive(Debug)]
pub struct Noted {
    pub stored: Stored<PaymentBody>,
    /// What the customer confirms it with, where that is to be done.
    pub secret: Option<String>,
    /// Whether the order takes it, as far as is known.
    pub taken: bool,
    /// Why the gateway can't tell at the moment, where it can't.
    pub unheard: Option<String>,
}

impl<P: Ports + Cache + HttpClient, O: Orders + Settlement> PaymentsService<P, O> {
    /// Asks for the money of an attempt that was claimed just now.
    pub(crate) fn attempt(
        &self,
        gateway: &dyn PaymentGateway,
        begun: Stored<PaymentBody>,
    ) -> Result<Noted, Error> {
        if begun.body.stage == Stage::Succeeded {
            return self.tell(begun, None);
        }
        match charge(gateway, &begun, false) {
            Ok(charged) => self.note(&begun.id, begun.body.attempt, &charged, &[]),
            Err(Trouble::Unknown(reason)) => {
                eprintln!("the payment of order {} is uncertain: {reason}", begun.id);
                Ok(as_it_is(begun))
            }
            Err(trouble) => {
                let error = trouble.told();
                self.forget(begun, &error)?;
                Err(error)
            }
        }
    }

    /// Finds out what became of an attempt.
    pub(crate) fn resolve(&self, stored: &Stored<PaymentBody>) -> Result<Noted, Error> {
        let gateway = self.gateway_of(&stored.body)?;
        let attempt = stored.body.attempt;
        // Whoever made the attempt has to know that it was asked for once more, before it is.
        let stored = self.change(&stored.id, &[], |body| {
            let open = matches!(body.stage, Stage::Pending | Stage::RequiresAction);
            if !open || body.attempt != attempt {
                return Ok(None);
            }
            body.checks = body.checks.saturating_add(1);
            Ok(Some(Vec::new()))
        })?;
        if stored.body.attempt != attempt || matches!(stored.body.stage, Stage::Succeeded | Stage::Failed) {
            return Ok(as_it_is(stored));
        }
        let looked = match &stored.body.reference {
            Some(reference) => gateway.look(reference),
            None if id::now().saturating_sub(stored.body.attempted_at) > KEYS_LAST => {
                find(&*gateway, &stored)
            }
            None => charge(&*gateway, &stored, true),
        };
        match looked {
            Ok(charged) => self.note(&stored.id, attempt, &charged, &[]),
            Err(trouble) => {
                let passes = !matches!(trouble, Trouble::Refused(_));
                let (Trouble::NotDone(reason) | Trouble::Unknown(reason) | Trouble::Refused(reason)) =
                    trouble;
                eprintln!("the payment of order {} is still uncertain: {reason}", stored.id);
                Ok(Noted {
                    unheard: passes.then_some(reason),
                    ..as_it_is(stored)
                })
            }
        }
    }

    /// Notes how an attempt stands, if it is the last one and nobody knows better already: money that was taken stays taken.
    pub(crate) fn note(
        &self,
        id: &str,
        attempt: u32,
        charged: &Charged,
        extra: &[Write],
    ) -> Result<Noted, Error> {
        let stored = self.change(id, extra, |body| {
            if body.attempt != attempt || body.stage == Stage::Succeeded {
                return Ok(None);
            }
            let before = body.clone();
            if charged.reference.is_some() {
                body.reference.clone_from(&charged.reference);
            }
            match &charged.state {
                State::Succeeded => {
                    body.stage = Stage::Succeeded;
                    body.method = None;
                    body.failure = None;
                    return Ok(Some(vec![events::succeeded(id)?]));
                }
                State::RequiresAction(_) if body.stage == Stage::Pending => {
                    body.stage = Stage::RequiresAction;
                }
                State::RequiresAction(_) | State::Processing => {}
                State::Failed(reason) => body.fail(reason),
                State::Cancelled => {
                    body.fail("The payment was cancelled before it was made.");
                    body.reference = None;
                }
            }
            Ok((*body != before).then(Vec::new))
        })?;
        let secret = match &charged.state {
            State::RequiresAction(secret) => Some(secret.clone()),
            _ => None,
        };
        self.tell(stored, secret)
    }

    /// Tells the order of money that was taken. Where that fails, the event of it does it again.
    fn tell(&self, stored: Stored<PaymentBody>, secret: Option<String>) -> Result<Noted, Error> {
        let taken = stored.body.stage != Stage::Succeeded
            || self
                .settle(&stored)
                .inspect_err(|error| eprintln!("the order {} is told later: {error:?}", stored.id))
                .unwrap_or(true);
        Ok(Noted {
            stored,
            secret,
            taken,
            unheard: None,
        })
    }

    /// Has the order taken as paid; whether it takes that. What it does not take is given back.
    pub(crate) fn settle(&self, stored: &Stored<PaymentBody>) -> Result<bool, Error> {
        match self.orders.paid(&stored.id, &stored.body.money()) {
            Ok(()) => Ok(true),
            Err(Error::InvalidTransition(_) | Error::NotFound(_)) => {
                self.give_back(&stored.id, "The order did not take the payment.")?;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Notes that nothing was done for an attempt, unless somebody has asked for it again meanwhile: then the timer finds out.
    fn forget(&self, mut begun: Stored<PaymentBody>, error: &Error) -> Result<(), Error> {
        begun.body.fail(match error {
            Error::Unavailable(reason) => reason,
            _ => "The payment gateway refused the payment. Nothing was paid.",
        });
        match self.ports.commit(&[PAYMENTS.replace(&begun)?], &[]) {
            Ok(()) | Err(CommitFailure::Refused(_)) => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }
}

impl PaymentBody {
    fn fail(&mut self, reason: &str) {
        self.stage = Stage::Failed;
        self.method = None;
        self.failure = Some(reason.into());
    }
}

impl Trouble {
    /// The error of what certainly was not done, or may be asked for again.
    pub fn told(self) -> Error {
        match self {
            Self::NotDone(reason) => Error::Unavailable(reason),
            Self::Unknown(reason) => {
                eprintln!("the payment gateway does not answer: {reason}");
                Error::Unavailable("The payment gateway does not answer. Try again in a moment.".into())
            }
            Self::Refused(reason) => Error::Internal(reason),
        }
    }
}

/// What there is to tell where nothing new was heard.
fn as_it_is(stored: Stored<PaymentBody>) -> Noted {
    Noted {
        stored,
        secret: None,
        taken: true,
        unheard: None,
    }
}

fn charge(
    gateway: &dyn PaymentGateway,
    stored: &Stored<PaymentBody>,
    again: bool,
) -> Result<Charged, Trouble> {
    gateway.charge(&of(stored, &stored.body.money(), again))
}

/// What became of an attempt that can't be asked for again.
fn find(gateway: &dyn PaymentGateway, stored: &Stored<PaymentBody>) -> Result<Charged, Trouble> {
    let found = gateway.find(&of(stored, &stored.body.money(), true))?;
    Ok(found.unwrap_or_else(|| Charged {
        reference: None,
        state: State::Failed("The payment never arrived at the payment gateway. Nothing was paid.".into()),
    }))
}

fn of<'a>(stored: &'a Stored<PaymentBody>, amount: &'a Money, again: bool) -> Charge<'a> {
    Charge {
        order_id: &stored.id,
        attempt: stored.body.attempt,
        amount,
        method: stored.body.method.as_deref().unwrap_or_default(),
        again,
    }
}
