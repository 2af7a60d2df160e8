//! Regions: countries by ISO 3166-1, and their subdivisions by the form of ISO 3166-2.

use std::str::FromStr;

use iso_currency::Country;

/// Codes that are often used for a country, and its code in ISO 3166. `EL` and `XI` are prefixes of VAT
/// numbers.
const HINTS: [(&str, &str); 3] = [("EL", "GR"), ("UK", "GB"), ("XI", "GB-NIR")];

/// The longest part after the country, in characters.
const MAX_SUBDIVISION: usize = 3;

/// Parses a region: a country such as DE, or a subdivision such as US-CA. Returns it in upper case.
///
/// # Errors
/// What the region must be, as the end of a sentence.
pub fn parse(text: &str) -> Result<String, String> {
    let region = text.trim().to_ascii_uppercase();
    let (country, subdivision) = match region.split_once('-') {
        Some((country, subdivision)) => (country, Some(subdivision)),
        None => (region.as_str(), None),
    };
    let has_form = country.len() == 2 && subdivision.is_none_or(is_subdivision);
    if has_form && Country::from_str(country).is_ok() {
        return Ok(region);
    }
    let hint = HINTS
        .iter()
        .find(|(wrong, _)| has_form && *wrong == country)
        .map_or_else(String::new, |(wrong, code)| {
            format!(". The code for {wrong} is {code}")
        });
    Err(format!(
        "must be an ISO 3166 code: a country such as DE, or a subdivision such as US-CA{hint}"
    ))
}

fn is_subdivision(text: &str) -> bool {
    (1..=MAX_SUBDIVISION).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_the_countries_of_iso_3166_and_their_subdivisions() {
        for region in [
            "DE", "GB", "GR", "US-CA", "FR-75", "GB-NIR", "BQ", "SS", "AX", "CW", "ZA-WC",
        ] {
            assert_eq!(parse(region).as_deref(), Ok(region));
        }
        assert_eq!(parse(" us-ca ").as_deref(), Ok("US-CA"));
    }

    #[test]
    fn rejects_other_codes_and_names_the_right_one() {
        for (wrong, hint) in [
            ("UK", "The code for UK is GB"),
            ("uk-eng", "The code for UK is GB"),
            ("EL", "The code for EL is GR"),
            ("XI", "The code for XI is GB-NIR"),
        ] {
            assert!(
                parse(wrong).is_err_and(|reason| reason.ends_with(hint)),
                "{wrong}"
            );
        }
        for wrong in [
            "", "D", "DEU", "DE-", "DE-ABCD", "DE-A-B", "Ü1", "*", "ZZ", "XX", "EU", "AN", "YU", "SU",
            "ZZ-CA", "Bavaria", "UK-",
        ] {
            assert!(
                parse(wrong).is_err_and(|reason| reason.ends_with("such as US-CA")),
                "{wrong}"
            );
        }
    }
}
