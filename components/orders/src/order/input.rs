//! Rules for the input of an order.

use std::collections::HashSet;

use mercato_shop::id;
use mercato_shop::settings::tax;
use mercato_shop::types::{Error, Line};

const MAX_LINES: usize = 100;
const QUANTITY: std::ops::RangeInclusive<u32> = 1..=1_000_000;

/// Checks the lines of an order.
pub fn check(lines: &[Line]) -> Result<(), Error> {
    if lines.is_empty() || lines.len() > MAX_LINES {
        return Err(Error::invalid(
            "products",
            format!("`products` must have 1 to {MAX_LINES} lines."),
        ));
    }
    let mut seen = HashSet::new();
    for (index, line) in lines.iter().enumerate() {
        let invalid =
            |field: &str, message: &str| Error::invalid(format!("products[{index}].{field}"), message);
        if !id::is_valid(&line.product_id) {
            return Err(invalid("_id", "`_id` must be the id of a product."));
        }
        if !seen.insert(&line.product_id) {
            let message = "Each product must have one line. Add up the quantities of this product.";
            return Err(invalid("_id", message));
        }
        if !QUANTITY.contains(&line.quantity) {
            return Err(invalid("quantity", "`quantity` must be from 1 to 1000000."));
        }
    }
    Ok(())
}

/// Checks the region of an order, and returns it in upper case.
pub fn region(text: &str) -> Result<String, Error> {
    let region = text.trim().to_ascii_uppercase();
    if tax::is_region(&region) {
        Ok(region)
    } else {
        Err(Error::invalid(
            "region",
            "`region` must be an ISO 3166 code: a country such as DE, or a subdivision such as US-CA.",
        ))
    }
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
            (&[(ID, 1); 101], Some("products")),
        ] {
            assert_eq!(invalid_field(lines).as_deref(), field, "{lines:?}");
        }
    }

    #[test]
    fn accepts_countries_and_their_subdivisions() {
        assert_eq!(region(" us-ca ").as_deref(), Ok("US-CA"));
        assert_eq!(region("FR-75").as_deref(), Ok("FR-75"));
        for wrong in ["", "D", "DEU", "DE-", "DE-ABCD", "DE-A-B", "Ü1", "*"] {
            assert!(region(wrong).is_err(), "{wrong}");
        }
    }
}
