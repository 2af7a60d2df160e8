//! What the configuration says of carts.

use mercato_common::id;
use mercato_common::ports::Ports;
use mercato_common::types::Error;

const NAME: &str = "CART_EXPIRY_SECONDS";
/// 30 days.
const DEFAULT: &str = "2592000";

/// The time at which a cart that is changed now expires, in milliseconds since the Unix epoch, UTC.
pub fn expiry(ports: &impl Ports) -> Result<u64, Error> {
    let text = ports.config(NAME);
    let seconds: u64 = text
        .as_deref()
        .unwrap_or(DEFAULT)
        .parse()
        .map_err(|_| Error::Internal(format!("{NAME} is no whole number of seconds")))?;
    // Stores keep times as integers of 64 bits with a sign.
    let latest = u64::try_from(i64::MAX).unwrap_or(u64::MAX);
    Ok(id::now()
        .saturating_add(seconds.saturating_mul(1_000))
        .min(latest))
}
