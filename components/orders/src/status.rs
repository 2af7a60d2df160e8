//! The state machine of an order.

use mercato_shop::orders::Status;

const ALL: [Status; 7] = [
    Status::Pending,
    Status::Paid,
    Status::Processing,
    Status::Shipped,
    Status::Delivered,
    Status::Cancelled,
    Status::Refunded,
];

/// Returns the name of a status, in documents and in the kinds of events.
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

/// Returns the status of this name.
pub fn parse(text: &str) -> Option<Status> {
    ALL.into_iter().find(|status| name(*status) == text)
}

/// Returns whether an order can change from one status to another.
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

/// Returns whether a change cancels or refunds an order that has not been shipped, so that its units go back
/// on hand.
pub const fn returns_stock(before: Status, after: Status) -> bool {
    matches!(after, Status::Cancelled | Status::Refunded)
        && matches!(before, Status::Pending | Status::Paid | Status::Processing)
}

/// Describes the statuses that can follow a status, in a sentence for clients.
pub fn describe_next(before: Status) -> String {
    let names: Vec<_> = ALL
        .into_iter()
        .filter(|after| allows(before, *after))
        .map(name)
        .collect();
    if names.is_empty() {
        "This status is final.".into()
    } else {
        format!("It can become {}.", names.join(" or "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allows_exactly_the_documented_changes() {
        let documented = [
            ("pending", "paid cancelled"),
            ("paid", "processing cancelled refunded"),
            ("processing", "shipped cancelled refunded"),
            ("shipped", "delivered refunded"),
            ("delivered", "refunded"),
            ("cancelled", ""),
            ("refunded", ""),
        ];
        for (before, (text, next)) in ALL.into_iter().zip(documented) {
            assert_eq!(name(before), text);
            for after in ALL {
                assert_eq!(
                    allows(before, after),
                    next.split(' ').any(|one| one == name(after)),
                    "{text} to {}",
                    name(after)
                );
            }
        }
        assert_eq!(
            describe_next(Status::Shipped),
            "It can become delivered or refunded."
        );
        assert_eq!(describe_next(Status::Cancelled), "This status is final.");
    }

    #[test]
    fn parses_the_name_of_each_status() {
        for status in ALL {
            assert_eq!(parse(name(status)), Some(status));
        }
        assert_eq!(parse("lost"), None);
    }

    #[test]
    fn returns_the_stock_of_orders_that_were_not_shipped() {
        assert!(returns_stock(Status::Pending, Status::Cancelled));
        assert!(returns_stock(Status::Processing, Status::Refunded));
        assert!(!returns_stock(Status::Shipped, Status::Refunded));
        assert!(!returns_stock(Status::Processing, Status::Shipped));
    }
}
