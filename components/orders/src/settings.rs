//! What the configuration says of times.

use mercato_common::id;
use mercato_common::ports::Ports;
use mercato_common::types::Error;

/// The time from which on a reservation that is made now is looked at again.
pub fn reservation_due(ports: &impl Ports) -> Result<u64, Error> {
    const DEFAULT_SECONDS: &str = "60";
    after(
        "RESERVATION_SECONDS",
        ports
            .config("RESERVATION_SECONDS")
            .as_deref()
            .unwrap_or(DEFAULT_SECONDS),
    )
}

/// The time by which an order that is placed now has to be paid; none where it may wait for ever.
pub fn order_due(ports: &impl Ports) -> Result<Option<u64>, Error> {
    const NAME: &str = "ORDER_EXPIRY_SECONDS";
    match ports.config(NAME).as_deref() {
        None | Some("off") => Ok(None),
        Some(text) => after(NAME, text).map(Some),
    }
}

fn after(name: &str, seconds: &str) -> Result<u64, Error> {
    let seconds: u64 = seconds
        .parse()
        .map_err(|_| Error::Internal(format!("{name} is no whole number of seconds")))?;
    // Stores keep times as integers of 64 bits with a sign.
    let latest = u64::try_from(i64::MAX).unwrap_or(u64::MAX);
    Ok(id::now()
        .saturating_add(seconds.saturating_mul(1_000))
        .min(latest))
}
