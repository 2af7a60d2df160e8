//! What payments do to orders.

use mercato_shop::orders::{Actor, Status};
use mercato_shop::ports::Ports;
use mercato_shop::services::{Inventory, Settlement};
use mercato_shop::types::{Error, Money};

use crate::order::OrderBody;
use crate::service::OrdersService;
use crate::status;
use crate::transition::Move;

impl<P: Ports, I: Inventory> Settlement for OrdersService<P, I> {
    fn paid(&self, order_id: &str, amount: &Money) -> Result<(), Error> {
        if self.existing(order_id)?.1.settled {
            return Ok(());
        }
        let paid = self.make(&by_shop(order_id, Status::Paid), |order| {
            if order.status.0 != Status::Pending {
                return Err(Error::InvalidTransition(format!(
                    "The order is {}, and takes no payment.",
                    status::name(order.status.0)
                )));
            }
            if !is_total(order, amount) {
                return Err(Error::InvalidTransition(
                    "The order comes to another amount than was paid.".into(),
                ));
            }
            Ok(())
        });
        match paid {
            // Somebody else may have told the same at the same time.
            Err(Error::InvalidTransition(_)) if self.existing(order_id)?.1.settled => Ok(()),
            paid => paid.map(drop),
        }
    }

    fn refunded(&self, order_id: &str) -> Result<(), Error> {
        let refunded = self.make(&by_shop(order_id, Status::Refunded), |order| {
            if order.settled && status::allows(order.status.0, Status::Refunded) {
                Ok(())
            } else {
                Err(Error::InvalidTransition(
                    "there is nothing left to be said".into(),
                ))
            }
        });
        match refunded {
            Ok(_) | Err(Error::InvalidTransition(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn is_total(order: &OrderBody, amount: &Money) -> bool {
    order.total() == amount.amount && order.currency == amount.currency
}

fn by_shop(order_id: &str, after: Status) -> Move<'_> {
    Move {
        order_id,
        actor: Actor::Shop,
        action: None,
        after,
        version: None,
        note: None,
        settles: after == Status::Paid,
    }
}
