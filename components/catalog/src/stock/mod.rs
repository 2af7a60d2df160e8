//! Stock: the operations of staff. Each movement is entered in the ledger.

pub mod alert;
pub mod ledger;
pub mod movement;

use mercato_ports::documents::{CommitFailure, RefusalReason, Write};
use mercato_ports::events::Event;
use mercato_shop::accounts::AuditAction;
use mercato_shop::catalog::{MovementKind, Product, Stock};
use mercato_shop::collection::Stored;
use mercato_shop::ports::Ports;
use mercato_shop::retry::retry_on_conflict;
use mercato_shop::text;
use mercato_shop::types::{Caller, Error, Shortage};

use crate::events;
use crate::platform::Platform;
use crate::repository::{
    PRODUCTS, ProductBody, busy, commit, find_product, get_many_including_archived, product_not_found,
    to_product,
};
use crate::validation::{MAX_INT, integer};
use alert::ShopThreshold;
use movement::Movement;

const MAX_REASON: usize = 500;

/// A movement of stock by staff.
struct StaffMovement<'a> {
    product_id: &'a str,
    movement: Movement,
    units: i64,
    kind: MovementKind,
    action: AuditAction,
    reason: Option<&'a str>,
    /// The field of the input that has the units.
    field: &'static str,
}

/// Adds received units.
///
/// # Errors
/// [`Error::Invalid`] for an invalid quantity.
pub fn receive_stock(
    ports: &impl Platform,
    caller: &Caller,
    id: &str,
    quantity: i64,
) -> Result<Product, Error> {
    let input = StaffMovement {
        product_id: id,
        movement: Movement::Receive,
        units: integer("quantity", 1, quantity)?,
        kind: MovementKind::Received,
        action: AuditAction::StockReceive,
        reason: None,
        field: "quantity",
    };
    move_units(ports, caller, &input)
}

/// Adds found units, or writes off lost ones.
///
/// # Errors
/// [`Error::Invalid`] for invalid input. [`Error::OutOfStock`] if fewer units are on hand than are to be
/// written off.
pub fn adjust_stock(
    ports: &impl Platform,
    caller: &Caller,
    id: &str,
    delta: i64,
    reason: &str,
) -> Result<Product, Error> {
    if delta == 0 || delta.saturating_abs() > MAX_INT {
        return Err(Error::invalid(
            "delta",
            format!("`delta` must be a whole number from -{MAX_INT} to {MAX_INT}, and not 0."),
        ));
    }
    let input = StaffMovement {
        product_id: id,
        movement: movement_by(delta),
        units: delta.abs(),
        kind: MovementKind::Adjusted,
        action: AuditAction::StockAdjust,
        reason: Some(check_reason(reason)?),
        field: "delta",
    };
    move_units(ports, caller, &input)
}

/// Sets the units on hand to a count. The difference is received or written off.
///
/// # Errors
/// [`Error::Invalid`] for invalid input.
pub fn set_stock(
    ports: &impl Platform,
    caller: &Caller,
    id: &str,
    quantity: i64,
    reason: Option<&str>,
) -> Result<Product, Error> {
    let quantity = integer("quantity", 0, quantity)?;
    let reason = reason.map(check_reason).transpose()?;
    let threshold = ShopThreshold::read(ports)?;
    retry_on_conflict(busy, || {
        let mut product = find_product(ports, id)?;
        let before = product.body.on_hand;
        let Some(counted) = set_units_on_hand(caller, &mut product, quantity, threshold, reason)? else {
            return Ok(to_product(product));
        };
        let detail = format!("{before} -> {quantity}");
        let mut events = vec![events::audited(caller, AuditAction::StockSet, id, Some(detail))?];
        events.extend(counted.events);
        let mut writes = vec![PRODUCTS.replace(&product)?];
        writes.extend(counted.writes);
        commit(ports, &writes, &events)?;
        Ok(to_product(product))
    })
}

/// What is committed together with a product whose units were counted.
pub struct Counted {
    pub writes: Vec<Write>,
    pub events: Vec<Event>,
}

/// Sets the units on hand of a product that the caller replaces. Returns what to commit with it, or nothing
/// if the product has as many units already.
///
/// # Errors
/// [`Error::Invalid`] if the product would have received too many units.
pub fn set_units_on_hand(
    caller: &Caller,
    product: &mut Stored<ProductBody>,
    quantity: i64,
    threshold: ShopThreshold,
    reason: Option<&str>,
) -> Result<Option<Counted>, Error> {
    let delta = quantity - product.body.on_hand;
    if delta == 0 {
        return Ok(None);
    }
    let movement = movement_by(delta);
    if movement == Movement::Receive {
        require_countable(&product.body, delta, "quantity")?;
    }
    let change = threshold.alert_change(product, delta)?;
    if movement == Movement::Receive {
        product.body.received += delta;
    } else {
        product.body.written_off -= delta;
    }
    product.body.on_hand = quantity;
    let kind = MovementKind::Set;
    let mut counted = Counted {
        writes: vec![ledger::staff_entry(
            &product.id,
            caller,
            kind,
            movement,
            delta.abs(),
            reason,
        )?],
        events: Vec::new(),
    };
    if let Some(change) = change {
        product.body.alert_changes += change.steps;
        counted.writes.extend(change.writes);
        counted.events.extend(change.event);
    }
    Ok(Some(counted))
}

/// Returns the stock of the products with these ids, in the order of the ids.
pub fn get_stock_many(ports: &impl Ports, ids: &[String]) -> Result<Vec<Option<Stock>>, Error> {
    let products = get_many_including_archived(ports, ids)?;
    let stock = products
        .into_iter()
        .map(|product| product.map(|product| product.body.stock()));
    Ok(stock.collect())
}

/// Moves units, whatever version the product has.
fn move_units(ports: &impl Platform, caller: &Caller, input: &StaffMovement<'_>) -> Result<Product, Error> {
    let (id, movement, units) = (input.product_id, input.movement, input.units);
    let threshold = ShopThreshold::read(ports)?;
    for changes_alert in alert::ATTEMPTS {
        let product = find_product(ports, id)?;
        if movement == Movement::Receive {
            require_countable(&product.body, units, input.field)?;
        }
        let delta = movement.on_hand(units);
        let detail = format!("{delta:+}");
        let mut events = vec![events::audited(caller, input.action, id, Some(detail))?];
        let change = if changes_alert {
            threshold.alert_change(&product, delta)?
        } else {
            None
        };
        let mut changes = movement.changes(units);
        changes.extend(change.as_ref().map(alert::AlertChange::adjustment));
        let mut writes = vec![
            PRODUCTS.adjust(id, changes),
            ledger::staff_entry(id, caller, input.kind, movement, units, input.reason)?,
        ];
        if let Some(change) = change {
            writes.extend(change.writes);
            events.extend(change.event);
        }
        match commit(ports, &writes, &events) {
            Ok(()) => return find_product(ports, id).map(to_product),
            Err(CommitFailure::Refused(refusals)) => {
                // Write 0 is the adjustment of the product. Other refusals are conflicts over the alert.
                if let Some(refusal) = refusals.iter().find(|refusal| refusal.write == 0) {
                    return Err(match refusal.reason {
                        RefusalReason::UnderFloor(left) => shortage(id, units, left),
                        RefusalReason::Exists | RefusalReason::Missing | RefusalReason::Stale(_) => {
                            product_not_found(id)
                        }
                    });
                }
            }
            Err(failure) => return Err(failure.into()),
        }
    }
    Err(Error::Internal(
        "a movement that does not change the alert failed because of the alert".into(),
    ))
}

const fn movement_by(delta: i64) -> Movement {
    if delta > 0 {
        Movement::Receive
    } else {
        Movement::WriteOff
    }
}

fn check_reason(reason: &str) -> Result<&str, Error> {
    text::line("reason", MAX_REASON, text::required("reason", reason)?)
}

/// Keeps the count of all received units within GraphQL's Int.
fn require_countable(body: &ProductBody, units: i64, field: &str) -> Result<(), Error> {
    if body.received.saturating_add(units) > MAX_INT {
        return Err(Error::invalid(
            field,
            format!("A product can receive at most {MAX_INT} units in total."),
        ));
    }
    Ok(())
}

fn shortage(id: &str, requested: i64, left: i64) -> Error {
    Error::OutOfStock(vec![Shortage {
        product_id: id.into(),
        requested: u32::try_from(requested).unwrap_or(u32::MAX),
        available: u32::try_from(left).unwrap_or(0),
    }])
}
