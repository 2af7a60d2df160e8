//! Currencies, and amounts as decimal numbers.

use iso_currency::Currency;

use crate::ports::Ports;
use crate::settings;
use crate::types::Error;

/// Returns the currency of the shop, for amounts without a currency.
///
/// # Errors
/// [`Error::Internal`] if the setting is invalid.
pub fn default_currency(ports: &impl Ports) -> Result<String, Error> {
    settings::read(ports, settings::currency::read)
}

/// Checks a currency code of a client.
///
/// # Errors
/// [`Error::Invalid`] if the code does not have the form of ISO 4217.
pub fn check(code: &str) -> Result<String, Error> {
    if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        Ok(code.into())
    } else {
        Err(Error::invalid(
            "currency",
            "`currency` must be an ISO 4217 code in upper case, such as USD.",
        ))
    }
}

/// Returns the number of decimal digits of a currency (ISO 4217): 2 for USD, 0 for JPY. An unknown code has
/// 2.
#[must_use]
pub fn digits(code: &str) -> usize {
    Currency::from_code(code)
        .and_then(|currency| currency.exponent())
        .map_or(2, usize::from)
}

/// Returns the digits of an amount before and after the decimal point, without the sign. The amount is in
/// minor units.
#[must_use]
pub fn split(amount: i64, code: &str) -> (String, String) {
    let digits = digits(code);
    let mut whole = format!("{:0>width$}", amount.unsigned_abs(), width = digits + 1);
    let fraction = whole.split_off(whole.len().saturating_sub(digits));
    (whole, fraction)
}

/// Returns an amount in minor units as a decimal number, such as 12.50.
#[must_use]
pub fn decimal(amount: i64, code: &str) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    let (whole, fraction) = split(amount, code);
    if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_amounts_with_the_digits_of_their_currency() {
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
