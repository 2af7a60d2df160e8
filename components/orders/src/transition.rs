//! The moves of an order from one status to the next, each one commit: the order with its timeline, what follows from it as an event.

use mercato_ports::documents::CommitFailure;
use mercato_shop::accounts::AuditAction;
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::orders::{Actor, Order, Status, StatusChange};
use mercato_shop::ports::Ports;
use mercato_shop::services::Inventory;
use mercato_shop::types::Error;

use crate::order::{ORDERS, OrderBody, Record, to_order};
use crate::service::OrdersService;
use crate::status::{self, Named};
use crate::{audit, events};

/// How often a move is made anew when the order changes meanwhile.
const TRIES: usize = 10;
const NOTE: usize = 500;

/// A move that somebody wants to make.
pub struct Move<'a> {
    pub order_id: &'a str,
    pub actor: Actor,
    /// What the audit log calls it, where it is one that people make.
    pub action: Option<AuditAction>,
    pub after: Status,
    /// The version that the order must be at, if any.
    pub version: Option<u64>,
    pub note: Option<String>,
    /// Whether a payment makes it.
    pub settles: bool,
}

impl<P: Ports, I: Inventory> OrdersService<P, I> {
    /// Makes a move of an order that it is permitted for.
    pub(crate) fn make(
        &self,
        wanted: &Move<'_>,
        permit: impl Fn(&OrderBody) -> Result<(), Error>,
    ) -> Result<Order, Error> {
        for _ in 0..TRIES {
            let (version, mut body) = self.existing(wanted.order_id)?;
            permit(&body)?;
            if wanted.version.is_some_and(|expected| expected != version) {
                return Err(Error::StaleVersion(version));
            }
            let before = body.status.0;
            if !status::allows(before, wanted.after) {
                return Err(refused(before, wanted.after));
            }
            body.advance(wanted, id::now());
            let event = events::moved(wanted.order_id, &body.user_id, before, wanted.after)?;
            let act = audit::of_move(
                &wanted.actor,
                wanted.action,
                wanted.order_id,
                &body.user_id,
                (before, wanted.after),
            )?;
            let events: Vec<_> = [event].into_iter().chain(act).collect();
            let unused = match &body.discount {
                Some(redeemed) if wanted.after == Status::Cancelled => redeemed.give_back(&body.user_id),
                _ => Vec::new(),
            };
            let mut stored = Stored {
                id: wanted.order_id.into(),
                version,
                body: Record::Order(body),
            };
            let mut writes = vec![ORDERS.replace(&stored)?];
            writes.extend(unused);
            match self.ports.commit(&writes, &events) {
                Ok(()) => {
                    stored.version += 1;
                    return to_order(stored)
                        .ok_or_else(|| Error::Internal("an order became a tombstone".into()));
                }
                // Somebody else was faster: the next look tells what is left to do.
                Err(CommitFailure::Refused(_)) => {}
                Err(failure) => return Err(failure.into()),
            }
        }
        Err(Error::Unavailable(
            "This order is changed by too many at once. Try again in a moment.".into(),
        ))
    }

    /// An order that is there, with its version.
    pub(crate) fn existing(&self, order_id: &str) -> Result<(u64, OrderBody), Error> {
        match ORDERS.get(&self.ports, order_id)? {
            Some(Stored {
                version,
                body: Record::Order(body),
                ..
            }) => Ok((version, body)),
            _ => Err(missing(order_id)),
        }
    }
}

impl OrderBody {
    fn advance(&mut self, wanted: &Move<'_>, now: u64) {
        let change = StatusChange {
            at: now,
            actor: wanted.actor.clone(),
            before: Some(self.status.0),
            after: wanted.after,
            note: wanted.note.clone(),
        };
        self.timeline.push(change.into());
        self.status = Named(wanted.after);
        self.updated_at = Some(now);
        self.settled |= wanted.settles;
    }
}

/// What somebody says of a move; blank means nothing.
pub fn note(field: &str, text: Option<&str>) -> Result<Option<String>, Error> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    if text.is_some_and(|text| text.chars().count() > NOTE) {
        return Err(Error::invalid(
            field,
            format!("At most {NOTE} characters fit here."),
        ));
    }
    Ok(text.map(Into::into))
}

/// There is no such order.
pub fn missing(id: &str) -> Error {
    Error::NotFound(format!("There is no order {id}."))
}

fn refused(before: Status, after: Status) -> Error {
    Error::InvalidTransition(format!(
        "The order is {}, and can't become {}: {}.",
        status::name(before),
        status::name(after),
        status::next(before)
    ))
}
