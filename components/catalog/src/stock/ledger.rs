//! The ledger of stock movements. Each entry is inserted in the commit that moves the units.

use mercato_ports::documents::{Position, Scalar, Write};
use mercato_shop::catalog::{MovementEdge, MovementKind, MovementPage, StockMovement};
use mercato_shop::changes::{PAGE, Scan};
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::query::{self, descending, path_prefix};
use mercato_shop::types::{Caller, Error, Page};

use super::movement::Movement;
use crate::repository::{MOVEMENTS, MovementBody, StoredKind};

/// The products that a page of a scan has found.
pub struct MovedProducts {
    /// Each product once.
    pub product_ids: Vec<String>,
    /// The time and the id of the last movement of a full page, after which the scan continues.
    pub last: Option<(u64, String)>,
}

/// Returns the write that enters a movement by staff.
pub fn staff_entry(
    product_id: &str,
    caller: &Caller,
    kind: MovementKind,
    movement: Movement,
    units: i64,
    reason: Option<&str>,
) -> Result<Write, Error> {
    let entry = MovementBody {
        reason: reason.map(Into::into),
        actor: Some(caller.actor().into()),
        ..body(kind, movement, units)
    };
    insert(product_id, entry)
}

/// Returns the write that enters a movement by an order.
pub fn order_entry(product_id: &str, order_id: &str, movement: Movement, units: i64) -> Result<Write, Error> {
    let kind = match movement {
        Movement::Receive => MovementKind::Received,
        Movement::Reserve => MovementKind::Reserved,
        Movement::Release => MovementKind::Released,
        Movement::Settle => MovementKind::Sold,
        Movement::Return => MovementKind::Restocked,
        Movement::WriteOff => MovementKind::Adjusted,
    };
    let entry = MovementBody {
        order_id: Some(order_id.into()),
        ..body(kind, movement, units)
    };
    insert(product_id, entry)
}

/// Returns one page of a product's movements, the newest first.
pub fn stock_movements(ports: &impl Ports, product_id: &str, page: &Page) -> Result<MovementPage, Error> {
    let mut query = MOVEMENTS.query(0);
    query
        .conditions
        .extend(path_prefix("place", &format!("{product_id}/")));
    query.sort = Some(descending("place"));
    let found = query::page(ports, &MOVEMENTS, query, page, "-place", |body| {
        Scalar::Text(body.path.clone())
    })?;
    Ok(MovementPage {
        has_next: found.has_next,
        has_previous: found.has_previous,
        total: found.total,
        edges: found.map(|cursor, stored| MovementEdge {
            cursor,
            movement: to_movement(product_id, stored),
        }),
    })
}

/// Returns the products whose stock moved, by one page of a scan.
pub fn moved_products(ports: &impl Ports, scan: &Scan) -> Result<MovedProducts, Error> {
    let begin = || id::lower_bound(scan.from());
    let mut query = MOVEMENTS.query(PAGE);
    query.after = Some(Position {
        value: None,
        id: scan.after().map_or_else(begin, |(_, id)| id.to_owned()),
    });
    let entries = MOVEMENTS.find(ports, &query)?;
    let is_full = entries.len() >= PAGE as usize;
    let last = entries.last().filter(|_| is_full).map(|entry| {
        let time = id::time_of(&entry.id).unwrap_or(entry.body.time);
        (time, entry.id.clone())
    });
    let mut product_ids: Vec<_> = entries
        .iter()
        .filter_map(|entry| entry.body.path.split_once('/'))
        .map(|(product, _)| product.to_owned())
        .collect();
    product_ids.sort_unstable();
    product_ids.dedup();
    Ok(MovedProducts { product_ids, last })
}

fn body(kind: MovementKind, movement: Movement, units: i64) -> MovementBody {
    MovementBody {
        path: String::new(),
        kind: StoredKind(kind),
        units,
        on_hand: movement.on_hand(units),
        reason: None,
        actor: None,
        order_id: None,
        time: id::now(),
    }
}

fn insert(product_id: &str, mut entry: MovementBody) -> Result<Write, Error> {
    let id = id::new();
    entry.path = format!("{product_id}/{id}");
    MOVEMENTS.insert(&id, &entry)
}

fn to_movement(product_id: &str, stored: Stored<MovementBody>) -> StockMovement {
    let entry = stored.body;
    StockMovement {
        id: stored.id,
        product_id: product_id.into(),
        kind: entry.kind.0,
        units: entry.units,
        on_hand: entry.on_hand,
        reason: entry.reason,
        actor: entry.actor,
        order_id: entry.order_id,
        time: entry.time,
    }
}
