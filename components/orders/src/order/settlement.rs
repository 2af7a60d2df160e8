//! Applies payments to orders.

use mercato_shop::orders::Status;
use mercato_shop::ports::Ports;
use mercato_shop::types::{Error, Money};

use super::transition::{self, Transition};
use crate::repository::get_order;
use crate::status;

/// Marks a pending order as paid. Can be repeated.
///
/// # Errors
/// [`Error::InvalidTransition`] if the order does not accept the payment, which must then be refunded.
pub fn mark_paid(ports: &impl Ports, order_id: &str, amount: &Money) -> Result<(), Error> {
    let is_settled = || get_order(ports, order_id).map(|(_, order)| order.settled);
    if is_settled()? {
        return Ok(());
    }
    let transition = Transition {
        settles: true,
        ..Transition::by_shop(order_id, Status::Paid)
    };
    let paid = transition::apply(ports, &transition, |order| {
        if order.status.0 != Status::Pending {
            return Err(Error::InvalidTransition(format!(
                "The order is {} and accepts no payment.",
                status::name(order.status.0)
            )));
        }
        if (order.total(), &order.currency) != (amount.amount, &amount.currency) {
            return Err(Error::InvalidTransition(
                "The payment has another amount than the order.".into(),
            ));
        }
        Ok(())
    });
    match paid {
        // Another request may have settled the order with the same payment.
        Err(Error::InvalidTransition(_)) if is_settled()? => Ok(()),
        paid => paid.map(drop),
    }
}

/// Marks an order as refunded if a payment settled it. Otherwise nothing changes. Can be repeated.
pub fn mark_refunded(ports: &impl Ports, order_id: &str) -> Result<(), Error> {
    let transition = Transition::by_shop(order_id, Status::Refunded);
    let refunded = transition::apply(ports, &transition, |order| {
        if order.settled {
            Ok(())
        } else {
            Err(Error::InvalidTransition("no payment settled the order".into()))
        }
    });
    transition::ignore_invalid(refunded)
}
