//! The settlement of reservations: the reserved units of placed orders become sold units.

use std::collections::BTreeMap;

use mercato_ports::documents::{CommitFailure, Write};
use mercato_shop::collection::Stored;
use mercato_shop::lines::MAX_LINES;
use mercato_shop::types::Error;

use super::{end, ledger_entries};
use crate::platform::Platform;
use crate::repository::{PRODUCTS, RESERVATIONS, Reservation, State};
use crate::stock::movement::Movement;

/// Marks the reserved units of orders as sold. One commit settles orders with at most [`MAX_LINES`] lines in
/// total. The others are settled one by one. Returns a result for each order.
///
/// # Errors
/// Of an order: [`Error::NotFound`] if it has no reservation, [`Error::Conflict`] if it was released.
pub fn settle_many(ports: &impl Platform, order_ids: &[String]) -> Result<Vec<Result<(), Error>>, Error> {
    let mut held: Vec<_> = RESERVATIONS
        .get_many(ports, order_ids)?
        .into_iter()
        .flatten()
        .filter(|reservation| reservation.body.state == State::Held)
        .collect();
    held.sort_by(|a, b| a.id.cmp(&b.id));
    held.dedup_by(|a, b| a.id == b.id);
    let mut lines = 0;
    held.retain(|reservation| {
        let added = reservation.body.lines.len();
        let fits = lines + added <= MAX_LINES;
        lines += if fits { added } else { 0 };
        fits
    });
    let settled = settle_together(ports, &held)?;
    let result = |order_id: &String| match settled && held.iter().any(|held| held.id == *order_id) {
        true => Ok(()),
        false => end(
            ports,
            order_id,
            State::Settled,
            &[(State::Held, Movement::Settle)],
        ),
    };
    Ok(order_ids.iter().map(result).collect())
}

/// Settles reservations in one commit. Returns false if the commit was refused, because one of them or one of
/// the products has changed.
fn settle_together(ports: &impl Platform, held: &[Stored<Reservation>]) -> Result<bool, Error> {
    let mut writes = Vec::new();
    let mut units = BTreeMap::new();
    for reservation in held {
        let mut settled = reservation.clone();
        settled.body.state = State::Settled;
        writes.push(RESERVATIONS.replace(&settled)?);
        let lines = &reservation.body.lines;
        writes.extend(ledger_entries(&reservation.id, lines, Movement::Settle)?);
        for line in lines {
            *units.entry(line.product_id.as_str()).or_insert(0) += i64::from(line.quantity);
        }
    }
    let adjustment = |(product_id, units): (&str, i64)| -> Write {
        PRODUCTS.adjust(product_id, Movement::Settle.changes(units))
    };
    writes.extend(units.into_iter().map(adjustment));
    if writes.is_empty() {
        return Ok(false);
    }
    // Cached replies show the units on hand, which stay as they are.
    match ports.commit(&writes, &[]) {
        Ok(()) => Ok(true),
        Err(CommitFailure::Refused(_)) => Ok(false),
        Err(failure) => Err(failure.into()),
    }
}
