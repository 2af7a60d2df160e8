//! `CURRENCY`: of prices that name none.

use iso_currency::Currency;

use super::{Config, given};

/// What it is unless it is set.
const DEFAULT: &str = "USD";

/// Its ISO 4217 code.
///
/// # Errors
/// How it is to be written.
pub fn read(config: Config<'_>) -> Result<String, String> {
    let Some(text) = given(config, "CURRENCY") else {
        return Ok(DEFAULT.into());
    };
    let code = text.trim();
    match Currency::from_code(code) {
        Some(currency) if currency.code() == code => Ok(code.to_owned()),
        _ => Err("CURRENCY must be the ISO 4217 code of a currency in capitals, such as USD".into()),
    }
}
