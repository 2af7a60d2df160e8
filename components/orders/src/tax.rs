//! The tax of a region.

use mercato_common::ports::Ports;
use mercato_common::types::Error;

use crate::amounts::Rate;

/// The name in the configuration: `US-CA=7.25,DE=19,*=0`, in percent.
const NAME: &str = "TAX_RATES";
/// The region that stands for all others, and for orders to none.
const ELSEWHERE: &str = "*";
/// Digits behind the point that a millionth leaves to a percentage.
const DIGITS: usize = 4;

/// A region as ISO 3166 writes it: a country, or one of its subdivisions.
pub fn region(text: &str) -> Result<String, Error> {
    let region = text.trim().to_ascii_uppercase();
    if is_region(&region) {
        Ok(region)
    } else {
        Err(Error::invalid(
            "region",
            "A region is an ISO 3166 code: a country, such as DE, or a part of one, such as US-CA.",
        ))
    }
}

/// The rate for an order to a region: its own, or else its country's, or else that of everywhere else.
pub fn rate(ports: &impl Ports, region: Option<&str>) -> Result<Rate, Error> {
    let Some(text) = ports.config(NAME) else {
        return Ok(Rate(0));
    };
    let rates = parse(&text)
        .ok_or_else(|| Error::Internal(format!("{NAME} is no list such as US-CA=7.25,DE=19,*=0")))?;
    let country = region.and_then(|region| region.split('-').next());
    let known = [region, country, Some(ELSEWHERE)]
        .into_iter()
        .flatten()
        .find_map(|wanted| rates.iter().find(|(region, _)| *region == wanted));
    Ok(known.map_or(Rate(0), |(_, rate)| *rate))
}

fn parse(text: &str) -> Option<Vec<(&str, Rate)>> {
    text.split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(|entry| {
            let (region, percent) = entry.split_once('=')?;
            let region = region.trim();
            (region == ELSEWHERE || is_region(region)).then_some(())?;
            Some((region, percentage(percent.trim())?))
        })
        .collect()
}

/// A percentage from 0 to 100, of which no digit is lost.
fn percentage(text: &str) -> Option<Rate> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > DIGITS || !digits(whole) || !digits(fraction) {
        return None;
    }
    let millionths: u32 = format!("{whole}{fraction:0<DIGITS$}").parse().ok()?;
    (millionths <= 1_000_000).then_some(Rate(millionths))
}

fn is_region(text: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_to_the_last_digit() {
        assert_eq!(
            parse("US-CA=7.25, DE=19,*=0.0001,"),
            Some(vec![
                ("US-CA", Rate(72_500)),
                ("DE", Rate(190_000)),
                ("*", Rate(1))
            ])
        );
        assert_eq!(parse(""), Some(Vec::new()));
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

    #[test]
    fn a_region_is_a_country_or_a_part_of_one() {
        assert_eq!(region(" us-ca ").as_deref(), Ok("US-CA"));
        assert_eq!(region("FR-75").as_deref(), Ok("FR-75"));
        for wrong in ["", "D", "DEU", "DE-", "DE-ABCD", "DE-A-B", "Ü1", "*"] {
            assert!(region(wrong).is_err(), "{wrong}");
        }
    }
}
