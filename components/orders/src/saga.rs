//! An order as a saga over two stores: this service's, and the inventory's.
//!
//! 1. The inventory reserves all lines for the order's id, and sets a timer (`mercato.catalog.reservation-due`).
//! 2. The order is inserted under that id, with the event `mercato.orders.order-placed`.
//! 3. The event of 2 settles the reservation: from then on the pieces are the order's, paid or not yet, until it is undone. So there is
//!    no order that is paid without its stock.
//! 4. Where the order is undone before it is shipped, the event of that gives back what it holds, settled or not.
//!
//! A crash after 1 leaves a reservation without an order. When the timer comes, a tombstone takes the order's id,
//! and then the reservation is released. Should the placement still be on its way, its insert meets the tombstone and fails: either
//! there is an order and its stock, or neither. Every step may come twice.

use mercato_ports::documents::CommitFailure;
use mercato_ports::events::Event;
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::orders::{Actor, Status};
use mercato_shop::ports::Ports;
use mercato_shop::services::Inventory;
use mercato_shop::types::Error;

use crate::events::{CANCELLED, DUE, OrderEvent, PLACED, REFUNDED, RESERVATION_DUE};
use crate::order::{ORDERS, Record, Tombstone};
use crate::service::OrdersService;
use crate::status;
use crate::transition::Move;

/// The event that settles reservations.
const SETTLES: &str = PLACED;

/// Why an event was not handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Deliver it again, later.
    Retry(String),
    /// It can never be handled.
    Reject(String),
}

impl<P: Ports, I: Inventory> OrdersService<P, I> {
    /// Goes on with the saga when an event says so.
    ///
    /// # Errors
    /// Whether the event is to come again or can never be handled.
    pub fn handle(&self, event: &Event) -> Result<(), Failure> {
        let OrderEvent { order_id, before, .. } = serde_json::from_str(&event.data)
            .map_err(|error| Failure::Reject(format!("the data of {} can't be read: {error}", event.kind)))?;
        let undone = |after| before.is_some_and(|before| status::gives_back(before.0, after));
        match event.kind.as_str() {
            SETTLES => self.settle(&order_id),
            CANCELLED if undone(Status::Cancelled) => self.inventory.restock(&order_id),
            REFUNDED if undone(Status::Refunded) => self.inventory.restock(&order_id),
            CANCELLED | REFUNDED => Ok(()),
            DUE => self.expire(&order_id),
            RESERVATION_DUE => self.end_abandoned(&order_id),
            other => return Err(Failure::Reject(format!("{other} is no event of this service's"))),
        }
        .map_err(to_failure)
    }

    /// Sells what an order holds. Where that has gone back on hand since the order was undone, nothing is left to do: events may
    /// come late, and twice.
    fn settle(&self, order_id: &str) -> Result<(), Error> {
        match self.inventory.settle(order_id) {
            Err(Error::Conflict(reason)) => match ORDERS.get(&self.ports, order_id)? {
                Some(Stored {
                    body: Record::Order(body),
                    ..
                }) if body.is_undone() => Ok(()),
                _ => Err(Error::Conflict(reason)),
            },
            settled => settled,
        }
    }

    /// Cancels an order that nobody has paid.
    fn expire(&self, order_id: &str) -> Result<(), Error> {
        let cancellation = Move {
            order_id,
            actor: Actor::Shop,
            action: None,
            after: Status::Cancelled,
            version: None,
            note: Some("It was not paid in time.".into()),
            settles: false,
        };
        let expired = self.make(&cancellation, |order| match order.status.0 {
            Status::Pending => Ok(()),
            _ => Err(Error::InvalidTransition("the order has moved on".into())),
        });
        match expired {
            Ok(_) | Err(Error::InvalidTransition(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Gives back what was reserved for an order that never came to be.
    fn end_abandoned(&self, order_id: &str) -> Result<(), Error> {
        match ORDERS.get(&self.ports, order_id)? {
            Some(Stored {
                body: Record::Order(_),
                ..
            }) => return Ok(()),
            Some(Stored {
                body: Record::Abandoned(_),
                ..
            }) => {}
            None => {
                let tombstone = Record::Abandoned(Tombstone {
                    abandoned_at: id::now(),
                });
                match self.ports.commit(&[ORDERS.insert(order_id, &tombstone)?], &[]) {
                    Ok(()) => {}
                    // The placement was faster, or this event came twice at once: the next delivery sees which.
                    Err(CommitFailure::Refused(_)) => {
                        return Err(Error::Conflict("the order's id was taken just now".into()));
                    }
                    Err(failure) => return Err(failure.into()),
                }
            }
        }
        self.inventory.release(order_id)
    }
}

/// What can pass is tried again; what the inventory will always refuse is for a person to see.
fn to_failure(error: Error) -> Failure {
    match error {
        Error::Unavailable(reason) | Error::Conflict(reason) | Error::Internal(reason) => {
            Failure::Retry(reason)
        }
        other => Failure::Reject(format!("{other:?}")),
    }
}
