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
    let is_paid = || get_order(ports, order_id).map(|(_, order)| order.paid_by_gateway);
    if is_paid()? {
        return Ok(());
    }
    let transition = Transition {
        by_payment: true,
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
        // Another request may have applied the same payment.
        Err(Error::InvalidTransition(_)) if is_paid()? => Ok(()),
        paid => paid.map(drop),
    }
}

/// Marks an order as refunded if it was paid through the payment gateway. Otherwise nothing changes. Can be
/// repeated.
pub fn mark_refunded(ports: &impl Ports, order_id: &str) -> Result<(), Error> {
    let transition = Transition::by_shop(order_id, Status::Refunded);
    let refunded = transition::apply(ports, &transition, |order| {
        if order.paid_by_gateway {
            Ok(())
        } else {
            Err(Error::InvalidTransition(
                "the order was not paid through the payment gateway".into(),
            ))
        }
    });
    transition::ignore_invalid(refunded)
}
