//! `TAX_RATES`: tax on top of prices, in percent by region: `US-CA=7.25,DE=19,*=0`.

use super::{Config, given};

/// The region that stands for all others, and for orders to none.
const ELSEWHERE: &str = "*";
/// Digits behind the point that a millionth leaves to a percentage.
const DIGITS: usize = 4;

/// The rates of regions, in millionths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rates(Vec<(String, u32)>);

impl Rates {
    /// The rate of a region, in millionths: its own, or else its country's, or else that of everywhere else.
    #[must_use]
    pub fn of(&self, region: Option<&str>) -> u32 {
        let country = region.and_then(|region| region.split('-').next());
        let known = [region, country, Some(ELSEWHERE)]
            .into_iter()
            .flatten()
            .find_map(|wanted| self.0.iter().find(|(region, _)| region == wanted));
        known.map_or(0, |(_, rate)| *rate)
    }
}

/// The rates; none where nothing is set.
///
/// # Errors
/// How they are to be written.
pub fn read(config: Config<'_>) -> Result<Rates, String> {
    let text = given(config, "TAX_RATES").unwrap_or_default();
    parse(&text).map(Rates).ok_or_else(|| {
        "TAX_RATES must be a list such as US-CA=7.25,DE=19,*=0: ISO 3166 codes in capitals with percentages from 0 to 100, of four digits behind the point at the most"
            .into()
    })
}

/// Whether a text is a region as ISO 3166 writes it: a country, or one of its subdivisions.
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
            (region == ELSEWHERE || is_region(region)).then_some(())?;
            Some((region.to_owned(), percentage(percent.trim())?))
        })
        .collect()
}

/// A percentage from 0 to 100, of which no digit is lost.
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
    fn rates_are_read_to_the_last_digit() {
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
        for wrong in [
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
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
