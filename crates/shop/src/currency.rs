//! The table of currencies: their decimals by ISO 4217 and at Stripe. Amounts, and their form as decimal
//! numbers.

pub(crate) mod code;

use iso_currency::Currency;

use crate::ports::Ports;
use crate::settings;
use crate::types::Error;

pub use code::parse;

/// The largest amount in minor units: the largest integer that JSON clients read exactly.
pub const MAX_AMOUNT: i64 = (1 << 53) - 1;

/// Currencies whose amounts have another number of decimals at Stripe than in ISO 4217 (Stripe's
/// documentation, "Supported currencies"). `UGX` is in Stripe's list of currencies without decimals too, but
/// its special case takes precedence.
const STRIPE_DIGITS: [(&str, usize); 3] = [("ISK", 2), ("MGA", 0), ("UGX", 2)];

/// The number of decimals of which Stripe requires the last one to be 0.
const STRIPE_ROUNDED_DIGITS: usize = 3;

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
/// [`Error::Invalid`] if ISO 4217 lists no currency in use by this code.
pub fn check(code: &str) -> Result<String, Error> {
    match parse(code) {
        Ok(currency) => Ok(currency.code().into()),
        Err(reason) => Err(Error::invalid("currency", format!("`currency` {reason}."))),
    }
}

/// Checks an amount in minor units of a client.
///
/// # Errors
/// [`Error::Invalid`] if the amount is not from `min` to [`MAX_AMOUNT`].
pub fn check_amount(field: &str, min: i64, amount: i64) -> Result<i64, Error> {
    if (min..=MAX_AMOUNT).contains(&amount) {
        return Ok(amount);
    }
    Err(Error::invalid(
        field,
        format!("`{field}` must be a whole number of minor units (cents) from {min} to {MAX_AMOUNT}."),
    ))
}

/// Returns the number of decimal digits of a currency (ISO 4217): 2 for USD, 0 for JPY. An unknown code has
/// 2.
#[must_use]
pub fn digits(code: &str) -> usize {
    Currency::from_code(code)
        .and_then(|currency| currency.exponent())
        .map_or(2, usize::from)
}

/// Returns the smallest amount that Stripe can charge, in minor units: 100 for MGA, 10 for KWD, 1 for USD.
#[must_use]
pub fn stripe_unit(code: &str) -> i64 {
    let (digits, at_stripe) = (digits(code), stripe_digits(code));
    if at_stripe >= STRIPE_ROUNDED_DIGITS {
        10
    } else {
        power_of_ten(digits.saturating_sub(at_stripe))
    }
}

/// Converts an amount in minor units to the unit of Stripe's API: 5,500 UGX is 550000.
///
/// # Errors
/// Why Stripe can't charge the amount, as a sentence.
pub fn to_stripe(amount: i64, code: &str) -> Result<i64, String> {
    let unit = stripe_unit(code);
    if amount % unit != 0 {
        return Err(format!(
            "{} can't be paid by card. The payment gateway takes only multiples of {}.",
            with_code(amount, code),
            with_code(unit, code)
        ));
    }
    let (digits, at_stripe) = (digits(code), stripe_digits(code));
    let factor = power_of_ten(at_stripe.saturating_sub(digits));
    let divisor = power_of_ten(digits.saturating_sub(at_stripe));
    Ok(amount.saturating_mul(factor) / divisor)
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

/// Returns an amount in minor units as a decimal number with its currency, such as 12.50 USD.
#[must_use]
pub fn with_code(amount: i64, code: &str) -> String {
    format!("{} {code}", decimal(amount, code))
}

/// Returns the number of decimal digits of a currency in Stripe's API.
fn stripe_digits(code: &str) -> usize {
    let special = STRIPE_DIGITS.iter().find(|(special, _)| *special == code);
    special.map_or_else(|| digits(code), |(_, digits)| *digits)
}

fn power_of_ten(exponent: usize) -> i64 {
    u32::try_from(exponent).map_or(i64::MAX, |exponent| 10_i64.saturating_pow(exponent))
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
            (MAX_AMOUNT, "IDR", "90071992547409.91"),
        ] {
            assert_eq!(decimal(amount, code), text);
        }
        assert_eq!(with_code(5_500, "UGX"), "5500 UGX");
    }

    #[test]
    fn accepts_only_currencies_in_use() {
        for code in [
            "USD", "EUR", "JPY", "KWD", "UGX", "VES", "VED", "XAF", "XCG", "ZWG",
        ] {
            assert_eq!(check(code).as_deref(), Ok(code));
        }
        for (code, hint) in [
            ("ZZZ", "such as USD."),
            ("BTC", "such as USD."),
            ("", "such as USD."),
            ("dollars", "such as USD."),
            ("usd", "Write USD."),
            (" USD", "Write USD."),
            ("xau", "such as USD."),
            ("XXX", "XXX is no currency to pay with."),
            ("XTS", "XTS is no currency to pay with."),
            ("XAU", "XAU is no currency to pay with."),
            ("XDR", "XDR is no currency to pay with."),
            ("XAD", "XAD is no currency to pay with."),
            ("CHE", "CHE is no currency to pay with."),
            ("CLF", "CLF is no currency to pay with."),
            ("USN", "USN is no currency to pay with."),
            ("HRK", "HRK was replaced by EUR."),
            ("BGN", "BGN was replaced by EUR."),
            ("ZWL", "ZWL was replaced by ZWG."),
            ("DEM", "such as USD."),
        ] {
            match check(code) {
                Err(Error::Invalid(why)) => {
                    assert!(why.message.ends_with(hint), "{code}: {}", why.message);
                    assert_eq!(why.field, "currency");
                }
                other => panic!("{code}: {other:?}"),
            }
        }
    }

    #[test]
    fn limits_amounts_to_the_integers_that_json_clients_read_exactly() {
        assert_eq!(check_amount("price", 0, 0), Ok(0));
        assert_eq!(
            check_amount("price", 0, 9_007_199_254_740_991),
            Ok(9_007_199_254_740_991)
        );
        for amount in [-1, 9_007_199_254_740_992, i64::MAX, i64::MIN] {
            match check_amount("price", 0, amount) {
                Err(Error::Invalid(why)) => assert!(why.message.contains("from 0 to 9007199254740991")),
                other => panic!("{amount}: {other:?}"),
            }
        }
    }

    #[test]
    fn converts_amounts_to_the_unit_of_stripe() {
        for (amount, code, at_stripe) in [
            (1_250, "USD", 1_250),
            (500, "JPY", 500),
            (10_000, "VND", 10_000),
            (5_500, "UGX", 550_000),
            (2_200, "ISK", 220_000),
            (1_100, "MGA", 11),
            (13_570, "KWD", 13_570),
            (10, "BHD", 10),
            (1_045, "HUF", 1_045),
            (80_045, "TWD", 80_045),
            (2_500_000_000, "IDR", 2_500_000_000),
            (0, "KWD", 0),
            (MAX_AMOUNT, "UGX", MAX_AMOUNT * 100),
        ] {
            assert_eq!(to_stripe(amount, code), Ok(at_stripe), "{amount} {code}");
        }
        for (amount, code, reason) in [
            (
                13_574,
                "KWD",
                "13.574 KWD can't be paid by card. The payment gateway takes only multiples of 0.010 KWD.",
            ),
            (
                1,
                "JOD",
                "0.001 JOD can't be paid by card. The payment gateway takes only multiples of 0.010 JOD.",
            ),
            (
                1_150,
                "MGA",
                "11.50 MGA can't be paid by card. The payment gateway takes only multiples of 1.00 MGA.",
            ),
        ] {
            assert_eq!(to_stripe(amount, code), Err(reason.into()));
        }
    }
}
