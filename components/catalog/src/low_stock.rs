//! Telling that a product runs low: once when what is on hand comes down to its threshold, and not again before it was
//! above it.
//!
//! A product counts the turns: even while there is enough, odd once it was told. A turn goes with the movement that
//! makes it, in one commit, and claims its number by a marker document, so that of movements at the same moment one
//! makes it. It is judged by what was on hand when the product was read, which costs no other look at a hot product.
//! Where several sales at the very same moment bring it down together, none of which does so alone, the next movement
//! tells; and what an order gives back is noticed by the next movement, too.

use mercato_ports::documents::{Change, Write};
use mercato_ports::events::Event;
use mercato_shop::collection::{Collection, Stored, event};
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::settings::number;
use mercato_shop::types::Error;
use serde::{Deserialize, Serialize};

use crate::movement::add;
use crate::product::ProductBody;
use crate::service;

/// The markers of the last turns, by the product's id, a slash, and the turn's number.
const TURNS: Collection<Marker> = Collection::new("catalog.low-stock-turns");

/// Which tries of a movement make the turn that is due: where others are always faster, it is left to the next movement.
pub const TRIES: [bool; 3] = [true, true, false];

#[derive(Debug, Serialize, Deserialize)]
struct Marker {
    at: u64,
}

/// The data of the event.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LowStock<'a> {
    product_id: &'a str,
    name: &'a str,
    on_hand: i64,
    threshold: i64,
}

/// The threshold of products that have none of their own: `LOW_STOCK`; nothing is told of them where it is not set.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    threshold: Option<i64>,
}

/// What is committed with a movement that makes a turn.
pub struct Turn {
    /// How many turns the product has made more.
    pub steps: i64,
    pub writes: Vec<Write>,
    pub event: Option<Event>,
}

impl Turn {
    /// The change of the product, for an adjustment.
    pub fn change(&self) -> Change {
        add("lowTurns", self.steps)
    }
}

impl Watch {
    /// As the shop is configured.
    pub fn new(ports: &impl Ports) -> Result<Self, Error> {
        let threshold = number::LOW_STOCK.of(ports)?.map(i64::from);
        Ok(Self { threshold })
    }

    /// The turn that a movement makes which changes what is on hand by `delta`.
    pub fn turn(self, product: &Stored<ProductBody>, delta: i64) -> Result<Option<Turn>, Error> {
        let body = &product.body;
        let Some(threshold) = body.low_stock_at.or(self.threshold) else {
            return Ok(None);
        };
        let told = body.low_turns % 2 != 0;
        let after = body.on_hand + delta;
        let (steps, tells) = if after > threshold {
            (i64::from(told), false)
        } else if delta >= 0 {
            (0, false)
        } else if !told {
            (1, true)
        } else if body.on_hand > threshold {
            (2, true)
        } else {
            (0, false)
        };
        if steps == 0 {
            return Ok(None);
        }
        let marker = Marker { at: id::now() };
        let place = |turn: i64| format!("{}/{turn}", product.id);
        let mut writes = vec![TURNS.insert(&place(body.low_turns + steps), &marker)?];
        if body.low_turns > 0 {
            // Markers are never changed.
            writes.push(TURNS.delete(&Stored {
                id: place(body.low_turns),
                version: 1,
                body: marker,
            }));
        }
        let event = tells.then(|| {
            event(
                "mercato.catalog.low-stock",
                service::subject(&product.id),
                &LowStock {
                    product_id: &product.id,
                    name: &body.name,
                    on_hand: after,
                    threshold,
                },
            )
        });
        Ok(Some(Turn {
            steps,
            writes,
            event: event.transpose()?,
        }))
    }
}
