//! The service: one function for each function of its interface.

use mercato_ports::events::{Event, HandlerFailure};
use mercato_shop::cache::Cache;
use mercato_shop::handler;
use mercato_shop::payments::{Payment, PaymentInput, RefundInput};
use mercato_shop::ports::{HttpClient, Ports};
use mercato_shop::services::{Orders, Payments, Settlement};
use mercato_shop::types::{Caller, Error};

use crate::context::Context;
use crate::events::{
    DUE, ORDER_CANCELLED, ORDER_REFUNDED, PaymentEvent, REFUND_FAILED, REFUND_REQUESTED, REFUNDED, SUCCEEDED,
};
use crate::payment::{pay, read, settlement, timer, undo};
use crate::{refund, settings, webhook};

/// The payments service over its ports and the orders.
#[derive(Clone, Copy, Debug)]
pub struct PaymentsService<P, O> {
    ports: P,
    orders: O,
}

impl<P, O> PaymentsService<P, O> {
    /// Creates the service over these ports and these orders.
    pub const fn new(ports: P, orders: O) -> Self {
        Self { ports, orders }
    }
}

impl<P: Ports + Cache + HttpClient, O: Orders + Settlement> Context for PaymentsService<P, O> {
    type Ports = P;
    type Orders = O;

    fn ports(&self) -> &P {
        &self.ports
    }

    fn orders(&self) -> &O {
        &self.orders
    }
}

impl<P: Ports + Cache + HttpClient, O: Orders + Settlement> PaymentsService<P, O> {
    /// Handles an event of a payment, a refund or an order. Events can arrive late, and more than once.
    ///
    /// # Errors
    /// [`HandlerFailure::Retry`] if the event can be handled later, [`HandlerFailure::Reject`] if it never
    /// can.
    pub fn handle(&self, event: &Event) -> Result<(), HandlerFailure> {
        let data: PaymentEvent = handler::data(event)?;
        let missing = || HandlerFailure::Reject(format!("the data of {} lack a field", event.kind));
        let id = &data.order_id;
        match event.kind.as_str() {
            SUCCEEDED => settlement::settle_payment(self, id)?,
            REFUNDED => refund::settle_order(self, id)?,
            REFUND_REQUESTED => {
                let refund_id = data.refund_id.ok_or_else(missing)?;
                refund::make(self, id, &refund_id)?;
            }
            REFUND_FAILED => refund::check_failed(&self.ports, id, &data.refund_id.ok_or_else(missing)?)?,
            DUE => timer::check(self, id, data.attempt.ok_or_else(missing)?)?,
            ORDER_CANCELLED | ORDER_REFUNDED => undo::undo(self, id)?,
            _ => return Err(handler::unknown_kind(event)),
        }
        Ok(())
    }
}

impl<P: Ports + Cache + HttpClient, O: Orders + Settlement> Payments for PaymentsService<P, O> {
    fn pay(&self, caller: &Caller, input: &PaymentInput) -> Result<Payment, Error> {
        pay::pay(self, caller, input)
    }

    fn refund(&self, caller: &Caller, input: &RefundInput) -> Result<Payment, Error> {
        refund::refund(self, caller, input)
    }

    fn get_many(
        &self,
        caller: &Caller,
        ids: &[String],
    ) -> Result<Vec<Result<Option<Payment>, Error>>, Error> {
        read::get_many(&self.ports, caller, ids)
    }

    fn handle_webhook(&self, body: &[u8], signature: &str) -> Result<(), Error> {
        webhook::handle_webhook(self, body, signature)
    }

    fn ready(&self) -> Result<(), Error> {
        settings::gateway(&self.ports).map(drop)
    }
}
