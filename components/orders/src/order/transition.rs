//! Changes the status of an order. Each change is one commit: the order with its timeline, and the events of
//! the change.

use mercato_shop::accounts::AuditAction;
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::orders::{Actor, Order, Status};
use mercato_shop::ports::Ports;
use mercato_shop::retry::retry_on_conflict;
use mercato_shop::text;
use mercato_shop::types::{Caller, Error};

use crate::repository::{ORDERS, OrderBody, Record, StoredStatus, TimelineEntry, get_order, order_not_found};
use crate::status::{self, name};
use crate::{audit, events};

/// In characters.
const MAX_NOTE: usize = 500;

/// A requested change.
pub struct Transition<'a> {
    pub order_id: &'a str,
    pub actor: Actor,
    /// The action that the audit log records, if a person makes the change.
    pub action: Option<AuditAction>,
    pub after: Status,
    /// The version that the order must have, if any.
    pub version: Option<u64>,
    pub note: Option<String>,
    /// Whether a payment makes the change.
    pub by_payment: bool,
}

impl<'a> Transition<'a> {
    /// Creates a change that the shop makes itself.
    pub const fn by_shop(order_id: &'a str, after: Status) -> Self {
        Self {
            order_id,
            actor: Actor::Shop,
            action: None,
            after,
            version: None,
            note: None,
            by_payment: false,
        }
    }
}

/// Changes the status of an order, for an ADMIN or the API key.
///
/// # Errors
/// [`Error::InvalidTransition`] if the order can't have this status next, [`Error::StaleVersion`] if it has
/// another version.
pub fn update_status(
    ports: &impl Ports,
    caller: &Caller,
    id: &str,
    status: Status,
    version: Option<u64>,
    note: Option<&str>,
) -> Result<Order, Error> {
    caller.require_admin()?;
    let transition = Transition {
        actor: audit::actor(caller)?,
        action: Some(AuditAction::OrderStatus),
        version,
        note: checked_note("note", note)?,
        ..Transition::by_shop(id, status)
    };
    apply(ports, &transition, |_| Ok(()))
}

/// Cancels an order of the caller, or any order for an ADMIN or the API key.
///
/// # Errors
/// [`Error::NotFound`] for an order of another user. [`Error::InvalidTransition`] if the order is shipped,
/// cancelled or refunded already.
pub fn cancel(ports: &impl Ports, caller: &Caller, id: &str, reason: Option<&str>) -> Result<Order, Error> {
    let transition = Transition {
        actor: audit::actor(caller)?,
        action: Some(AuditAction::OrderCancel),
        note: checked_note("reason", reason)?,
        ..Transition::by_shop(id, Status::Cancelled)
    };
    apply(ports, &transition, |order| {
        if caller.may_see(&order.user_id) {
            Ok(())
        } else {
            Err(order_not_found(id))
        }
    })
}

/// Applies a transition if `check` accepts the current order.
pub fn apply(
    ports: &impl Ports,
    transition: &Transition<'_>,
    check: impl Fn(&OrderBody) -> Result<(), Error>,
) -> Result<Order, Error> {
    let busy = || Error::Unavailable("Too many requests change this order. Try again in a moment.".into());
    retry_on_conflict(busy, || {
        let (version, mut body) = get_order(ports, transition.order_id)?;
        check(&body)?;
        if transition.version.is_some_and(|expected| expected != version) {
            return Err(Error::StaleVersion(version).into());
        }
        let (before, after) = (body.status.0, transition.after);
        body.advance(transition)?;
        let (id, owner) = (transition.order_id, &body.user_id);
        let mut events = vec![events::status_changed(id, owner, before, after)?];
        let (actor, action) = (&transition.actor, transition.action);
        events.extend(audit::status_change(actor, action, id, owner, (before, after))?);
        let returned = match &body.discount {
            Some(redemption) if after == Status::Cancelled => redemption.give_back(owner),
            _ => Vec::new(),
        };
        let stored = Stored {
            id: id.into(),
            version,
            body: Record::Order(body.clone()),
        };
        let mut writes = vec![ORDERS.replace(&stored)?];
        writes.extend(returned);
        ports.commit(&writes, &events)?;
        Ok(body.into_order(stored.id, version + 1))
    })
}

/// Returns success for a change that the order does not allow any more.
pub fn ignore_invalid(result: Result<Order, Error>) -> Result<(), Error> {
    match result {
        Ok(_) | Err(Error::InvalidTransition(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

impl OrderBody {
    fn advance(&mut self, transition: &Transition<'_>) -> Result<(), Error> {
        let (before, after) = (self.status.0, transition.after);
        if !status::allows(before, after) {
            return Err(Error::InvalidTransition(format!(
                "The order is {} and can't become {}. {}",
                name(before),
                name(after),
                status::describe_next(before)
            )));
        }
        let now = id::now();
        self.timeline.push(TimelineEntry {
            at: now,
            actor: transition.actor.clone(),
            before: Some(self.status),
            after: StoredStatus(after),
            note: transition.note.clone(),
        });
        self.status = StoredStatus(after);
        self.updated_at = Some(now);
        self.paid_by_gateway |= transition.by_payment;
        Ok(())
    }
}

/// Checks the note of a change. A blank note is left out.
fn checked_note(field: &str, note: Option<&str>) -> Result<Option<String>, Error> {
    let note = text::trimmed(note);
    if note.is_some_and(|note| note.chars().count() > MAX_NOTE) {
        let message = format!("`{field}` must be at most {MAX_NOTE} characters.");
        return Err(Error::invalid(field, message));
    }
    Ok(note.map(Into::into))
}
