//! Reservations as they are stored: the stock that one order holds.

use mercato_shop::collection::Collection;
use mercato_shop::types::{Line, Money, PricedLine};
use serde::{Deserialize, Serialize};

/// All reservations, by order id.
pub const RESERVATIONS: Collection<Reservation> = Collection::new("catalog.reservations");

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reservation {
    pub state: State,
    pub lines: Vec<ReservedLine>,
    pub created_at: u64,
}

/// A reservation is held, then settled or released. A settled one is released when its order is undone.
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
    /// Returns whether the reservation has exactly these lines.
    pub fn has_lines(&self, lines: &[Line]) -> bool {
        let reserved = self.lines.iter().map(|line| (&line.product_id, line.quantity));
        reserved.eq(lines.iter().map(|line| (&line.product_id, line.quantity)))
    }

    /// Returns the lines with the prices at the time of the reservation.
    pub fn into_priced_lines(self) -> Vec<PricedLine> {
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
