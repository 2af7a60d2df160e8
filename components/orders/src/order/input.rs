//! Rules for the input of an order.

use std::collections::HashMap;

use mercato_shop::lines::{MAX_LINES, QUANTITY};
use mercato_shop::types::{Error, Line};
use mercato_shop::{id, region as regions};

/// Checks the lines of an order.
pub fn check(lines: &[Line]) -> Result<(), Error> {
    if lines.is_empty() || lines.len() > MAX_LINES {
        return Err(Error::invalid(
            "products",
            format!(
                "`products` must have 1 to {MAX_LINES} lines. This order has {}.",
                lines.len()
            ),
        ));
    }
    let mut seen = HashMap::new();
    for (index, line) in lines.iter().enumerate() {
        let invalid =
            |field: &str, message: String| Error::invalid(format!("products[{index}].{field}"), message);
        if !id::is_valid(&line.product_id) {
            return Err(invalid("_id", "`_id` must be the id of a product.".into()));
        }
        if let Some(first) = seen.insert(&line.product_id, index) {
            let message = format!(
                "Each product must have one line. `products[{first}]` has this product too: add up the quantities."
            );
            return Err(invalid("_id", message));
        }
        if !QUANTITY.contains(&line.quantity) {
            let message = format!(
                "`quantity` must be from {} to {}.",
                QUANTITY.start(),
                QUANTITY.end()
            );
            return Err(invalid("quantity", message));
        }
    }
    Ok(())
}

/// Checks the region of an order, and returns it in upper case.
pub fn region(text: &str) -> Result<String, Error> {
    regions::parse(text).map_err(|reason| Error::invalid("region", format!("`region` {reason}.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0198c0de-0000-7000-8000-000000000001";
    const OTHER: &str = "0198c0de-0000-7000-8000-000000000002";

    fn invalid_field(lines: &[(&str, u32)]) -> Option<String> {
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
    fn accepts_lines_within_their_limits() {
        for (lines, field) in [
            (&[(ID, 1), (OTHER, 1_000_000)][..], None),
            (&[], Some("products")),
            (&[(ID, 0)], Some("products[0].quantity")),
            (&[(ID, 1), (OTHER, 1_000_001)], Some("products[1].quantity")),
            (&[(ID, 1), (ID, 1)], Some("products[1]._id")),
            (&[("42", 1)], Some("products[0]._id")),
            (&[(ID, 1); 501], Some("products")),
        ] {
            assert_eq!(invalid_field(lines).as_deref(), field, "{lines:?}");
        }
    }

    #[test]
    fn names_the_field_and_the_right_code_of_a_wrong_region() {
        assert_eq!(region(" us-ca ").as_deref(), Ok("US-CA"));
        match region("UK") {
            Err(Error::Invalid(why)) => {
                assert_eq!(why.field, "region");
                assert!(why.message.ends_with("The code for UK is GB."), "{}", why.message);
            }
            other => panic!("{other:?}"),
        }
    }
}
