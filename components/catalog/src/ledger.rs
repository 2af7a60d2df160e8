//! The stock's ledger: every movement is a document of its own, inserted in the commit that moves the pieces, and
//! never changed.

use mercato_ports::documents::{Comparison, Condition, Direction, Position, Scalar, Sort, Write};
use mercato_shop::catalog::{MovementEdge, MovementKind, MovementPage, StockMovement};
use mercato_shop::changes::{PAGE, Scan};
use mercato_shop::collection::{Collection, Stored};
use mercato_shop::ports::Ports;
use mercato_shop::types::{Caller, Error, Page};
use mercato_shop::{cursor, id};
use serde::{Deserialize, Serialize};

use crate::movement::Movement;

const LEDGER: Collection<Entry> = Collection::new("catalog.movements");

/// The name of the only order of the ledger.
const NEWEST_FIRST: &str = "-place";

/// One movement.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The product's id, a slash, and the entry's own id: one index finds a product's entries in their order.
    place: String,
    kind: Kind,
    pieces: i64,
    on_hand: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
    time: u64,
}

/// [`MovementKind`] as it is stored.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", remote = "MovementKind")]
enum StoredKind {
    Received,
    Adjusted,
    Set,
    Reserved,
    Released,
    Sold,
    Restocked,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Kind(#[serde(with = "StoredKind")] MovementKind);

impl Entry {
    /// What a keeper of the shop did to the stock.
    pub fn by(
        caller: &Caller,
        kind: MovementKind,
        movement: Movement,
        pieces: i64,
        reason: Option<String>,
    ) -> Self {
        Self {
            reason,
            actor: Some(caller.actor().into()),
            ..Self::new(kind, movement, pieces)
        }
    }

    /// What an order did to the stock.
    pub fn of_order(order_id: &str, movement: Movement, pieces: i64) -> Self {
        let kind = match movement {
            Movement::Receive => MovementKind::Received,
            Movement::Reserve => MovementKind::Reserved,
            Movement::Release => MovementKind::Released,
            Movement::Settle => MovementKind::Sold,
            Movement::Return => MovementKind::Restocked,
            Movement::WriteOff => MovementKind::Adjusted,
        };
        Self {
            order_id: Some(order_id.into()),
            ..Self::new(kind, movement, pieces)
        }
    }

    fn new(kind: MovementKind, movement: Movement, pieces: i64) -> Self {
        Self {
            place: String::new(),
            kind: Kind(kind),
            pieces,
            on_hand: movement.on_hand(pieces),
            reason: None,
            actor: None,
            order_id: None,
            time: id::now(),
        }
    }

    /// The write that enters it for a product.
    pub fn enter(mut self, product_id: &str) -> Result<Write, Error> {
        let id = id::new();
        self.place = format!("{product_id}/{id}");
        LEDGER.insert(&id, &self)
    }
}

/// One page of a product's movements, newest first.
pub fn list(ports: &impl Ports, product_id: &str, page: &Page) -> Result<MovementPage, Error> {
    let mut find = LEDGER.query(0);
    // The character after the slash ends the product's places.
    for (comparison, end) in [(Comparison::AtLeast, '/'), (Comparison::Less, '0')] {
        find.conditions.push(Condition {
            field: "place".into(),
            comparison,
            value: Scalar::Text(format!("{product_id}{end}")),
        });
    }
    find.sort = Some(Sort {
        field: "place".into(),
        direction: Direction::Descending,
    });
    cursor::apply(page, NEWEST_FIRST, &mut find)?;
    let mut entries = LEDGER.find(ports, &find)?;
    let has_next = cursor::split(page, &mut entries);
    let edge = |stored: Stored<Entry>| {
        let place = Some(Scalar::Text(stored.body.place.clone()));
        Ok(MovementEdge {
            cursor: cursor::encode(NEWEST_FIRST, place, &stored.id)?,
            movement: to_movement(product_id, stored),
        })
    };
    Ok(MovementPage {
        edges: entries.into_iter().map(edge).collect::<Result<_, Error>>()?,
        has_next,
    })
}

/// The products whose stock has moved, each once, by a page of a scan; and the last movement of it if there may be more.
#[allow(clippy::type_complexity, reason = "the place is what a scan is moved on by")]
pub fn moved(ports: &impl Ports, scan: &Scan) -> Result<(Vec<String>, Option<(u64, String)>), Error> {
    let begin = || id::first_of(scan.from());
    let mut find = LEDGER.query(PAGE);
    find.after = Some(Position {
        value: None,
        id: scan.after().map_or_else(begin, |(_, id)| id.to_owned()),
    });
    let entries = LEDGER.find(ports, &find)?;
    let full = entries.len() >= PAGE as usize;
    let last = entries.last().filter(|_| full);
    let last = last.map(|entry| {
        (
            id::time_of(&entry.id).unwrap_or(entry.body.time),
            entry.id.clone(),
        )
    });
    let mut ids: Vec<_> = entries
        .iter()
        .filter_map(|entry| entry.body.place.split_once('/'))
        .map(|(product, _)| product.to_owned())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    Ok((ids, last))
}

fn to_movement(product_id: &str, stored: Stored<Entry>) -> StockMovement {
    let entry = stored.body;
    StockMovement {
        id: stored.id,
        product_id: product_id.into(),
        kind: entry.kind.0,
        pieces: entry.pieces,
        on_hand: entry.on_hand,
        reason: entry.reason,
        actor: entry.actor,
        order_id: entry.order_id,
        time: entry.time,
    }
}
