//! The saga of an order over two stores: this service's and the inventory's.
//!
//! 1. The inventory reserves all lines under the order's id, and sets a timer
//!    (`mercato.catalog.reservation-due`).
//! 2. The order is inserted under that id, with the event `mercato.orders.order-placed`.
//! 3. That event settles the reservation. From then on the units belong to the order, paid or not, until the
//!    order is cancelled or refunded. So no order is paid without its stock.
//! 4. If the order is cancelled or refunded before it is shipped, the event of that change returns its units
//!    to stock.
//!
//! A crash after step 1 leaves a reservation without an order. When its timer is due, a tombstone is inserted
//! under the order's id, and the reservation is released. A placement that is still running then fails to
//! insert the order. So both the order and its stock exist, or neither does. Every step can be repeated.

use mercato_ports::documents::CommitFailure;
use mercato_ports::events::{Event, HandlerFailure};
use mercato_shop::collection::Stored;
use mercato_shop::handler;
use mercato_shop::orders::Status;
use mercato_shop::ports::Ports;
use mercato_shop::services::Inventory;
use mercato_shop::types::Error;

use super::transition::{self, Transition};
use crate::events::{CANCELLED, DUE, OrderEvent, PLACED, REFUNDED, RESERVATION_DUE};
use crate::repository::{ORDERS, Record};
use crate::status::returns_stock;

/// Continues the sagas of the orders of these events. The events of a batch have one kind.
pub fn handle(
    ports: &impl Ports,
    inventory: &impl Inventory,
    events: &[Event],
) -> Vec<Result<(), HandlerFailure>> {
    match events.first().map(|event| event.kind.as_str()) {
        Some(PLACED) => handle_orders(events, |order_ids| settle(ports, inventory, order_ids)),
        Some(RESERVATION_DUE) => {
            handle_orders(events, |order_ids| abandon_missing(ports, inventory, order_ids))
        }
        _ => handler::each(events, |event| handle_one(ports, inventory, event)),
    }
}

/// Passes the order ids of all valid events to a function, and returns a result for each event.
fn handle_orders(
    events: &[Event],
    handle: impl FnOnce(&[String]) -> Result<Vec<Result<(), Error>>, Error>,
) -> Vec<Result<(), HandlerFailure>> {
    let data = events.iter().map(handler::data::<OrderEvent>).collect::<Vec<_>>();
    let order_ids = data.iter().flatten().map(|data| data.order_id.clone());
    let mut handled = handle(&order_ids.collect::<Vec<_>>()).map(Vec::into_iter);
    let missing = || Err(Error::Internal("an event of a batch has no result".into()));
    let result = |data: Result<OrderEvent, HandlerFailure>| {
        data?;
        let result = match &mut handled {
            Ok(results) => results.next().unwrap_or_else(missing),
            Err(error) => Err(error.clone()),
        };
        Ok(result?)
    };
    data.into_iter().map(result).collect()
}

fn handle_one(ports: &impl Ports, inventory: &impl Inventory, event: &Event) -> Result<(), HandlerFailure> {
    let OrderEvent { order_id, before, .. } = handler::data(event)?;
    let returns = |after| before.is_some_and(|before| returns_stock(before.0, after));
    match event.kind.as_str() {
        CANCELLED if returns(Status::Cancelled) => inventory.restock(&order_id)?,
        REFUNDED if returns(Status::Refunded) => inventory.restock(&order_id)?,
        CANCELLED | REFUNDED => {}
        DUE => expire(ports, &order_id)?,
        _ => return Err(handler::unknown_kind(event)),
    }
    Ok(())
}

/// Settles the reservations of orders. An order that was cancelled or refunded already has returned its units, so
/// nothing is settled.
fn settle(
    ports: &impl Ports,
    inventory: &impl Inventory,
    order_ids: &[String],
) -> Result<Vec<Result<(), Error>>, Error> {
    let settled = inventory.settle_many(order_ids)?;
    let result = |(order_id, settled): (&String, Result<(), Error>)| match settled {
        Err(Error::Conflict(_)) if is_returned(ports, order_id)? => Ok(()),
        settled => settled,
    };
    Ok(order_ids.iter().zip(settled).map(result).collect())
}

fn is_returned(ports: &impl Ports, order_id: &str) -> Result<bool, Error> {
    let Some(Record::Order(body)) = ORDERS.get(ports, order_id)?.map(|stored| stored.body) else {
        return Ok(false);
    };
    let last = body.timeline.last();
    Ok(last.is_some_and(|entry| {
        entry
            .before
            .is_some_and(|before| returns_stock(before.0, entry.after.0))
    }))
}

/// Cancels an order that was not paid in time.
fn expire(ports: &impl Ports, order_id: &str) -> Result<(), Error> {
    let cancellation = Transition {
        note: Some("It was not paid in time.".into()),
        ..Transition::by_shop(order_id, Status::Cancelled)
    };
    let expired = transition::apply(ports, &cancellation, |order| match order.status.0 {
        Status::Pending => Ok(()),
        _ => Err(Error::InvalidTransition("the order is not pending".into())),
    });
    transition::ignore_invalid(expired)
}

/// Releases the reservations of those orders that were never inserted.
fn abandon_missing(
    ports: &impl Ports,
    inventory: &impl Inventory,
    order_ids: &[String],
) -> Result<Vec<Result<(), Error>>, Error> {
    let records = ORDERS.get_many(ports, order_ids)?;
    let result = |(order_id, stored): (&String, Option<Stored<Record>>)| {
        abandon(ports, inventory, order_id, stored.map(|stored| stored.body))
    };
    Ok(order_ids.iter().zip(records).map(result).collect())
}

/// Releases the reservation of an order, unless the order is stored.
fn abandon(
    ports: &impl Ports,
    inventory: &impl Inventory,
    order_id: &str,
    record: Option<Record>,
) -> Result<(), Error> {
    match record {
        Some(Record::Order(_)) => return Ok(()),
        Some(Record::Abandoned(_)) => {}
        None => {
            match ports.commit(&[ORDERS.insert(order_id, &Record::tombstone())?], &[]) {
                Ok(()) => {}
                // The placement, or another delivery of this event, took the id first. The next delivery
                // shows which.
                Err(CommitFailure::Refused(_)) => {
                    return Err(Error::Conflict("the order's id was taken a moment ago".into()));
                }
                Err(failure) => return Err(failure.into()),
            }
        }
    }
    inventory.release(order_id)
}
