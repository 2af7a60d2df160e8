//! The placement of an order, as a saga over two stores.
//!
//! 1. The inventory reserves all lines for the order's id, and sets a timer (`mercato.catalog.reservation-due`).
//! 2. The order is inserted under that id, with the event `mercato.orders.order-placed`.
//! 3. That event settles the reservation. As long as no payment stands in between, placing is buying.
//!
//! A crash after 1 leaves a reservation without an order. When the timer comes, a tombstone takes the order's id,
//! and then the reservation is released. Should the placement still be on its way, its insert meets the tombstone and fails: either
//! there is an order and its stock, or neither. Every step may come twice.

use mercato_common::collection::{Stored, event};
use mercato_common::id;
use mercato_common::orders::Order;
use mercato_common::ports::Ports;
use mercato_common::services::Inventory;
use mercato_common::types::{Error, Line};
use mercato_ports::documents::CommitFailure;
use mercato_ports::events::Event;
use serde::{Deserialize, Serialize};

use crate::order::{ORDERS, OrderBody, Record, Tombstone, to_order};
use crate::service::{OrdersService, due};

/// Why an event was not handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Deliver it again, later.
    Retry(String),
    /// It can never be handled.
    Reject(String),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OrderEvent {
    order_id: String,
}

impl<P: Ports, I: Inventory> OrdersService<P, I> {
    pub(crate) fn place_for(&self, user_id: &str, lines: &[Line]) -> Result<Order, Error> {
        let order_id = id::new();
        let priced = self.inventory.reserve(&order_id, lines, due(&self.ports)?)?;
        let record = Record::Order(OrderBody::place(user_id, priced, id::now()));
        let placed = event(
            "mercato.orders.order-placed",
            format!("order/{order_id}"),
            &OrderEvent {
                order_id: order_id.clone(),
            },
        )?;
        match self
            .ports
            .commit(&[ORDERS.insert(&order_id, &record)?], &[placed])
        {
            Ok(()) => to_order(Stored {
                id: order_id,
                version: 1,
                body: record,
            })
            .ok_or_else(|| Error::Internal("an order became a tombstone".into())),
            Err(CommitFailure::Refused(_)) => Err(Error::Conflict(
                "This order took too long and was given up. Nothing was bought: place it again.".into(),
            )),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Goes on with the saga when an event says so.
    ///
    /// # Errors
    /// Whether the event is to come again or can never be handled.
    pub fn handle(&self, event: &Event) -> Result<(), Failure> {
        let OrderEvent { order_id } = serde_json::from_str(&event.data)
            .map_err(|error| Failure::Reject(format!("the data of {} can't be read: {error}", event.kind)))?;
        match event.kind.as_str() {
            "mercato.orders.order-placed" => self.inventory.settle(&order_id),
            "mercato.catalog.reservation-due" => self.end_abandoned(&order_id),
            other => return Err(Failure::Reject(format!("{other} is no event of this service's"))),
        }
        .map_err(to_failure)
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
