//! Deadlines and tax rates from the configuration.

use mercato_shop::ports::Ports;
use mercato_shop::settings::{self, number, payments, tax};
use mercato_shop::types::Error;
use mercato_shop::{currency, id};

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

/// Returns the reason, as a sentence, if the payment gateway can't charge an amount.
pub fn check_payable(ports: &impl Ports, amount: i64, code: &str) -> Result<(), String> {
    if is_stripe(ports) {
        currency::to_stripe(amount, code)?;
    }
    Ok(())
}

/// Returns the unit, in minor units, to which computed amounts are rounded: the smallest amount that the
/// payment gateway can charge.
pub fn unit(ports: &impl Ports, code: &str) -> i64 {
    if is_stripe(ports) {
        currency::stripe_unit(code)
    } else {
        1
    }
}

fn is_stripe(ports: &impl Ports) -> bool {
    payments::is_stripe(&|name| ports.config(name))
}

fn after(seconds: u32) -> u64 {
    id::now() + u64::from(seconds) * 1_000
}
