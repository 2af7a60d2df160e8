//! The codes of currencies.

use iso_currency::Currency;

/// Currencies that ISO 4217 lists, although the library marks them as replaced.
const IN_USE: [Currency; 1] = [Currency::VES];

/// Parses the code of a currency in use. Rejects funds, metals, codes for tests and currencies that were
/// replaced.
///
/// # Errors
/// What the code must be, as the end of a sentence.
pub fn parse(code: &str) -> Result<Currency, String> {
    let is_in_use = |currency: &Currency| currency.flags().is_empty() || IN_USE.contains(currency);
    let known = Currency::from_code(code);
    if let Some(currency) = known.filter(|currency| is_in_use(currency) && currency.code() == code) {
        return Ok(currency);
    }
    let hint = match known {
        Some(currency) => match currency.is_superseded() {
            Some(next) => format!(". {} was replaced by {}", currency.code(), next.code()),
            None => format!(". {} is no currency to pay with", currency.code()),
        },
        None => Currency::from_code(&code.trim().to_ascii_uppercase())
            .filter(is_in_use)
            .map_or_else(String::new, |currency| format!(". Write {}", currency.code())),
    };
    Err(format!(
        "must be the ISO 4217 code of a currency in use, in upper case, such as USD{hint}"
    ))
}
