//! How pieces move between the places where stock can be.

use mercato_ports::documents::Change;

/// A movement of so many pieces. Movements are the only way in which the five numbers change, so that received =
/// on hand + reserved + sold + written off holds at any moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Movement {
    /// New pieces come on hand.
    Receive,
    /// From on hand to reserved; refused where there are not enough on hand.
    Reserve,
    /// From reserved back on hand.
    Release,
    /// From reserved to sold.
    Settle,
    /// From sold back on hand.
    Return,
    /// From on hand to nowhere: lost, broken, miscounted; refused where there are not enough on hand.
    WriteOff,
}

impl Movement {
    /// The changes that make the movement.
    pub fn changes(self, pieces: i64) -> Vec<Change> {
        let (from, to) = match self {
            Self::Receive => return vec![add("received", pieces), add("onHand", pieces)],
            Self::Reserve => ("onHand", "reserved"),
            Self::Release => ("reserved", "onHand"),
            Self::Settle => ("reserved", "sold"),
            Self::Return => ("sold", "onHand"),
            Self::WriteOff => ("onHand", "writtenOff"),
        };
        vec![
            Change {
                field: from.into(),
                by: -pieces,
                floor: Some(0),
            },
            add(to, pieces),
        ]
    }

    /// What the movement of so many pieces changes of what is on hand.
    pub const fn on_hand(self, pieces: i64) -> i64 {
        match self {
            Self::Receive | Self::Release | Self::Return => pieces,
            Self::Reserve | Self::WriteOff => -pieces,
            Self::Settle => 0,
        }
    }
}

/// The change that adds to a number without a bound.
pub fn add(field: &str, by: i64) -> Change {
    Change {
        field: field.into(),
        by,
        floor: None,
    }
}
