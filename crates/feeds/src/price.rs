//! Parses the prices of feeds into exact minor units, without floating-point numbers.

use std::borrow::Cow;

use iso_currency::Currency;

use crate::currency;
use crate::number::{self, Decimal, Mark, NumberError, Numeral, shorten};

/// The largest amount of a shop in minor units: the largest integer that JSON clients read exactly.
pub const MAX_AMOUNT: i64 = (1 << 53) - 1;

/// An exact price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// The amount in minor units of the currency: cents for USD, yen for JPY, fils for KWD.
    pub amount: i64,
    /// The currency.
    pub currency: Currency,
    /// Whether the text or its column names the currency.
    pub is_named: bool,
}

/// Why a text is not a valid price.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// The text is not a number with an optional currency.
    #[error("`{0}` is not a price")]
    Malformed(String),
    /// The number is malformed, negative or ambiguous.
    #[error("{0}")]
    Number(#[from] NumberError),
    /// The sign or code of the currency is unknown.
    #[error("`{0}` is not a price: `{1}` is not a known currency. Use an ISO 4217 code such as EUR")]
    UnknownCurrency(String, String),
    /// The currencies of the price and of the currency column differ.
    #[error("the row has two currencies, {0} and {1}: correct one of them")]
    TwoCurrencies(&'static str, &'static str),
    /// The price has more decimals than the currency.
    #[error("`{0}` has more decimals than the currency {1}")]
    TooPrecise(String, &'static str),
    /// The price is too large.
    #[error("`{0}` is too large: a price must be at most {MAX_AMOUNT} minor units")]
    TooLarge(String),
}

/// A price, before the form of the numbers is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceText {
    text: String,
    numeral: Numeral,
    /// The currency.
    pub currency: Currency,
    is_named: bool,
}

impl PriceText {
    /// Splits a price such as `12.99`, `$1,299.00`, `1.299,00 €`, `69.71 gbp` or `¥500`.
    ///
    /// The currency is the one in the text, or else `column`, or else `default`.
    ///
    /// # Errors
    /// If the text is not a price.
    pub fn parse(text: &str, column: Option<Currency>, default: Currency) -> Result<Self, PriceError> {
        let text = text.trim();
        if let Some(error) = number::spreadsheet_error(text) {
            return Err(error.into());
        }
        let malformed = || PriceError::Malformed(shorten(text));
        let (before, numeral, after) = split(number::unquote_number(text)).ok_or_else(malformed)?;
        let (before, opened) = match before.strip_prefix('(') {
            Some(rest) => (rest.trim(), true),
            None => (before, false),
        };
        let is_minus = |character| matches!(character, '-' | '−' | '–');
        let (before, minus) = match before.strip_prefix(is_minus).or(before.strip_suffix(is_minus)) {
            Some(rest) => (rest.trim(), true),
            None => (before, false),
        };
        let (after, closed) = match after.strip_suffix(')') {
            Some(rest) => (rest.trim(), true),
            None => (after, false),
        };
        // `12.-`, `12,-` and `1.234,-` have no cents, and `12.` has no decimals. `12-` is negative in some programs.
        let mut numeral = Cow::Borrowed(numeral);
        let mut after = after;
        let mut minus_after = false;
        if let Some(rest) = after.strip_prefix(['.', ',']) {
            let has_mark = numeral.contains(['.', ',']);
            let without_dash = rest.trim_start_matches(['-', '–', '—']);
            if without_dash != rest {
                let mark = if after.starts_with('.') { '.' } else { ',' };
                numeral = Cow::Owned(format!("{numeral}{mark}00"));
                after = without_dash.trim();
            } else if !has_mark {
                after = rest.trim();
            }
        } else if let Some(rest) = after.strip_prefix(is_minus) {
            after = rest.trim();
            minus_after = true;
        }
        if opened != closed {
            return Err(malformed());
        }
        // A sign that several currencies share means the one that is named elsewhere.
        let default = column.unwrap_or(default);
        let find = |name: &str, default: Currency| {
            if name
                .chars()
                .any(|character| character.is_ascii_digit() || is_minus(character))
            {
                return Err(malformed());
            }
            currency::find(name, default)
                .ok_or_else(|| PriceError::UnknownCurrency(shorten(text), shorten(name)))
        };
        let named = match (before, after) {
            ("", "") => None,
            (name, "") | ("", name) => Some(find(name, default)?),
            (one, two) => {
                let other = |name: &str| currency::find(name, default).unwrap_or(default);
                let (one, two) = (find(one, other(two))?, find(two, other(one))?);
                if one != two {
                    return Err(PriceError::TwoCurrencies(one.code(), two.code()));
                }
                Some(one)
            }
        };
        if let (Some(named), Some(column)) = (named, column)
            && named != column
        {
            return Err(PriceError::TwoCurrencies(named.code(), column.code()));
        }
        let numeral = Numeral::parse(&numeral).map_err(|_| malformed())?.quoted_as(text);
        if (minus || minus_after || opened) && !numeral.is_zero() {
            return Err(NumberError::Negative(shorten(text)).into());
        }
        Ok(Self {
            text: shorten(text),
            numeral,
            currency: named.or(column).unwrap_or(default),
            is_named: named.or(column).is_some(),
        })
    }

    /// Returns the decimal mark that the price proves.
    pub fn mark(&self) -> Option<Mark> {
        self.numeral.mark()
    }

    /// Returns the decimal mark that the price suggests: three digits after a mark are decimals rather than
    /// thousands if the currency has three decimals.
    pub fn likely_mark(&self) -> Option<Mark> {
        let has_three = currency::decimals(self.currency) == 3;
        self.numeral.ambiguous_mark().filter(|_| has_three)
    }

    /// Returns whether only the form of the feed tells thousands from decimals.
    pub fn is_ambiguous(&self) -> bool {
        self.numeral.ambiguous_mark().is_some() && currency::decimals(self.currency) > 0
    }

    /// Returns the exact price, by the decimal mark of the feed. In a currency without decimals, a mark before
    /// three digits groups thousands.
    ///
    /// # Errors
    /// If the number is ambiguous or does not fit the form, or if the price is out of range.
    pub fn price(&self, form: Option<Mark>) -> Result<Price, PriceError> {
        let decimals = currency::decimals(self.currency);
        let value = if decimals == 0 {
            self.numeral.without_decimals(form)?
        } else {
            self.numeral.value(form)?
        };
        Ok(Price {
            amount: self.minor_units(&value, decimals)?,
            currency: self.currency,
            is_named: self.is_named,
        })
    }

    fn minor_units(&self, value: &Decimal, count: usize) -> Result<i64, PriceError> {
        let decimals = value.decimals.as_str();
        let (kept, cut) = decimals.split_at_checked(count).unwrap_or((decimals, ""));
        if cut.bytes().any(|byte| byte != b'0') {
            return Err(PriceError::TooPrecise(self.text.clone(), self.currency.code()));
        }
        let digits = format!("{}{kept:0<count$}", value.whole);
        let digits = digits.trim_start_matches('0');
        if digits.is_empty() {
            return Ok(0);
        }
        let amount = digits.parse().ok().filter(|amount| *amount <= MAX_AMOUNT);
        amount.ok_or_else(|| PriceError::TooLarge(self.text.clone()))
    }
}

/// Splits a text into what is before the number, the number, and what is after it.
fn split(text: &str) -> Option<(&str, &str, &str)> {
    let mut start = text.find(|character: char| character.is_ascii_digit())?;
    let end = text.rfind(|character: char| character.is_ascii_digit())? + 1;
    // `.99` means 0.99. `Fr.` and `kr.` are signs with a point.
    let before = text.get(..start)?;
    let leading = before.strip_suffix(['.', ',']);
    if leading.is_some_and(|rest| !rest.ends_with(char::is_alphabetic)) {
        start -= 1;
    }
    Some((
        text.get(..start)?.trim(),
        text.get(start..end)?,
        text.get(end..)?.trim(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const POINT: Option<Mark> = Some(Mark::Point);
    const COMMA: Option<Mark> = Some(Mark::Comma);

    fn read(text: &str, form: Option<Mark>) -> Result<(i64, &'static str), PriceError> {
        let price = PriceText::parse(text, None, Currency::USD)?.price(form)?;
        Ok((price.amount, price.currency.code()))
    }

    #[test]
    fn reads_prices_in_all_forms_and_currencies() {
        for (text, form, amount, code) in [
            ("12.99", None, 1_299, "USD"),
            ("12,99", None, 1_299, "USD"),
            ("38", None, 3_800, "USD"),
            ("47.8", None, 4_780, "USD"),
            (".99", None, 99, "USD"),
            ("$.99", None, 99, "USD"),
            ("0.5", None, 50, "USD"),
            ("0,500", None, 50, "USD"),
            ("12.9900", None, 1_299, "USD"),
            ("+10,00", None, 1_000, "USD"),
            ("'12,50", None, 1_250, "USD"),
            ("$1,299.00", None, 129_900, "USD"),
            ("$ 1,299", POINT, 129_900, "USD"),
            ("$ 1,290", COMMA, 129, "USD"),
            ("1.299,00 €", None, 129_900, "EUR"),
            ("2.500", COMMA, 250_000, "USD"),
            ("2.500 €", COMMA, 250_000, "EUR"),
            ("2.500", POINT, 250, "USD"),
            ("1 299,00 €", None, 129_900, "EUR"),
            ("1\u{a0}299,00\u{a0}€", None, 129_900, "EUR"),
            ("1\u{202f}234,56", None, 123_456, "USD"),
            ("1\u{2009}234", None, 123_400, "USD"),
            ("1'299.00 CHF", None, 129_900, "CHF"),
            ("1’299.00 CHF", None, 129_900, "CHF"),
            ("Fr. 12.-", None, 1_200, "CHF"),
            ("Fr. 12.50", None, 1_250, "CHF"),
            ("kr.12,50 DKK", None, 1_250, "DKK"),
            ("12,- €", None, 1_200, "EUR"),
            ("12.— CHF", None, 1_200, "CHF"),
            ("12. CHF", None, 1_200, "CHF"),
            ("1.234,- €", None, 123_400, "EUR"),
            ("1'234.– CHF", None, 123_400, "CHF"),
            ("69.71 gbp", None, 6_971, "GBP"),
            ("gbp69.71", None, 6_971, "GBP"),
            ("£1,234,567.89", None, 123_456_789, "GBP"),
            ("1.234.567,89 EUR", None, 123_456_789, "EUR"),
            ("1.234.567 EUR", None, 123_456_700, "EUR"),
            ("1,234,567 USD", None, 123_456_700, "USD"),
            ("₹1,23,456.50", None, 12_345_650, "INR"),
            ("₹12,34,567", None, 123_456_700, "INR"),
            ("R$ 1.234,50", None, 123_450, "BRL"),
            ("12,50 zł", None, 1_250, "PLN"),
            ("1 299,90 Kč", None, 129_990, "CZK"),
            ("¥500", None, 500, "JPY"),
            ("¥1,500", None, 1_500, "JPY"),
            ("¥12.000", None, 12_000, "JPY"),
            ("1.500 JPY", None, 1_500, "JPY"),
            ("2.000 JPY", POINT, 2_000, "JPY"),
            ("2,000 JPY", COMMA, 2_000, "JPY"),
            ("500.00 JPY", None, 500, "JPY"),
            ("1.500,00 JPY", None, 1_500, "JPY"),
            ("150.000 VND", None, 150_000, "VND"),
            ("1.250.000 VND", POINT, 1_250_000, "VND"),
            ("1.250.000₫", None, 1_250_000, "VND"),
            ("25,000 KRW", None, 25_000, "KRW"),
            ("₩25,000", COMMA, 25_000, "KRW"),
            ("20.000 CLP", None, 20_000, "CLP"),
            ("12.000 ISK", None, 12_000, "ISK"),
            ("75.000 PYG", None, 75_000, "PYG"),
            ("5,500 UGX", None, 5_500, "UGX"),
            ("150.000 IDR", COMMA, 15_000_000, "IDR"),
            ("25,000,000.00 IDR", None, 2_500_000_000, "IDR"),
            ("1.234 KWD", POINT, 1_234, "KWD"),
            ("1.234 KWD", COMMA, 1_234_000, "KWD"),
            ("13,574 KWD", COMMA, 13_574, "KWD"),
            ("0.750 BHD", None, 750, "BHD"),
            ("1,234.5 TND", None, 1_234_500, "TND"),
            ("1482.0 gbp", None, 148_200, "GBP"),
            ("USD 5 USD", None, 500, "USD"),
            ("$5 CAD", None, 500, "CAD"),
            ("0", None, 0, "USD"),
            ("0.00", None, 0, "USD"),
            ("-0.00", None, 0, "USD"),
            ("90071992547409.91", None, MAX_AMOUNT, "USD"),
            ("9007199254740991 JPY", None, MAX_AMOUNT, "JPY"),
        ] {
            assert_eq!(read(text, form), Ok((amount, code)), "{text}, {form:?}");
        }
    }

    #[test]
    fn says_why_a_text_is_no_price() {
        for (text, form, words) in [
            ("free", None, "is not a price"),
            ("12.99.1", None, "is not a price"),
            ("1,2,3", None, "is not a price"),
            ("12a34", None, "is not a price"),
            ("1,29,99", None, "is not a price"),
            ("12.99 12", None, "is not a price"),
            ("12.99-15.99", None, "is not a price"),
            ("--", None, "is not a price"),
            ("05. Jan", None, "`05. Jan` is not a price"),
            ("12.05.", None, "is not a price"),
            ("2024-01-05", None, "is not a price"),
            ("12 quatloos", None, "`quatloos` is not a known currency"),
            ("12 BTC", None, "not a known currency"),
            ("12 XXX", None, "not a known currency"),
            ("12 ZZZ", None, "not a known currency"),
            ("12 kr", None, "`kr` is not a known currency"),
            ("5 EUR USD", None, "not a known currency"),
            ("€5 USD", None, "EUR"),
            ("-5", None, "negative"),
            ("-$5", None, "negative"),
            ("$-5", None, "negative"),
            ("−5,00 €", None, "negative"),
            ("5,00-", None, "negative"),
            ("(5,00)", None, "negative"),
            ("($5.00)", None, "negative"),
            ("(5,00", None, "is not a price"),
            ("1E+05", None, "scientific"),
            ("1,5E+02", COMMA, "scientific"),
            ("=1+1", None, "formula"),
            ("@SUM(A1)", None, "formula"),
            ("#REF!", None, "error of a spreadsheet"),
            ("#N/A", None, "error of a spreadsheet"),
            ("1.299", None, "--decimal"),
            ("1,299 EUR", None, "--decimal"),
            ("1.234 KWD", None, "--decimal"),
            ("12.99", COMMA, "decimal comma"),
            ("1.234,56", POINT, "decimal point"),
            ("1.234.567 EUR", POINT, "decimal point"),
            ("12.999", POINT, "more decimals"),
            ("1,234", COMMA, "more decimals"),
            ("¥500.5", None, "more decimals"),
            ("500.50 JPY", None, "more decimals"),
            ("1,234.567 JPY", None, "more decimals"),
            ("1.2345 KWD", None, "more decimals"),
            ("90071992547409.92", None, "too large"),
        ] {
            let error = read(text, form).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
        assert!(matches!(
            read(&"9".repeat(400), None),
            Err(PriceError::TooLarge(_))
        ));
    }

    #[test]
    fn uses_the_currency_column_and_rejects_two_currencies() {
        let read = |text, column| PriceText::parse(text, column, Currency::USD);
        let price = read("500", Some(Currency::JPY)).unwrap().price(None).unwrap();
        assert!(price.amount == 500 && price.currency == Currency::JPY && price.is_named);
        assert_eq!(
            read("€5", Some(Currency::JPY)),
            Err(PriceError::TwoCurrencies("EUR", "JPY"))
        );
        let price = read("$5", Some(Currency::CAD)).unwrap();
        assert_eq!(price.currency, Currency::CAD);
        assert!(!read("5", None).unwrap().price(None).unwrap().is_named);
    }

    #[test]
    fn three_digits_are_likely_decimals_in_a_currency_with_three_decimals() {
        let likely = |text| PriceText::parse(text, None, Currency::USD).unwrap().likely_mark();
        assert_eq!(likely("1.234 KWD"), Some(Mark::Point));
        assert_eq!(likely("1.234 EUR"), None);
    }
}
