//! Parses the prices of feeds into exact minor units, without floating-point numbers.

use iso_currency::Currency;

/// An exact price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// The amount in minor units of the currency: cents for USD, yen for JPY, fils for KWD.
    pub amount: i32,
    /// The currency.
    pub currency: Currency,
}

/// Why a text is not a valid price.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// The text is empty.
    #[error("the row has no price")]
    Empty,
    /// The text is not a number with an optional currency.
    #[error("`{0}` is not a price")]
    Malformed(String),
    /// The sign or code of the currency is unknown.
    #[error("`{0}` is not a known currency: use an ISO 4217 code such as EUR")]
    UnknownCurrency(String),
    /// The currencies of the price and of the currency column differ.
    #[error("the currency of the price is {0}, and the currency column has {1}")]
    TwoCurrencies(&'static str, &'static str),
    /// The price has more decimals than the currency.
    #[error("`{0}` has more decimals than the currency {1}")]
    TooPrecise(String, &'static str),
    /// The price is negative.
    #[error("`{0}` is negative")]
    Negative(String),
    /// The price is too large for the integers of the API.
    #[error("`{0}` is too large: a price must be at most {max} minor units", max = i32::MAX)]
    TooLarge(String),
    /// The price is 0.
    #[error("the price is 0, which many feeds use for an unknown price; allow it with --allow-zero-price")]
    Zero,
}

/// Parses a price such as `12.99`, `$1,299.00`, `1.299,00 €`, `69.71 gbp` or `¥500`.
///
/// The currency is the one in the text, or else `column`, or else `default`.
///
/// A single comma before exactly three digits separates thousands. So does any separator that occurs twice.
/// If a number has two kinds of separators, the last one separates the decimals.
///
/// # Errors
/// If the text is not a price, or if the price is out of range.
pub fn parse(text: &str, column: Option<Currency>, default: Currency) -> Result<Price, PriceError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(PriceError::Empty);
    }
    let malformed = || PriceError::Malformed(shorten(text));
    let start = text.find(|c: char| c.is_ascii_digit()).ok_or_else(malformed)?;
    let end = text.rfind(|c: char| c.is_ascii_digit()).ok_or_else(malformed)? + 1;
    let (before, number, after) = match (text.get(..start), text.get(start..end), text.get(end..)) {
        (Some(before), Some(number), Some(after)) => (before, number, after),
        _ => return Err(malformed()),
    };
    // `.99` means 0.99.
    let (before, leading_point) = match before.strip_suffix(['.', ',']) {
        Some(rest) => (rest, true),
        None => (before, false),
    };
    let (before, negative) = match before.trim().strip_prefix(['-', '−']) {
        Some(rest) => (rest, true),
        None => match before.trim().strip_suffix(['-', '−']) {
            Some(rest) => (rest, true),
            None => (before.trim(), false),
        },
    };
    // `12.-` and `12,-` mean 12.
    let after = after.trim().trim_start_matches(['.', ',', '-', '–', '—']).trim();
    let currency = match (before.trim(), after) {
        ("", "") => None,
        (name, "") | ("", name) => Some(currency(name, default)?),
        (one, two) => {
            let (one, two) = (currency(one, default)?, currency(two, default)?);
            if one != two {
                return Err(PriceError::TwoCurrencies(one.code(), two.code()));
            }
            Some(one)
        }
    };
    let currency = match (currency, column) {
        (Some(named), Some(column)) if named != column => {
            return Err(PriceError::TwoCurrencies(named.code(), column.code()));
        }
        (named, column) => named.or(column).unwrap_or(default),
    };
    let (whole, decimals) = if leading_point {
        (String::new(), number.to_owned())
    } else {
        split(number).ok_or_else(malformed)?
    };
    let amount = minor_units(text, &whole, &decimals, currency)?;
    if negative && amount != 0 {
        return Err(PriceError::Negative(shorten(text)));
    }
    Ok(Price { amount, currency })
}

/// Returns the currency of a code or a sign.
///
/// # Errors
/// If it is unknown.
pub fn currency(name: &str, default: Currency) -> Result<Currency, PriceError> {
    // A sign that several currencies share means the default currency if that is one of them.
    let shared = |candidates: &[Currency], common: Option<Currency>| {
        if candidates.contains(&default) {
            Some(default)
        } else {
            common
        }
    };
    let found = match name.trim() {
        "$" => shared(
            &[
                Currency::AUD,
                Currency::CAD,
                Currency::HKD,
                Currency::MXN,
                Currency::NZD,
                Currency::SGD,
            ],
            Some(Currency::USD),
        ),
        "¥" | "￥" => shared(&[Currency::CNY], Some(Currency::JPY)),
        "kr" | "kr." => shared(
            &[Currency::DKK, Currency::ISK, Currency::NOK, Currency::SEK],
            None,
        ),
        "€" => Some(Currency::EUR),
        "£" => Some(Currency::GBP),
        "₹" => Some(Currency::INR),
        "₩" => Some(Currency::KRW),
        "₽" => Some(Currency::RUB),
        "₺" => Some(Currency::TRY),
        "₴" => Some(Currency::UAH),
        "₪" => Some(Currency::ILS),
        "zł" => Some(Currency::PLN),
        "Kč" => Some(Currency::CZK),
        "Fr." => Some(Currency::CHF),
        "US$" => Some(Currency::USD),
        "C$" | "CA$" => Some(Currency::CAD),
        "A$" | "AU$" => Some(Currency::AUD),
        "R$" => Some(Currency::BRL),
        code => Currency::from_code(&code.to_ascii_uppercase()),
    };
    found.ok_or_else(|| PriceError::UnknownCurrency(shorten(name.trim())))
}

/// Splits a number into its whole digits and its decimals.
fn split(number: &str) -> Option<(String, String)> {
    // Spaces and apostrophes only separate thousands.
    let number: String = number
        .chars()
        .map(|c| if is_space(c) { '\'' } else { c })
        .collect();
    let marks: Vec<char> = number.chars().filter(|c| matches!(c, '.' | ',')).collect();
    let decimal_mark = match marks.as_slice() {
        [] => None,
        [first, .., last] => (first != last).then_some(*last),
        ['.'] => Some('.'),
        [mark] => (number.rsplit(*mark).next().map(str::len) != Some(3) || number.starts_with("0,"))
            .then_some(*mark),
    };
    let (whole, decimals) = match decimal_mark.and_then(|mark| number.rsplit_once(mark)) {
        Some((whole, decimals)) => (whole, decimals),
        None => (number.as_str(), ""),
    };
    let mut groups = whole.split(['.', ',', '\'']);
    let first = groups.next()?;
    let groups: Vec<&str> = groups.collect();
    let last = groups.len().checked_sub(1);
    // A group has three digits. In India every group except the last one has two.
    let grouped = groups
        .iter()
        .enumerate()
        .all(|(index, group)| group.len() == 3 || (group.len() == 2 && Some(index) != last));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let first_fits = groups.is_empty() || (1..=3).contains(&first.len());
    let valid = grouped
        && first_fits
        && digits(first)
        && groups.iter().all(|group| digits(group))
        && digits(decimals);
    let one_kind = whole
        .chars()
        .filter(|c| !c.is_ascii_digit())
        .collect::<std::collections::BTreeSet<_>>()
        .len()
        <= 1;
    (valid && one_kind).then(|| (format!("{first}{}", groups.concat()), decimals.to_owned()))
}

fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{2019}' | '`' | '´')
}

fn minor_units(text: &str, whole: &str, decimals: &str, currency: Currency) -> Result<i32, PriceError> {
    let exponent = usize::from(currency.exponent().unwrap_or(2));
    let (kept, cut) = decimals.split_at_checked(exponent).unwrap_or((decimals, ""));
    if cut.bytes().any(|byte| byte != b'0') {
        return Err(PriceError::TooPrecise(shorten(text), currency.code()));
    }
    let digits = format!("{whole}{kept:0<exponent$}");
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Ok(0);
    }
    digits.parse().map_err(|_| PriceError::TooLarge(shorten(text)))
}

/// Shortens a text that is quoted in a message.
fn shorten(text: &str) -> String {
    const MAX_CHARS: usize = 40;
    if text.chars().count() <= MAX_CHARS {
        return text.to_owned();
    }
    text.chars().take(MAX_CHARS).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(i32, &'static str), PriceError> {
        parse(text, None, Currency::USD).map(|price| (price.amount, price.currency.code()))
    }

    #[test]
    fn parses_the_prices_of_feeds() {
        for (text, amount, code) in [
            ("12.99", 1299, "USD"),
            ("12,99", 1299, "USD"),
            ("38", 3800, "USD"),
            ("47.8", 4780, "USD"),
            (".99", 99, "USD"),
            ("0.5", 50, "USD"),
            ("0,500", 50, "USD"),
            ("$1,299.00", 129_900, "USD"),
            ("$ 1,299", 129_900, "USD"),
            ("1.299,00 €", 129_900, "EUR"),
            ("1 299,00 €", 129_900, "EUR"),
            ("1\u{a0}299,00\u{a0}€", 129_900, "EUR"),
            ("1'299.00 CHF", 129_900, "CHF"),
            ("Fr. 12.-", 1200, "CHF"),
            ("12,- €", 1200, "EUR"),
            ("69.71 gbp", 6971, "GBP"),
            ("gbp69.71", 6971, "GBP"),
            ("£1,234,567.89", 123_456_789, "GBP"),
            ("₹1,23,456.50", 12_345_650, "INR"),
            ("¥500", 500, "JPY"),
            ("¥1,500", 1500, "JPY"),
            ("1.234 KWD", 1234, "KWD"),
            ("1482.0 gbp", 148_200, "GBP"),
            ("USD 5 USD", 500, "USD"),
            ("0", 0, "USD"),
            ("0.00", 0, "USD"),
        ] {
            assert_eq!(read(text), Ok((amount, code)), "{text}");
        }
    }

    #[test]
    fn rejects_decimals_that_the_currency_does_not_have() {
        assert_eq!(read("12.990"), Ok((1299, "USD")));
        assert_eq!(read("500.00 JPY"), Ok((500, "JPY")));
        assert_eq!(
            read("12.999"),
            Err(PriceError::TooPrecise("12.999".into(), "USD"))
        );
        assert_eq!(
            read("¥500.5"),
            Err(PriceError::TooPrecise("¥500.5".into(), "JPY"))
        );
    }

    #[test]
    fn rejects_a_text_that_is_not_a_price() {
        for text in [
            "free",
            "12.99.1",
            "1,2,3",
            "12a34",
            "1,29,99",
            "1.299.00,1.2",
            "12.99 12",
            "--",
            "1'299,000.5.5",
        ] {
            assert!(
                matches!(read(text), Err(PriceError::Malformed(_))),
                "{text}: {:?}",
                read(text)
            );
        }
        assert_eq!(read("  "), Err(PriceError::Empty));
        assert_eq!(
            read("12 quatloos"),
            Err(PriceError::UnknownCurrency("quatloos".into()))
        );
        assert_eq!(read("-5"), Err(PriceError::Negative("-5".into())));
        assert_eq!(read("-$5"), Err(PriceError::Negative("-$5".into())));
        assert_eq!(read("$-5"), Err(PriceError::Negative("$-5".into())));
    }

    #[test]
    fn accepts_prices_up_to_the_largest_graphql_integer() {
        assert_eq!(read("21474836.47"), Ok((i32::MAX, "USD")));
        assert_eq!(
            read("21474836.48"),
            Err(PriceError::TooLarge("21474836.48".into()))
        );
        assert_eq!(read("2147483647 JPY"), Ok((i32::MAX, "JPY")));
        assert!(matches!(read(&"9".repeat(400)), Err(PriceError::TooLarge(_))));
    }

    #[test]
    fn a_shared_sign_means_the_default_currency_if_possible() {
        assert_eq!(
            parse("$5", None, Currency::CAD).map(|price| price.currency),
            Ok(Currency::CAD)
        );
        assert_eq!(
            parse("$5", None, Currency::EUR).map(|price| price.currency),
            Ok(Currency::USD)
        );
        assert_eq!(
            parse("5 kr", None, Currency::SEK).map(|price| price.currency),
            Ok(Currency::SEK)
        );
        assert_eq!(
            parse("5 kr", None, Currency::EUR),
            Err(PriceError::UnknownCurrency("kr".into()))
        );
    }

    #[test]
    fn uses_the_currency_column_and_rejects_two_currencies() {
        let jpy = Some(Currency::JPY);
        assert_eq!(
            parse("500", jpy, Currency::USD).map(|price| (price.amount, price.currency)),
            Ok((500, Currency::JPY))
        );
        assert_eq!(
            parse("€5", jpy, Currency::USD),
            Err(PriceError::TwoCurrencies("EUR", "JPY"))
        );
    }
}
