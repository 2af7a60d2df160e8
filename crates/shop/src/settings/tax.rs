//! `TAX_RATES`: the tax that is added to prices, in percent by region, such as `US-CA=7.25,DE=19,*=0`.

use super::config::{Config, value};

/// The entry for all other regions, and for orders without a region.
const OTHER_REGIONS: &str = "*";
/// The decimal digits of a percentage. The last one is a millionth.
const DIGITS: usize = 4;

/// Tax rates by region, in millionths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rates(Vec<(String, u32)>);

impl Rates {
    /// Returns the rate of a region, of its country, or of all other regions, whichever is set first. It is
    /// in millionths.
    #[must_use]
    pub fn of(&self, region: Option<&str>) -> u32 {
        let country = region.and_then(|region| region.split('-').next());
        let rate = [region, country, Some(OTHER_REGIONS)]
            .into_iter()
            .flatten()
            .find_map(|name| self.0.iter().find(|(region, _)| region == name));
        rate.map_or(0, |(_, rate)| *rate)
    }
}

/// Reads the rates.
///
/// # Errors
/// The allowed values.
pub fn read(config: Config<'_>) -> Result<Rates, String> {
    let text = value(config, "TAX_RATES").unwrap_or_default();
    parse(&text).map(Rates).ok_or_else(|| {
        "TAX_RATES must be a list such as US-CA=7.25,DE=19,*=0: ISO 3166 codes with percentages from 0 to 100, which have at most 4 decimals"
            .into()
    })
}

/// Returns whether a text has the form of an ISO 3166 code: a country, or a subdivision of one.
#[must_use]
pub fn is_region(text: &str) -> bool {
    let (country, part) = text
        .split_once('-')
        .map_or((text, None), |(country, part)| (country, Some(part)));
    country.len() == 2
        && country.bytes().all(|byte| byte.is_ascii_uppercase())
        && part.is_none_or(|part| {
            (1..=3).contains(&part.len())
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        })
}

fn parse(text: &str) -> Option<Vec<(String, u32)>> {
    text.split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(|entry| {
            let (region, percent) = entry.split_once('=')?;
            let region = region.trim();
            (region == OTHER_REGIONS || is_region(region)).then_some(())?;
            Some((region.to_owned(), percentage(percent.trim())?))
        })
        .collect()
}

/// Parses a percentage from 0 to 100 as exact millionths.
fn percentage(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > DIGITS || !digits(whole) || !digits(fraction) {
        return None;
    }
    let millionths: u32 = format!("{whole}{fraction:0<DIGITS$}").parse().ok()?;
    (millionths <= 1_000_000).then_some(millionths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_rates_exactly() {
        let rates = Rates(parse("US-CA=7.25, DE=19,*=0.0001,").unwrap());
        for (region, rate) in [
            (Some("US-CA"), 72_500),
            (Some("DE-BY"), 190_000),
            (Some("US-NY"), 1),
            (None, 1),
        ] {
            assert_eq!(rates.of(region), rate, "{region:?}");
        }
        assert_eq!(Rates(parse("").unwrap()).of(None), 0);
        for invalid in [
            "DE",
            "DE=",
            "DE=x",
            "DE=-1",
            "DE=100.0001",
            "DE=1.00001",
            "de=19",
            "Germany=19",
            "DE=1e1",
            "=1",
            "DE=99999999999",
        ] {
            assert_eq!(parse(invalid), None, "{invalid}");
        }
    }
}
