//! What the configuration says of times.

use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::settings::number;
use mercato_shop::types::Error;

/// The time from which on a reservation that is made now is looked at again.
pub fn reservation_due(ports: &impl Ports) -> Result<u64, Error> {
    number::RESERVATION_SECONDS.of(ports).map(after)
}

/// The time by which an order that is placed now has to be paid; none where it may wait for ever.
pub fn order_due(ports: &impl Ports) -> Result<Option<u64>, Error> {
    Ok(number::ORDER_EXPIRY_SECONDS.of(ports)?.map(after))
}

fn after(seconds: u32) -> u64 {
    id::now() + u64::from(seconds) * 1_000
}
