//! What the lines of an order may be.

use std::collections::HashSet;

use mercato_shop::id;
use mercato_shop::types::{Error, Line};

const MOST_LINES: usize = 100;
const QUANTITY: std::ops::RangeInclusive<u32> = 1..=1_000_000;

/// Checks what somebody wants to order.
pub fn check(lines: &[Line]) -> Result<(), Error> {
    if lines.is_empty() {
        return Err(Error::invalid("products", "An order needs at least one product."));
    }
    if lines.len() > MOST_LINES {
        return Err(Error::invalid(
            "products",
            format!("An order has at most {MOST_LINES} lines."),
        ));
    }
    let mut seen = HashSet::new();
    for (index, line) in lines.iter().enumerate() {
        if !id::is_valid(&line.product_id) {
            return Err(Error::invalid(
                format!("products[{index}]._id"),
                "This is no product id. Take it from a product's _id.",
            ));
        }
        if !seen.insert(&line.product_id) {
            let message = "This product is in the order already. Add up the quantities in one line.";
            return Err(Error::invalid(format!("products[{index}]._id"), message));
        }
        if !QUANTITY.contains(&line.quantity) {
            return Err(Error::invalid(
                format!("products[{index}].quantity"),
                "A quantity is a whole number from 1 to 1000000.",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0198c0de-0000-7000-8000-000000000001";
    const OTHER: &str = "0198c0de-0000-7000-8000-000000000002";

    fn refused_field(lines: &[(&str, u32)]) -> Option<String> {
        let lines: Vec<_> = lines
            .iter()
            .map(|(id, quantity)| Line {
                product_id: (*id).into(),
                quantity: *quantity,
            })
            .collect();
        match check(&lines) {
            Ok(()) => None,
            Err(Error::Invalid(violation)) => Some(violation.field),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn lines_are_taken_within_their_bounds() {
        assert_eq!(refused_field(&[(ID, 1), (OTHER, 1_000_000)]), None);
        assert_eq!(refused_field(&[]).as_deref(), Some("products"));
        assert_eq!(refused_field(&[(ID, 0)]).as_deref(), Some("products[0].quantity"));
        assert_eq!(
            refused_field(&[(ID, 1), (OTHER, 1_000_001)]).as_deref(),
            Some("products[1].quantity")
        );
        assert_eq!(
            refused_field(&[(ID, 1), (ID, 1)]).as_deref(),
            Some("products[1]._id")
        );
        assert_eq!(refused_field(&[("42", 1)]).as_deref(), Some("products[0]._id"));
        assert_eq!(refused_field(&[(ID, 1); 101]).as_deref(), Some("products"));
    }
}
