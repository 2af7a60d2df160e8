//! The reservation as it is stored: what one order holds, and what became of it.

use mercato_shop::collection::Collection;
use mercato_shop::types::{Line, Money, PricedLine};
use serde::{Deserialize, Serialize};

/// All reservations, by the order's id.
pub const RESERVATIONS: Collection<Reservation> = Collection::new("catalog.reservations");

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reservation {
    pub state: State,
    pub lines: Vec<ReservedLine>,
    pub created_at: u64,
}

/// Held once, and then settled or released. What is settled may be released yet, when its order is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Held,
    Settled,
    Released,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReservedLine {
    pub product_id: String,
    pub name: String,
    pub quantity: u32,
    pub price: i64,
    pub currency: String,
}

impl Reservation {
    /// Whether the reservation is of exactly these lines.
    pub fn is_of(&self, lines: &[Line]) -> bool {
        self.lines.len() == lines.len()
            && self
                .lines
                .iter()
                .zip(lines)
                .all(|(held, line)| held.product_id == line.product_id && held.quantity == line.quantity)
    }

    /// The lines as they were priced.
    pub fn priced(self) -> Vec<PricedLine> {
        let priced = |line: ReservedLine| PricedLine {
            product_id: line.product_id,
            name: line.name,
            quantity: line.quantity,
            unit_price: Money {
                amount: line.price,
                currency: line.currency,
            },
        };
        self.lines.into_iter().map(priced).collect()
    }
}
