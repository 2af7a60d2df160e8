//! Numbers and prices of feeds.

use iso_currency::Currency;
use mercato_feeds::number::{self, Mark, Numeral};
use mercato_feeds::price::{MAX_AMOUNT, Price, PriceText};

const FORMS: [Option<Mark>; 3] = [None, Some(Mark::Point), Some(Mark::Comma)];

/// Parses a text as a number and as a price.
pub fn run(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let numeral = Numeral::parse(text);
    for form in FORMS {
        if let Ok(units) = number::units(text, form) {
            assert!(units >= 0, "{text} is {units}");
        }
        if let Ok(decimal) = numeral
            .as_ref()
            .map_err(Clone::clone)
            .and_then(|numeral| numeral.value(form))
        {
            let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            assert!(
                is_digits(&decimal.whole) && is_digits(&decimal.decimals),
                "{decimal:?}"
            );
        }
    }
    for default in [Currency::USD, Currency::JPY, Currency::KWD] {
        let Ok(price) = PriceText::parse(text, None, default) else {
            continue;
        };
        for form in FORMS {
            if let Ok(price) = price.price(form) {
                round_trip(price);
            }
        }
    }
}

/// Writes a price and parses it again.
fn round_trip(price: Price) {
    assert!((0..=MAX_AMOUNT).contains(&price.amount), "{price:?}");
    let digits = usize::from(price.currency.exponent().unwrap_or_default());
    let amount = format!("{:0>width$}", price.amount, width = digits + 1);
    let (whole, decimals) = amount.split_at(amount.len() - digits);
    let mark = if digits == 0 { "" } else { "." };
    let text = format!("{whole}{mark}{decimals} {}", price.currency.code());
    let again = PriceText::parse(&text, None, Currency::CHF).and_then(|price| price.price(Some(Mark::Point)));
    let again = again.unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(
        (again.amount, again.currency),
        (price.amount, price.currency),
        "{text}"
    );
}
