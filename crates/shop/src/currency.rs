//! The currencies of prices.

use iso_currency::Currency;

use crate::ports::Ports;
use crate::settings;
use crate::types::Error;

/// The currency of amounts that name none.
///
/// # Errors
/// [`Error::Internal`] where it can't be read.
pub fn own(ports: &impl Ports) -> Result<String, Error> {
    settings::of(ports, settings::currency::read)
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

/// How many digits of an amount in minor units are parts of one (ISO 4217): 2 for USD, none for JPY; 2 for a code that is none.
#[must_use]
pub fn digits(code: &str) -> usize {
    Currency::from_code(code)
        .and_then(|currency| currency.exponent())
        .map_or(2, usize::from)
}

/// Minor units without their sign as the digits before and behind the decimal point, of which there may be none.
#[must_use]
pub fn split(amount: i64, code: &str) -> (String, String) {
    let digits = digits(code);
    let mut whole = format!("{:0>width$}", amount.unsigned_abs(), width = digits + 1);
    let parts = whole.split_off(whole.len().saturating_sub(digits));
    (whole, parts)
}

/// Minor units as a decimal number: 12.50.
#[must_use]
pub fn decimal(amount: i64, code: &str) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    let (whole, parts) = split(amount, code);
    if parts.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{parts}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_digits_of_their_currency() {
        for (amount, code, text) in [
            (0, "USD", "0.00"),
            (5, "USD", "0.05"),
            (-250, "EUR", "-2.50"),
            (1_999, "JPY", "1999"),
            (0, "JPY", "0"),
            (1_999, "KWD", "1.999"),
            (100, "XYZ", "1.00"),
            (i64::MIN, "JPY", "-9223372036854775808"),
        ] {
            assert_eq!(decimal(amount, code), text);
        }
    }
}
