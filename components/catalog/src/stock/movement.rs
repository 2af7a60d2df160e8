//! How units move between the states of stock.

use mercato_ports::documents::Change;

/// A movement of units. Only movements change the counts of a product, so that
/// `received = on hand + reserved + sold + written off` always holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Movement {
    /// New units come on hand.
    Receive,
    /// From on hand to reserved. Refused if too few units are on hand.
    Reserve,
    /// From reserved back to on hand.
    Release,
    /// From reserved to sold.
    Settle,
    /// From sold back to on hand.
    Return,
    /// From on hand to written off: lost, broken or miscounted. Refused if too few units are on hand.
    WriteOff,
}

impl Movement {
    /// Returns the changes of the product's counts.
    pub fn changes(self, units: i64) -> Vec<Change> {
        let (from, to) = match self {
            Self::Receive => return vec![add("received", units), add("onHand", units)],
            Self::Reserve => ("onHand", "reserved"),
            Self::Release => ("reserved", "onHand"),
            Self::Settle => ("reserved", "sold"),
            Self::Return => ("sold", "onHand"),
            Self::WriteOff => ("onHand", "writtenOff"),
        };
        let take = Change {
            floor: Some(0),
            ..add(from, -units)
        };
        vec![take, add(to, units)]
    }

    /// Returns by how much the movement changes the units on hand.
    pub const fn on_hand(self, units: i64) -> i64 {
        match self {
            Self::Receive | Self::Release | Self::Return => units,
            Self::Reserve | Self::WriteOff => -units,
            Self::Settle => 0,
        }
    }
}

/// Adds to a count without a floor.
pub fn add(field: &str, by: i64) -> Change {
    Change {
        field: field.into(),
        by,
        floor: None,
    }
}
