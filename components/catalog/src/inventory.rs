//! What orders do to the stock: reserve, settle, release, restock.

use std::collections::{HashMap, HashSet};

use mercato_ports::documents::{CommitFailure, Refusal, RefusalReason, Write};
use mercato_shop::cache::Cache;
use mercato_shop::collection::{Stored, event};
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::services::Inventory;
use mercato_shop::types::{Error, Line, PricedLine, Shortage};
use serde::Serialize;

use crate::ledger::Entry;
use crate::low_stock::{self, Turn, Watch};
use crate::movement::Movement;
use crate::product::{ARCHIVED, PRODUCTS, ProductBody};
use crate::reservation::{RESERVATIONS, Reservation, ReservedLine, State};
use crate::service::{CatalogService, TRIES, commit};

/// What one order may come to, in minor units: what GraphQL's Int, which has 32 bits, can tell.
const MOST: i64 = i32::MAX as i64;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReservationDue<'a> {
    order_id: &'a str,
}

impl<P: Ports + Cache> Inventory for CatalogService<P> {
    fn reserve(&self, order_id: &str, lines: &[Line], due: u64) -> Result<Vec<PricedLine>, Error> {
        for telling in low_stock::TRIES {
            match self.attempt(order_id, lines, due, telling)? {
                Attempt::Reserved(priced) => return Ok(priced),
                Attempt::Before => return self.reserved_before(order_id, lines),
                Attempt::OutOfTurn => {}
            }
        }
        Err(Error::Internal(
            "a reservation without turns has failed because of one".into(),
        ))
    }

    fn settle(&self, order_id: &str) -> Result<(), Error> {
        self.end(order_id, State::Settled, |state| match state {
            State::Held => Some(Movement::Settle),
            State::Settled | State::Released => None,
        })
    }

    fn release(&self, order_id: &str) -> Result<(), Error> {
        self.end(order_id, State::Released, |state| match state {
            State::Held => Some(Movement::Release),
            State::Settled | State::Released => None,
        })
    }

    fn restock(&self, order_id: &str) -> Result<(), Error> {
        self.end(order_id, State::Released, |state| match state {
            State::Held => Some(Movement::Release),
            State::Settled => Some(Movement::Return),
            State::Released => None,
        })
    }
}

/// What became of one try to reserve.
enum Attempt {
    Reserved(Vec<PricedLine>),
    /// The order has been here before.
    Before,
    /// Others were faster to tell that a product runs low.
    OutOfTurn,
}

impl<P: Ports + Cache> CatalogService<P> {
    /// Takes the stock for an order as its products are now; with `telling`, tells of those that run low.
    fn attempt(&self, order_id: &str, lines: &[Line], due: u64, telling: bool) -> Result<Attempt, Error> {
        let ids: Vec<_> = lines.iter().map(|line| line.product_id.clone()).collect();
        let products = PRODUCTS.get_many(self.ports(), &ids)?;
        let turns = if telling {
            turns(Watch::new(self.ports())?, lines, &products)?
        } else {
            HashMap::new()
        };
        let reservation = Reservation {
            state: State::Held,
            lines: price(lines, products)?,
            created_at: id::now(),
        };
        // The reservation goes first: where it is refused, the order has been here before.
        let mut writes = vec![RESERVATIONS.insert(order_id, &reservation)?];
        for line in &reservation.lines {
            let mut changes = Movement::Reserve.changes(i64::from(line.quantity));
            changes.extend(turns.get(line.product_id.as_str()).map(Turn::change));
            writes.push(PRODUCTS.adjust(&line.product_id, changes));
        }
        writes.extend(entries(order_id, &reservation.lines, Movement::Reserve)?);
        let mut events = vec![event(
            "mercato.catalog.reservation-due",
            format!("reservation/{order_id}"),
            &ReservationDue { order_id },
        )?];
        if let Some(timer) = events.first_mut() {
            timer.due = Some(due);
        }
        for turn in turns.into_values() {
            writes.extend(turn.writes);
            events.extend(turn.event);
        }
        match commit(self.ports(), &writes, &events) {
            Ok(()) => Ok(Attempt::Reserved(reservation.priced())),
            Err(CommitFailure::Failed(failure)) => Err(failure.into()),
            Err(CommitFailure::Refused(refusals)) if refusals.iter().any(|refusal| refusal.write == 0) => {
                Ok(Attempt::Before)
            }
            Err(CommitFailure::Refused(refusals)) => {
                let shortages = shortages(lines, &refusals);
                if shortages.is_empty() {
                    Ok(Attempt::OutOfTurn)
                } else {
                    Err(Error::OutOfStock(shortages))
                }
            }
        }
    }

    /// The answer to a reservation that is repeated.
    fn reserved_before(&self, order_id: &str, lines: &[Line]) -> Result<Vec<PricedLine>, Error> {
        match RESERVATIONS.get(self.ports(), order_id)? {
            Some(stored) if stored.body.state != State::Released && stored.body.is_of(lines) => {
                Ok(stored.body.priced())
            }
            _ => Err(Error::Conflict(
                "This order has reserved other things, or has given them back. Place a new one.".into(),
            )),
        }
    }

    /// Brings a reservation into a state, by the movement that leads there from the one that it is in. Two that do so at once meet at
    /// its version: the second finds it there.
    fn end(
        &self,
        order_id: &str,
        state: State,
        movement: impl Fn(State) -> Option<Movement>,
    ) -> Result<(), Error> {
        let Some(mut stored) = RESERVATIONS.get(self.ports(), order_id)? else {
            return Err(Error::NotFound(format!(
                "Nothing is reserved for the order {order_id}."
            )));
        };
        if stored.body.state == state {
            return Ok(());
        }
        let Some(movement) = movement(stored.body.state) else {
            return Err(Error::Conflict(format!(
                "The reservation of the order {order_id} has already ended otherwise."
            )));
        };
        stored.body.state = state;
        let mut archived = HashSet::new();
        for _ in 0..TRIES {
            let mut writes = vec![RESERVATIONS.replace(&stored)?];
            writes.extend(moves(&stored.body.lines, movement, &archived));
            writes.extend(entries(order_id, &stored.body.lines, movement)?);
            match commit(self.ports(), &writes, &[]) {
                Err(CommitFailure::Refused(refusals))
                    if refusals
                        .iter()
                        .all(|refusal| refusal.write > 0 && refusal.reason == RefusalReason::Missing) =>
                {
                    // These products were archived since they were reserved, or have come back since the last look.
                    for refusal in refusals {
                        let line = usize::try_from(refusal.write)
                            .ok()
                            .and_then(|write| stored.body.lines.get(write.checked_sub(1)?));
                        if let Some(line) = line
                            && !archived.remove(line.product_id.as_str())
                        {
                            archived.insert(line.product_id.as_str());
                        }
                    }
                }
                outcome => return outcome.map_err(Error::from),
            }
        }
        Err(Error::Conflict(
            "The products of this order are being archived and brought back all the time. Repeat it later."
                .into(),
        ))
    }
}

/// The turns that the sale makes, by product.
fn turns<'a>(
    watch: Watch,
    lines: &'a [Line],
    products: &[Option<Stored<ProductBody>>],
) -> Result<HashMap<&'a str, Turn>, Error> {
    let mut turns = HashMap::new();
    for (line, product) in lines.iter().zip(products) {
        let Some(product) = product else { continue };
        if let Some(turn) = watch.turn(product, -i64::from(line.quantity))? {
            turns.insert(line.product_id.as_str(), turn);
        }
    }
    Ok(turns)
}

/// The lines that could not be had, from the writes after the first that were refused.
fn shortages(lines: &[Line], refusals: &[Refusal]) -> Vec<Shortage> {
    let shortage = |refusal: &Refusal| {
        let line = lines.get(usize::try_from(refusal.write).ok()?.checked_sub(1)?)?;
        let available = match refusal.reason {
            RefusalReason::UnderFloor(left) => u32::try_from(left).unwrap_or(0),
            RefusalReason::Exists | RefusalReason::Missing | RefusalReason::Stale(_) => 0,
        };
        Some(Shortage {
            product_id: line.product_id.clone(),
            requested: line.quantity,
            available,
        })
    };
    refusals.iter().filter_map(shortage).collect()
}

/// Gives each line its product's name and price of now; what can't be sold at all is an error.
fn price(lines: &[Line], products: Vec<Option<Stored<ProductBody>>>) -> Result<Vec<ReservedLine>, Error> {
    let mut priced = Vec::<ReservedLine>::with_capacity(lines.len());
    let mut total = 0_i64;
    for (line, product) in lines.iter().zip(products) {
        let Some(product) = product else {
            return Err(Error::NotFound(format!(
                "There is no product {}. Remove it from the order.",
                line.product_id
            )));
        };
        if !product.body.variant_ids.is_empty() {
            return Err(Error::invalid(
                "products",
                format!("{} comes in variants. Order one of them.", product.body.name),
            ));
        }
        if priced
            .first()
            .is_some_and(|first| first.currency != product.body.currency)
        {
            return Err(Error::invalid(
                "products",
                "These products have prices in different currencies. Order them apart.",
            ));
        }
        total = product
            .body
            .price
            .saturating_mul(i64::from(line.quantity))
            .saturating_add(total);
        priced.push(ReservedLine {
            product_id: line.product_id.clone(),
            name: product.body.name,
            quantity: line.quantity,
            price: product.body.price,
            currency: product.body.currency,
        });
    }
    if total > MOST {
        return Err(Error::invalid(
            "products",
            format!("An order comes to at most {MOST} minor units. Split it."),
        ));
    }
    Ok(priced)
}

/// The adjustments that move all lines; those of archived products where they are now.
fn moves(
    lines: &[ReservedLine],
    movement: Movement,
    archived: &HashSet<&str>,
) -> impl Iterator<Item = Write> {
    lines.iter().map(move |line| {
        let products = if archived.contains(line.product_id.as_str()) {
            ARCHIVED
        } else {
            PRODUCTS
        };
        products.adjust(&line.product_id, movement.changes(i64::from(line.quantity)))
    })
}

/// What the ledger says of the movement, a line each.
fn entries(order_id: &str, lines: &[ReservedLine], movement: Movement) -> Result<Vec<Write>, Error> {
    lines
        .iter()
        .map(|line| Entry::of_order(order_id, movement, i64::from(line.quantity)).enter(&line.product_id))
        .collect()
}
