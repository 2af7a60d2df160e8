//! Formats amounts of money.

use mercato_shop::currency;

/// The separators of numbers in a language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberFormat {
    /// The separator of groups of three digits.
    pub thousands: char,
    /// The separator before the fraction.
    pub decimal: char,
}

/// Formats minor units with the fraction digits of their currency (ISO 4217), such as 1,234.50 USD.
pub fn format(amount: i64, currency: &str, number: NumberFormat) -> String {
    let (whole, fraction) = currency::split(amount, currency);
    let mut text = String::from(if amount < 0 { "-" } else { "" });
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(number.thousands);
        }
        text.push(digit);
    }
    if !fraction.is_empty() {
        text.push(number.decimal);
        text.push_str(&fraction);
    }
    format!("{text} {currency}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_amounts_with_the_digits_of_their_currency() {
        let en = NumberFormat {
            thousands: ',',
            decimal: '.',
        };
        for (amount, currency, text) in [
            (0, "USD", "0.00 USD"),
            (5, "USD", "0.05 USD"),
            (-250, "USD", "-2.50 USD"),
            (123_456_789, "USD", "1,234,567.89 USD"),
            (100_000, "EUR", "1,000.00 EUR"),
            (1_999, "JPY", "1,999 JPY"),
            (1_999, "KWD", "1.999 KWD"),
            (5_500, "UGX", "5,500 UGX"),
            (2_200, "ISK", "2,200 ISK"),
            (1_100, "MGA", "11.00 MGA"),
            (2_500_000_000, "IDR", "25,000,000.00 IDR"),
            (9_007_199_254_740_991, "USD", "90,071,992,547,409.91 USD"),
            (100, "XYZ", "1.00 XYZ"),
            (i64::MIN, "JPY", "-9,223,372,036,854,775,808 JPY"),
        ] {
            assert_eq!(format(amount, currency, en), text);
        }
        let de = NumberFormat {
            thousands: '.',
            decimal: ',',
        };
        assert_eq!(format(123_450, "EUR", de), "1.234,50 EUR");
    }
}
