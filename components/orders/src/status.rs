//! The state machine of an order.

use mercato_shop::orders::Status;
use serde::de::{Deserialize, Deserializer, Error, Unexpected};
use serde::{Serialize, Serializer};

const ALL: [Status; 7] = [
    Status::Pending,
    Status::Paid,
    Status::Processing,
    Status::Shipped,
    Status::Delivered,
    Status::Cancelled,
    Status::Refunded,
];

/// A status as it is stored: by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named(pub Status);

impl Serialize for Named {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(name(self.0))
    }
}

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let status = ALL.into_iter().find(|status| name(*status) == text);
        status
            .map(Self)
            .ok_or_else(|| D::Error::invalid_value(Unexpected::Str(&text), &"the name of a status"))
    }
}

/// The name of a status, in documents and in the kinds of events.
pub const fn name(status: Status) -> &'static str {
    match status {
        Status::Pending => "pending",
        Status::Paid => "paid",
        Status::Processing => "processing",
        Status::Shipped => "shipped",
        Status::Delivered => "delivered",
        Status::Cancelled => "cancelled",
        Status::Refunded => "refunded",
    }
}

/// Whether an order may move so.
pub const fn allows(before: Status, after: Status) -> bool {
    use Status::{Cancelled, Delivered, Paid, Pending, Processing, Refunded, Shipped};
    matches!(
        (before, after),
        (Pending, Paid)
            | (Paid, Processing)
            | (Processing, Shipped)
            | (Shipped, Delivered)
            | (Pending | Paid | Processing, Cancelled)
            | (Paid | Processing | Shipped | Delivered, Refunded)
    )
}

/// Whether a move undoes the order while its products are still in the house, so that they go back on hand.
pub const fn gives_back(before: Status, after: Status) -> bool {
    matches!(after, Status::Cancelled | Status::Refunded)
        && matches!(before, Status::Pending | Status::Paid | Status::Processing)
}

/// The moves that there are from a status, for a person.
pub fn next(before: Status) -> String {
    let names: Vec<_> = ALL
        .into_iter()
        .filter(|after| allows(before, *after))
        .map(name)
        .collect();
    if names.is_empty() {
        "it stays so".into()
    } else {
        format!("it may become {}", names.join(" or "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_moves_as_it_is_promised_and_in_no_other_way() {
        let promised = [
            ("pending", "paid cancelled"),
            ("paid", "processing cancelled refunded"),
            ("processing", "shipped cancelled refunded"),
            ("shipped", "delivered refunded"),
            ("delivered", "refunded"),
            ("cancelled", ""),
            ("refunded", ""),
        ];
        for (before, (text, moves)) in ALL.into_iter().zip(promised) {
            assert_eq!(name(before), text);
            for after in ALL {
                assert_eq!(
                    allows(before, after),
                    moves.split(' ').any(|one| one == name(after)),
                    "{text} to {}",
                    name(after)
                );
            }
        }
        assert_eq!(next(Status::Shipped), "it may become delivered or refunded");
        assert_eq!(next(Status::Cancelled), "it stays so");
    }

    #[test]
    fn a_status_is_stored_by_its_name() {
        for status in ALL {
            let text = serde_json::to_string(&Named(status)).unwrap();
            assert_eq!(text, format!("\"{}\"", name(status)));
            assert_eq!(serde_json::from_str::<Named>(&text).unwrap(), Named(status));
        }
        assert!(serde_json::from_str::<Named>("\"lost\"").is_err());
    }

    #[test]
    fn only_what_was_not_shipped_goes_back_on_hand() {
        assert!(gives_back(Status::Pending, Status::Cancelled));
        assert!(gives_back(Status::Processing, Status::Refunded));
        assert!(!gives_back(Status::Shipped, Status::Refunded));
        assert!(!gives_back(Status::Processing, Status::Shipped));
    }
}
