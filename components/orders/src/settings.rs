//! Deadlines and tax rates from the configuration.

use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::settings::{self, number, tax};
use mercato_shop::types::Error;

use crate::amounts::Rate;

/// Returns when a reservation that is made now expires, unless an order has been placed.
pub fn reservation_due(ports: &impl Ports) -> Result<u64, Error> {
    number::RESERVATION_SECONDS.of(ports).map(after)
}

/// Returns when an order that is placed now must be paid, or `None` if it has no deadline.
pub fn order_due(ports: &impl Ports) -> Result<Option<u64>, Error> {
    Ok(number::ORDER_EXPIRY_SECONDS.of(ports)?.map(after))
}

/// Returns the tax rate of a region: its own, or else its country's, or else the default rate.
pub fn tax_rate(ports: &impl Ports, region: Option<&str>) -> Result<Rate, Error> {
    let rates = settings::read(ports, tax::read)?;
    Ok(Rate(rates.of(region)))
}

fn after(seconds: u32) -> u64 {
    id::now() + u64::from(seconds) * 1_000
}
