//! `CURRENCY`: the currency of amounts without a currency.

use super::config::{Config, value};
use crate::currency::code;

const DEFAULT: &str = "USD";

/// Reads the ISO 4217 code.
///
/// # Errors
/// The allowed values.
pub fn read(config: Config<'_>) -> Result<String, String> {
    let Some(text) = value(config, "CURRENCY") else {
        return Ok(DEFAULT.into());
    };
    match code::parse(text.trim()) {
        Ok(currency) => Ok(currency.code().into()),
        Err(reason) => Err(format!("CURRENCY {reason}")),
    }
}
