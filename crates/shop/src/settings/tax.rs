//! `TAX_RATES`: the tax that is added to prices, in percent by region, such as `US-CA=7.25,DE=19,*=0`.

use super::config::{Config, value};
use crate::region;

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
    parse(&value(config, "TAX_RATES").unwrap_or_default()).map(Rates)
}

fn parse(text: &str) -> Result<Vec<(String, u32)>, String> {
    let form = || {
        "TAX_RATES must be a list such as US-CA=7.25,DE=19,*=0: ISO 3166 codes with percentages from 0 to 100, which have at most 4 decimals"
            .to_owned()
    };
    text.split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(|entry| {
            let (name, percent) = entry.split_once('=').ok_or_else(form)?;
            let name = match name.trim() {
                OTHER_REGIONS => OTHER_REGIONS.to_owned(),
                name => region::parse(name).map_err(|reason| format!("Each region of TAX_RATES {reason}"))?,
            };
            Ok((name, percentage(percent.trim()).ok_or_else(form)?))
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
        assert_eq!(parse("de=19"), Ok(vec![("DE".into(), 190_000)]));
        assert!(parse("UK=20").is_err_and(|reason| reason.ends_with("The code for UK is GB")));
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
            "UK=20",
            "EL=24",
            "ZZ=1",
            "Germany=19",
            "DE=1e1",
            "=1",
            "DE=99999999999",
        ] {
            assert!(parse(invalid).is_err(), "{invalid}");
        }
    }
}
