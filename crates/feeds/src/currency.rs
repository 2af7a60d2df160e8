//! The codes and signs of currencies.

use iso_currency::Currency;

/// A currency that ISO 4217 lists, although the library marks it as replaced.
const IN_USE: Currency = Currency::VES;

/// Signs that several currencies share: the currencies, and the one that is meant if the shop has none of them.
const SHARED: [(&[&str], &[Currency], Option<Currency>); 3] = [
    (
        &["$"],
        &[
            Currency::USD,
            Currency::ARS,
            Currency::AUD,
            Currency::CAD,
            Currency::CLP,
            Currency::COP,
            Currency::HKD,
            Currency::MXN,
            Currency::NZD,
            Currency::SGD,
            Currency::TWD,
        ],
        Some(Currency::USD),
    ),
    (&["¥", "￥"], &[Currency::JPY, Currency::CNY], Some(Currency::JPY)),
    (
        &["kr", "kr."],
        &[Currency::DKK, Currency::ISK, Currency::NOK, Currency::SEK],
        None,
    ),
];

/// Signs of one currency.
const SIGNS: [(&str, Currency); 36] = [
    ("€", Currency::EUR),
    ("£", Currency::GBP),
    ("₹", Currency::INR),
    ("₩", Currency::KRW),
    ("₽", Currency::RUB),
    ("₺", Currency::TRY),
    ("₴", Currency::UAH),
    ("₪", Currency::ILS),
    ("₫", Currency::VND),
    ("฿", Currency::THB),
    ("₱", Currency::PHP),
    ("₦", Currency::NGN),
    ("₸", Currency::KZT),
    ("₲", Currency::PYG),
    ("₡", Currency::CRC),
    ("₾", Currency::GEL),
    ("円", Currency::JPY),
    ("元", Currency::CNY),
    ("원", Currency::KRW),
    ("zł", Currency::PLN),
    ("Kč", Currency::CZK),
    ("Ft", Currency::HUF),
    ("lei", Currency::RON),
    ("руб.", Currency::RUB),
    ("Fr.", Currency::CHF),
    ("Rp", Currency::IDR),
    ("RM", Currency::MYR),
    ("US$", Currency::USD),
    ("C$", Currency::CAD),
    ("CA$", Currency::CAD),
    ("A$", Currency::AUD),
    ("AU$", Currency::AUD),
    ("R$", Currency::BRL),
    ("HK$", Currency::HKD),
    ("NT$", Currency::TWD),
    ("NZ$", Currency::NZD),
];

/// Returns the currency of an ISO 4217 code, if it is in use.
pub fn from_code(code: &str) -> Option<Currency> {
    let currency = Currency::from_code(&code.trim().to_ascii_uppercase())?;
    let is_in_use = currency.flags().is_empty() || currency == IN_USE;
    (is_in_use && currency.exponent().is_some()).then_some(currency)
}

/// Returns the currency of a code or a sign. A sign that several currencies share means `default` if that is one
/// of them.
pub fn find(name: &str, default: Currency) -> Option<Currency> {
    let name = name.trim();
    let shared = SHARED.iter().find(|(signs, ..)| signs.contains(&name));
    if let Some((_, currencies, common)) = shared {
        return if currencies.contains(&default) {
            Some(default)
        } else {
            *common
        };
    }
    let sign = SIGNS.iter().find(|(sign, _)| *sign == name);
    sign.map(|(_, currency)| *currency).or_else(|| from_code(name))
}

/// Returns the currency that the name of a column has, as in `Price (EUR)` or `price, gross, in €`.
pub fn in_column_name(name: &str) -> Option<Currency> {
    let words = name.split(|character: char| !character.is_alphabetic());
    let code = words
        .filter(|word| word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_uppercase()))
        .find_map(from_code);
    let sign = || {
        let mut signs = SIGNS.iter().filter(|(sign, _)| sign.chars().count() == 1);
        signs
            .find(|(sign, _)| name.contains(sign))
            .map(|(_, currency)| *currency)
    };
    code.or_else(sign)
}

/// Returns the number of decimals of a currency.
pub fn decimals(currency: Currency) -> usize {
    usize::from(currency.exponent().unwrap_or(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_sign_means_the_default_currency_if_possible() {
        assert_eq!(find("$", Currency::CAD), Some(Currency::CAD));
        assert_eq!(find("$", Currency::EUR), Some(Currency::USD));
        assert_eq!(find("¥", Currency::CNY), Some(Currency::CNY));
        assert_eq!(find("kr", Currency::SEK), Some(Currency::SEK));
        assert_eq!(find("kr", Currency::EUR), None);
    }

    #[test]
    fn unknown_codes_and_codes_of_no_money_are_rejected() {
        for code in ["ZZZ", "BTC", "XXX", "XTS", "XAU", "", "EURO", "HRK2"] {
            assert_eq!(from_code(code), None, "{code}");
        }
        for code in ["EUR", "eur", "JPY", "KWD", "VES"] {
            assert!(from_code(code).is_some(), "{code}");
        }
    }

    #[test]
    fn finds_the_currency_in_the_name_of_a_column() {
        for (name, expected) in [
            ("price", None),
            ("Price (EUR)", Some(Currency::EUR)),
            ("price, gross, in EUR, or so", Some(Currency::EUR)),
            ("price_usd", None),
            ("price_USD", Some(Currency::USD)),
            ("Price €", Some(Currency::EUR)),
            ("Price ABC", None),
        ] {
            assert_eq!(in_column_name(name), expected, "{name}");
        }
    }
}
