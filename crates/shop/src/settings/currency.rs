//! `CURRENCY`: the currency of amounts without a currency.

use iso_currency::Currency;

use super::config::{Config, value};

const DEFAULT: &str = "USD";

/// Reads the ISO 4217 code.
///
/// # Errors
/// The allowed values.
pub fn read(config: Config<'_>) -> Result<String, String> {
    let Some(text) = value(config, "CURRENCY") else {
        return Ok(DEFAULT.into());
    };
    let code = text.trim();
    match Currency::from_code(code) {
        Some(currency) if currency.code() == code => Ok(code.to_owned()),
        _ => Err("CURRENCY must be an ISO 4217 code in upper case, such as USD".into()),
    }
}
