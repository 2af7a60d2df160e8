//! What payments do when an event says so. Each may come twice, and late.

use mercato_ports::documents;
use mercato_ports::events::Event;
use mercato_shop::cache::Cache;
use mercato_shop::collection::Stored;
use mercato_shop::ports::{HttpClient, Ports};
use mercato_shop::services::{Orders, Settlement};
use mercato_shop::types::Error;

use crate::events::{
    DUE, ORDER_CANCELLED, ORDER_REFUNDED, PaymentEvent, REFUND_FAILED, REFUND_REQUESTED, REFUNDED, SUCCEEDED,
};
use crate::payment::{PAYMENTS, PaymentBody, Stage};
use crate::refunds::Hearer;
use crate::service::PaymentsService;

/// Why an event was not handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Deliver it again, later.
    Retry(String),
    /// It can never be handled.
    Reject(String),
}

impl<P: Ports + Cache + HttpClient, O: Orders + Settlement> PaymentsService<P, O> {
    /// Goes on where an event says so.
    ///
    /// # Errors
    /// Whether the event is to come again or can never be handled.
    pub fn handle(&self, event: &Event) -> Result<(), Failure> {
        let unreadable =
            |error| Failure::Reject(format!("the data of {} can't be read: {error}", event.kind));
        let data: PaymentEvent = serde_json::from_str(&event.data).map_err(unreadable)?;
        let missing = || Failure::Reject(format!("the data of {} lack a field", event.kind));
        let id = &data.order_id;
        match event.kind.as_str() {
            SUCCEEDED => {
                let stored = self.existing(id)?;
                self.settle(&stored)?;
            }
            REFUNDED => {
                if self.existing(id)?.body.is_refunded() {
                    self.orders.refunded(id)?;
                }
            }
            REFUND_REQUESTED => {
                let refund = data.refund_id.ok_or_else(missing)?;
                self.repay(self.existing(id)?, &refund, Hearer::Nobody)?;
            }
            REFUND_FAILED => {
                let refund = data.refund_id.ok_or_else(missing)?;
                if self.existing(id)?.body.lacks(&refund) {
                    return Err(Failure::Reject(format!(
                        "the payment gateway does not give back what order {id} is owed: refund the payment again, or see to it there"
                    )));
                }
            }
            DUE => self.look(id, data.attempt.ok_or_else(missing)?)?,
            ORDER_CANCELLED | ORDER_REFUNDED => self.undo(id)?,
            other => return Err(Failure::Reject(format!("{other} is no event of this service's"))),
        }
        Ok(())
    }

    /// Sees to it that nothing stays paid for an order that is undone. What is paid after this is not taken by the order, and so given
    /// back as well.
    fn undo(&self, order_id: &str) -> Result<(), Error> {
        let Some(stored) = PAYMENTS.get(&self.ports, order_id)? else {
            return Ok(());
        };
        match (stored.body.stage, &stored.body.reference) {
            (Stage::Succeeded, _) => self.give_back(order_id, "The order was undone."),
            (Stage::RequiresAction | Stage::Failed, Some(reference)) => self.withdraw(&stored, reference),
            (Stage::Pending, _) => {
                let stored = self.resolve(&stored)?.stored;
                match stored.body.stage {
                    Stage::Succeeded => self.give_back(order_id, "The order was undone."),
                    Stage::Pending | Stage::RequiresAction | Stage::Failed => Ok(()),
                }
            }
            (Stage::RequiresAction | Stage::Failed, None) => Ok(()),
        }
    }

    /// Takes an attempt back that the customer could still confirm.
    pub(crate) fn withdraw(&self, stored: &Stored<PaymentBody>, reference: &str) -> Result<(), Error> {
        let charged = self
            .gateway_of(&stored.body)?
            .cancel(reference)
            .map_err(crate::gateway::Trouble::told)?;
        self.note(&stored.id, stored.body.attempt, &charged, &[])
            .map(drop)
    }
}

impl From<Error> for Failure {
    /// What can pass is tried again; the rest is for a person to see.
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable(reason) | Error::Conflict(reason) | Error::Internal(reason) => {
                Self::Retry(reason)
            }
            other => Self::Reject(format!("{other:?}")),
        }
    }
}

impl From<documents::Failure> for Failure {
    fn from(failure: documents::Failure) -> Self {
        Error::from(failure).into()
    }
}
