//! Amounts as people write them.

use mercato_shop::currency;

/// How a language writes numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    /// Between groups of three digits.
    pub thousands: char,
    /// Before the parts of one.
    pub decimal: char,
}

/// Minor units as an amount of their currency (ISO 4217), with as many digits behind the decimal as it has; 1,234.50 USD.
pub fn written(amount: i64, currency: &str, number: Number) -> String {
    let (whole, parts) = currency::split(amount, currency);
    let mut text = String::from(if amount < 0 { "-" } else { "" });
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(number.thousands);
        }
        text.push(digit);
    }
    if !parts.is_empty() {
        text.push(number.decimal);
        text.push_str(&parts);
    }
    format!("{text} {currency}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_digits_of_their_currency() {
        let en = Number {
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
            (100, "XYZ", "1.00 XYZ"),
            (i64::MIN, "JPY", "-9,223,372,036,854,775,808 JPY"),
        ] {
            assert_eq!(written(amount, currency, en), text);
        }
        let de = Number {
            thousands: '.',
            decimal: ',',
        };
        assert_eq!(written(123_450, "EUR", de), "1.234,50 EUR");
    }
}
