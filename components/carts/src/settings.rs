//! The settings of carts.

use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::settings::number;
use mercato_shop::types::Error;

/// Returns when a cart that is changed now expires, in milliseconds since the Unix epoch, UTC.
pub fn expiry(ports: &impl Ports) -> Result<u64, Error> {
    let seconds = number::CART_EXPIRY_SECONDS.of(ports)?;
    Ok(id::now() + u64::from(seconds) * 1_000)
}
