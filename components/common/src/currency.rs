//! The currencies of prices.

use crate::ports::Ports;
use crate::types::Error;

/// The shop's own currency, where `CURRENCY` does not say otherwise.
const DEFAULT: &str = "USD";

/// The currency of amounts that name none.
pub fn own(ports: &impl Ports) -> String {
    ports.config("CURRENCY").unwrap_or_else(|| DEFAULT.into())
}

/// Checks the code of a currency.
///
/// # Errors
/// [`Error::Invalid`] for what is no ISO 4217 code in capitals.
pub fn check(code: String) -> Result<String, Error> {
    if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        Ok(code)
    } else {
        Err(Error::invalid(
            "currency",
            "A currency is its ISO 4217 code in capitals, such as USD.",
        ))
    }
}
