//! The tax of a region.

use mercato_shop::ports::Ports;
use mercato_shop::settings::{self, tax};
use mercato_shop::types::Error;

use crate::amounts::Rate;

/// A region as ISO 3166 writes it: a country, or one of its subdivisions.
pub fn region(text: &str) -> Result<String, Error> {
    let region = text.trim().to_ascii_uppercase();
    if tax::is_region(&region) {
        Ok(region)
    } else {
        Err(Error::invalid(
            "region",
            "A region is an ISO 3166 code: a country, such as DE, or a part of one, such as US-CA.",
        ))
    }
}

/// The rate for an order to a region: its own, or else its country's, or else that of everywhere else.
pub fn rate(ports: &impl Ports, region: Option<&str>) -> Result<Rate, Error> {
    let rates = settings::of(ports, tax::read)?;
    Ok(Rate(rates.of(region)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_a_country_or_a_part_of_one() {
        assert_eq!(region(" us-ca ").as_deref(), Ok("US-CA"));
        assert_eq!(region("FR-75").as_deref(), Ok("FR-75"));
        for wrong in ["", "D", "DEU", "DE-", "DE-ABCD", "DE-A-B", "Ü1", "*"] {
            assert!(region(wrong).is_err(), "{wrong}");
        }
    }
}
