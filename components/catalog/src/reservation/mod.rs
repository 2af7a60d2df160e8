//! Reservations: the stock that orders hold.

mod pricing;
pub mod settlement;

use std::collections::{HashMap, HashSet};

use mercato_ports::documents::{CommitFailure, Refusal, RefusalReason, Write};
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::retry::{AttemptError, retry_on_conflict};
use mercato_shop::types::{Error, Line, PricedLine, Shortage};

use crate::events;
use crate::platform::Platform;
use crate::repository::{
    ARCHIVED_PRODUCTS, PRODUCTS, ProductBody, RESERVATIONS, Reservation, ReservedLine, State, commit_moved,
};
use crate::stock::alert::{self, AlertChange, ShopThreshold};
use crate::stock::ledger;
use crate::stock::movement::Movement;

/// The outcome of one attempt to reserve.
enum Attempt {
    Reserved(Vec<PricedLine>),
    /// The order has a reservation already.
    Exists,
    /// A concurrent movement changed a low-stock alert first.
    AlertConflict,
}

/// Reserves the stock for an order at the current prices: all lines or none. A repetition returns the same
/// prices.
///
/// # Errors
/// - [`Error::OutOfStock`] with all lines that have too little stock.
/// - [`Error::NotFound`] or [`Error::Invalid`] for a line that cannot be ordered.
/// - [`Error::Conflict`] if the order has reserved other lines, or has released them.
pub fn reserve(
    ports: &impl Platform,
    order_id: &str,
    lines: &[Line],
    due: u64,
) -> Result<Vec<PricedLine>, Error> {
    for changes_alert in alert::ATTEMPTS {
        match attempt(ports, order_id, lines, due, changes_alert)? {
            Attempt::Reserved(priced) => return Ok(priced),
            Attempt::Exists => return existing_prices(ports, order_id, lines),
            Attempt::AlertConflict => {}
        }
    }
    Err(Error::Internal(
        "a reservation that does not change an alert failed because of an alert".into(),
    ))
}

/// Returns the reserved units to the units on hand.
///
/// # Errors
/// [`Error::NotFound`] if the order has no reservation. [`Error::Conflict`] if it was settled.
pub fn release(ports: &impl Platform, order_id: &str) -> Result<(), Error> {
    let transitions = [(State::Held, Movement::Release)];
    end(ports, order_id, State::Released, &transitions)
}

/// Returns the reserved or sold units to the units on hand.
///
/// # Errors
/// [`Error::NotFound`] if the order has no reservation.
pub fn restock(ports: &impl Platform, order_id: &str) -> Result<(), Error> {
    let transitions = [
        (State::Held, Movement::Release),
        (State::Settled, Movement::Return),
    ];
    end(ports, order_id, State::Released, &transitions)
}

fn attempt(
    ports: &impl Platform,
    order_id: &str,
    lines: &[Line],
    due: u64,
    changes_alert: bool,
) -> Result<Attempt, Error> {
    let ids: Vec<_> = lines.iter().map(|line| line.product_id.clone()).collect();
    let products = PRODUCTS.get_many(ports, &ids)?;
    let alert_changes = if changes_alert {
        alert_changes(ShopThreshold::read(ports)?, lines, &products)?
    } else {
        HashMap::new()
    };
    let reservation = Reservation {
        state: State::Held,
        lines: pricing::price(lines, products)?,
        created_at: id::now(),
    };
    // The reservation is write 0, and the adjustment of line n is write n + 1. Refusals are read by these
    // numbers.
    let mut writes = vec![RESERVATIONS.insert(order_id, &reservation)?];
    for line in &reservation.lines {
        let mut changes = Movement::Reserve.changes(i64::from(line.quantity));
        changes.extend(
            alert_changes
                .get(line.product_id.as_str())
                .map(AlertChange::adjustment),
        );
        writes.push(PRODUCTS.adjust(&line.product_id, changes));
    }
    writes.extend(ledger_entries(order_id, &reservation.lines, Movement::Reserve)?);
    let mut events = vec![events::reservation_due(order_id, due)?];
    for change in alert_changes.into_values() {
        writes.extend(change.writes);
        events.extend(change.event);
    }
    let refusals = match commit_moved(ports, &writes, &events, &reservation.lines) {
        Ok(()) => return Ok(Attempt::Reserved(reservation.into_priced_lines())),
        Err(CommitFailure::Failed(failure)) => return Err(failure.into()),
        Err(CommitFailure::Refused(refusals)) => refusals,
    };
    if refusals.iter().any(|refusal| refusal.write == 0) {
        return Ok(Attempt::Exists);
    }
    let shortages: Vec<_> = refusals
        .iter()
        .filter_map(|refusal| Some(shortage(line_of(refusal, lines)?, refusal)))
        .collect();
    if shortages.is_empty() {
        Ok(Attempt::AlertConflict)
    } else {
        Err(Error::OutOfStock(shortages))
    }
}

/// Returns the prices of the order's reservation, if it has the same lines.
fn existing_prices(ports: &impl Ports, order_id: &str, lines: &[Line]) -> Result<Vec<PricedLine>, Error> {
    let stored = RESERVATIONS.get(ports, order_id)?;
    stored
        .map(|stored| stored.body)
        .filter(|reservation| reservation.state != State::Released && reservation.has_lines(lines))
        .map(Reservation::into_priced_lines)
        .ok_or_else(|| {
            Error::Conflict(
                "This order has reserved other products, or its reservation was released. Place a new order."
                    .into(),
            )
        })
}

/// Brings a reservation to a final state, by the movement from its present state. The version of the
/// reservation detects a concurrent transition.
fn end(
    ports: &impl Platform,
    order_id: &str,
    state: State,
    transitions: &[(State, Movement)],
) -> Result<(), Error> {
    let Some(mut stored) = RESERVATIONS.get(ports, order_id)? else {
        return Err(Error::NotFound(format!(
            "The order {order_id} has no reservation."
        )));
    };
    if stored.body.state == state {
        return Ok(());
    }
    let transition = transitions.iter().find(|(from, _)| *from == stored.body.state);
    let Some((_, movement)) = transition else {
        return Err(Error::Conflict(format!(
            "The reservation of the order {order_id} was settled or released before."
        )));
    };
    stored.body.state = state;
    let lines = &stored.body.lines;
    let mut archived = HashSet::new();
    let busy = || {
        Error::Conflict(
            "The products of this order are archived and restored again and again. Try again later.".into(),
        )
    };
    retry_on_conflict(busy, || {
        let mut writes = vec![RESERVATIONS.replace(&stored)?];
        writes.extend(adjustments(lines, *movement, &archived));
        writes.extend(ledger_entries(order_id, lines, *movement)?);
        // Cached replies show the units on hand, which a sale of reserved units leaves as they are.
        let committed = match movement {
            Movement::Settle => ports.commit(&writes, &[]),
            _ => commit_moved(ports, &writes, &[], lines),
        };
        match committed {
            Err(CommitFailure::Refused(refusals))
                if refusals
                    .iter()
                    .all(|refusal| refusal.write > 0 && refusal.reason == RefusalReason::Missing) =>
            {
                // These products were archived or restored since the last attempt.
                for line in refusals.iter().filter_map(|refusal| line_of(refusal, lines)) {
                    let id = line.product_id.as_str();
                    if !archived.remove(id) {
                        archived.insert(id);
                    }
                }
                Err(AttemptError::Conflict)
            }
            outcome => Ok(outcome.map_err(Error::from)?),
        }
    })
}

/// Returns the alert changes that the reservation causes, by product.
fn alert_changes<'a>(
    threshold: ShopThreshold,
    lines: &'a [Line],
    products: &[Option<Stored<ProductBody>>],
) -> Result<HashMap<&'a str, AlertChange>, Error> {
    let mut changes = HashMap::new();
    for (line, product) in lines.iter().zip(products) {
        let Some(product) = product else { continue };
        let delta = Movement::Reserve.on_hand(i64::from(line.quantity));
        if let Some(change) = threshold.alert_change(product, delta)? {
            changes.insert(line.product_id.as_str(), change);
        }
    }
    Ok(changes)
}

/// Returns the line whose adjustment was refused.
fn line_of<'a, T>(refusal: &Refusal, lines: &'a [T]) -> Option<&'a T> {
    let write = usize::try_from(refusal.write).ok()?;
    lines.get(write.checked_sub(1)?)
}

fn shortage(line: &Line, refusal: &Refusal) -> Shortage {
    let available = match refusal.reason {
        RefusalReason::UnderFloor(left) => u32::try_from(left).unwrap_or(0),
        RefusalReason::Exists | RefusalReason::Missing | RefusalReason::Stale(_) => 0,
    };
    Shortage {
        product_id: line.product_id.clone(),
        requested: line.quantity,
        available,
    }
}

/// Returns the adjustments that move the units of all lines.
fn adjustments(
    lines: &[ReservedLine],
    movement: Movement,
    archived: &HashSet<&str>,
) -> impl Iterator<Item = Write> {
    lines.iter().map(move |line| {
        let products = if archived.contains(line.product_id.as_str()) {
            ARCHIVED_PRODUCTS
        } else {
            PRODUCTS
        };
        products.adjust(&line.product_id, movement.changes(i64::from(line.quantity)))
    })
}

fn ledger_entries(order_id: &str, lines: &[ReservedLine], movement: Movement) -> Result<Vec<Write>, Error> {
    lines
        .iter()
        .map(|line| ledger::order_entry(&line.product_id, order_id, movement, i64::from(line.quantity)))
        .collect()
}
