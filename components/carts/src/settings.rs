//! What the configuration says of carts.

use mercato_common::id;
use mercato_common::ports::Ports;
use mercato_common::settings::number;
use mercato_common::types::Error;

/// The time at which a cart that is changed now expires, in milliseconds since the Unix epoch, UTC.
pub fn expiry(ports: &impl Ports) -> Result<u64, Error> {
    let seconds = number::CART_EXPIRY_SECONDS.of(ports)?;
    Ok(id::now() + u64::from(seconds) * 1_000)
}
