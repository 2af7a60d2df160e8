//! What keepers of the shop do to the stock: receive, adjust, count. Each movement is in the ledger.

use mercato_ports::documents::{CommitFailure, RefusalReason};
use mercato_shop::accounts::AuditAction;
use mercato_shop::cache::Cache;
use mercato_shop::catalog::{MovementKind, Product};
use mercato_shop::collection::Stored;
use mercato_shop::ports::Ports;
use mercato_shop::types::{Caller, Error, Shortage};

use crate::input;
use crate::ledger::Entry;
use crate::low_stock::{self, Watch};
use crate::movement::Movement;
use crate::product::{PRODUCTS, ProductBody, to_product};
use crate::service::{TRIES, act, commit, missing};

/// Why the stock is changed, and by whom.
struct Cause<'a> {
    caller: &'a Caller,
    kind: MovementKind,
    action: AuditAction,
    reason: Option<String>,
}

/// Newly received pieces come on hand.
pub fn receive(
    ports: &(impl Ports + Cache),
    caller: &Caller,
    id: &str,
    pieces: i64,
) -> Result<Product, Error> {
    let pieces = input::received(pieces)?;
    let cause = Cause {
        caller,
        kind: MovementKind::Received,
        action: AuditAction::StockReceive,
        reason: None,
    };
    shift(ports, id, Movement::Receive, pieces, "quantity", cause)
}

/// Pieces are found, or written off, never more than are on hand.
pub fn adjust(
    ports: &(impl Ports + Cache),
    caller: &Caller,
    id: &str,
    delta: i64,
    reason: &str,
) -> Result<Product, Error> {
    let pieces = input::delta(delta)?;
    let reason = Some(input::reason(reason)?);
    let movement = if delta > 0 {
        Movement::Receive
    } else {
        Movement::WriteOff
    };
    let cause = Cause {
        caller,
        kind: MovementKind::Adjusted,
        action: AuditAction::StockAdjust,
        reason,
    };
    shift(ports, id, movement, pieces, "delta", cause)
}

/// Moves pieces at whatever version the product has.
fn shift(
    ports: &(impl Ports + Cache),
    id: &str,
    movement: Movement,
    pieces: i64,
    field: &str,
    cause: Cause<'_>,
) -> Result<Product, Error> {
    let watch = Watch::new(ports)?;
    for telling in low_stock::TRIES {
        let product = existing(ports, id)?;
        if movement == Movement::Receive {
            bounded(&product.body, pieces, field)?;
        }
        let mut changes = movement.changes(pieces);
        let entry = Entry::by(cause.caller, cause.kind, movement, pieces, cause.reason.clone());
        let moved = format!("{:+}", movement.on_hand(pieces));
        let mut events = vec![act(cause.caller, cause.action, id, Some(moved))?];
        let mut turned = Vec::new();
        if telling && let Some(turn) = watch.turn(&product, movement.on_hand(pieces))? {
            changes.push(turn.change());
            turned = turn.writes;
            events.extend(turn.event);
        }
        let mut writes = vec![PRODUCTS.adjust(id, changes), entry.enter(id)?];
        writes.extend(turned);
        match commit(ports, &writes, &events) {
            Ok(()) => return existing(ports, id).map(to_product),
            Err(CommitFailure::Refused(refusals)) => {
                if let Some(refusal) = refusals.iter().find(|refusal| refusal.write == 0) {
                    return Err(match refusal.reason {
                        RefusalReason::UnderFloor(left) => short(id, pieces, left),
                        RefusalReason::Exists | RefusalReason::Missing | RefusalReason::Stale(_) => {
                            missing(id)
                        }
                    });
                }
            }
            Err(failure) => return Err(failure.into()),
        }
    }
    Err(Error::Internal(
        "a movement without turns has failed because of one".into(),
    ))
}

/// So many are on hand, as somebody has counted; the difference is received or written off.
pub fn set(
    ports: &(impl Ports + Cache),
    caller: &Caller,
    id: &str,
    quantity: i64,
    reason: Option<&str>,
) -> Result<Product, Error> {
    let quantity = input::quantity(quantity)?;
    let reason = reason.map(input::reason).transpose()?;
    let watch = Watch::new(ports)?;
    for _ in 0..TRIES {
        let mut product = existing(ports, id)?;
        let delta = quantity - product.body.on_hand;
        let movement = match delta {
            0 => return Ok(to_product(product)),
            1.. => Movement::Receive,
            _ => Movement::WriteOff,
        };
        if delta > 0 {
            bounded(&product.body, delta, "quantity")?;
            product.body.received += delta;
        } else {
            product.body.written_off -= delta;
        }
        let turn = watch.turn(&product, delta)?;
        let counted = format!("{} -> {quantity}", product.body.on_hand);
        let mut events = vec![act(caller, AuditAction::StockSet, id, Some(counted))?];
        product.body.on_hand = quantity;
        product.body.low_turns += turn.as_ref().map_or(0, |turn| turn.steps);
        let entry = Entry::by(caller, MovementKind::Set, movement, delta.abs(), reason.clone());
        let mut writes = vec![PRODUCTS.replace(&product)?, entry.enter(id)?];
        let (turned, event) = turn.map(|turn| (turn.writes, turn.event)).unwrap_or_default();
        writes.extend(turned);
        events.extend(event);
        match commit(ports, &writes, &events) {
            Ok(()) => return Ok(to_product(product)),
            // The stock has moved meanwhile: the difference is another one.
            Err(CommitFailure::Refused(_)) => {}
            Err(failure) => return Err(failure.into()),
        }
    }
    Err(Error::Unavailable(
        "This product sells too fast to be counted right now. Try again in a moment, or adjust its stock."
            .into(),
    ))
}

fn existing(ports: &impl Ports, id: &str) -> Result<Stored<ProductBody>, Error> {
    PRODUCTS.get(ports, id)?.ok_or_else(|| missing(id))
}

/// Keeps the count of what was ever received within GraphQL's Int.
fn bounded(body: &ProductBody, more: i64, field: &str) -> Result<(), Error> {
    if body.received.saturating_add(more) > i64::from(i32::MAX) {
        return Err(Error::invalid(
            field,
            "A product's stock counts at most 2147483647 pieces ever received.",
        ));
    }
    Ok(())
}

fn short(id: &str, requested: i64, left: i64) -> Error {
    Error::OutOfStock(vec![Shortage {
        product_id: id.into(),
        requested: u32::try_from(requested).unwrap_or(u32::MAX),
        available: u32::try_from(left).unwrap_or(0),
    }])
}
