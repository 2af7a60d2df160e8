//! What the payments service does for those who buy, and for those who keep the shop.

use mercato_ports::documents::{CommitFailure, Write};
use mercato_ports::events::Event;
use mercato_shop::cache::Cache;
use mercato_shop::collection::Stored;
use mercato_shop::payments::{Payment, PaymentInput, RefundInput};
use mercato_shop::ports::{HttpClient, Ports};
use mercato_shop::services::{Orders, Payments, Settlement};
use mercato_shop::types::{Caller, Error};

use crate::gateway::PaymentGateway;
use crate::payment::{PAYMENTS, PaymentBody, to_payment};
use crate::settings;

/// How often a change is made anew when the payment changes meanwhile: as many as may pay one order at once, and change it twice each.
pub const TRIES: usize = 40;

/// The payments service over its ports and the orders.
#[derive(Clone, Copy, Debug)]
pub struct PaymentsService<P, O> {
    pub(crate) ports: P,
    pub(crate) orders: O,
}

impl<P, O> PaymentsService<P, O> {
    /// The service over these ports and these orders.
    pub const fn new(ports: P, orders: O) -> Self {
        Self { ports, orders }
    }
}

impl<P: Ports + Cache + HttpClient, O: Orders + Settlement> PaymentsService<P, O> {
    /// The gateway that a payment went to.
    pub(crate) fn gateway_of(&self, body: &PaymentBody) -> Result<Box<dyn PaymentGateway + '_>, Error> {
        let gateway = settings::gateway(&self.ports)?.ok_or_else(settings::not_configured)?;
        if gateway.name() == body.gateway {
            Ok(gateway)
        } else {
            Err(Error::Unavailable(format!(
                "This payment was made by the gateway {}, and the shop is configured with {}.",
                body.gateway,
                gateway.name()
            )))
        }
    }

    /// Changes a payment at its version, anew where somebody else was faster. `change` tells what events follow; none where there is
    /// nothing to do. The extra writes are inserts that claim an id: where it is taken, the change was made before.
    pub(crate) fn change(
        &self,
        id: &str,
        extra: &[Write],
        change: impl Fn(&mut PaymentBody) -> Result<Option<Vec<Event>>, Error>,
    ) -> Result<Stored<PaymentBody>, Error> {
        for _ in 0..TRIES {
            let mut stored = self.existing(id)?;
            let Some(events) = change(&mut stored.body)? else {
                return self.claim(extra).and_then(|()| self.existing(id));
            };
            let mut writes = vec![PAYMENTS.replace(&stored)?];
            writes.extend_from_slice(extra);
            match self.ports.commit(&writes, &events) {
                Ok(()) => {
                    stored.version += 1;
                    return Ok(stored);
                }
                Err(CommitFailure::Refused(refusals)) if refusals.iter().any(|refusal| refusal.write > 0) => {
                    return self.existing(id);
                }
                Err(CommitFailure::Refused(_)) => {}
                Err(failure) => return Err(failure.into()),
            }
        }
        Err(busy())
    }

    /// Claims ids where there is nothing else to do; whether somebody else did does not matter then.
    fn claim(&self, inserts: &[Write]) -> Result<(), Error> {
        if inserts.is_empty() {
            return Ok(());
        }
        match self.ports.commit(inserts, &[]) {
            Ok(()) | Err(CommitFailure::Refused(_)) => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }

    pub(crate) fn existing(&self, id: &str) -> Result<Stored<PaymentBody>, Error> {
        PAYMENTS
            .get(&self.ports, id)?
            .ok_or_else(|| Error::NotFound(format!("There is no payment {id}.")))
    }
}

impl<P: Ports + Cache + HttpClient, O: Orders + Settlement> Payments for PaymentsService<P, O> {
    fn pay(&self, caller: &Caller, input: &PaymentInput) -> Result<Payment, Error> {
        caller.require_known()?;
        self.pay_for(caller, input)
    }

    fn refund(&self, caller: &Caller, input: &RefundInput) -> Result<Payment, Error> {
        caller.require_admin()?;
        self.refund_of(caller, input).map(to_payment)
    }

    fn get_many(
        &self,
        caller: &Caller,
        ids: &[String],
    ) -> Result<Vec<Result<Option<Payment>, Error>>, Error> {
        caller.require_known()?;
        let answer = |stored: Option<Stored<PaymentBody>>| {
            let Some(stored) = stored else { return Ok(None) };
            caller.require_admin_or(&stored.body.user_id, "A customer sees only the own payments.")?;
            Ok(Some(to_payment(stored)))
        };
        let payments = PAYMENTS.get_many(&self.ports, ids)?;
        Ok(payments.into_iter().map(answer).collect())
    }

    fn webhook(&self, body: &[u8], signature: &str) -> Result<(), Error> {
        self.hear(body, signature)
    }

    fn ready(&self) -> Result<(), Error> {
        settings::gateway(&self.ports).map(drop)
    }
}

/// Too many change one payment at once.
pub fn busy() -> Error {
    Error::Unavailable("This payment is changed by too many at once. Try again in a moment.".into())
}

/// Checks a text that a client chooses; blank means none.
pub fn text<'a>(field: &str, text: Option<&'a str>, most: usize) -> Result<Option<&'a str>, Error> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    if text.is_some_and(|text| text.chars().count() > most || text.chars().any(char::is_control)) {
        return Err(Error::invalid(
            field,
            format!("At most {most} characters fit here, and no control characters."),
        ));
    }
    Ok(text)
}
