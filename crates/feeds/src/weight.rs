//! Weights.

use crate::number::{Mark, NumberError, Numeral, shorten, spreadsheet_error, unquote_number};

/// Units, and how many grams they have.
const UNITS: [(&[&str], f64); 4] = [
    (&["kg", "kgs", "kilogram", "kilograms"], 1000.0),
    (&["g", "gr", "gram", "grams"], 1.0),
    (&["lb", "lbs", "pound", "pounds"], 453.592_37),
    (&["oz", "ounce", "ounces"], 28.349_523_125),
];

/// Returns how many grams a unit has.
pub fn grams_of(unit: &str) -> Option<f64> {
    let unit = unit.trim().trim_end_matches('.').to_lowercase();
    let found = UNITS.iter().find(|(names, _)| names.contains(&unit.as_str()));
    found.map(|(_, grams)| *grams)
}

/// Splits a weight into its number and its unit, such as `1.5 kg`.
pub fn split(text: &str) -> (&str, &str) {
    let end = text
        .rfind(|character: char| character.is_ascii_digit())
        .map_or(0, |at| at + 1);
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// Parses a weight in whole grams. Without a unit in the text, the unit is that of the column.
///
/// # Errors
/// If it is not a weight.
pub fn parse(text: &str, column: f64, form: Option<Mark>) -> Result<u32, String> {
    let malformed = || {
        format!(
            "`{}` is not a weight: write a number with kg, g, lb or oz",
            shorten(text)
        )
    };
    if let Some(error) = spreadsheet_error(text) {
        return Err(error.to_string());
    }
    let (number, unit) = split(unquote_number(text));
    let grams = if unit.trim().is_empty() {
        Some(column)
    } else {
        grams_of(unit)
    };
    let value = Numeral::parse(number)
        .and_then(|numeral| numeral.value(form))
        .map_err(|error| match error {
            NumberError::Malformed(_) => malformed(),
            error => error.to_string(),
        })?;
    let number: f64 = format!("0{}.{}0", value.whole, value.decimals)
        .parse()
        .map_err(|_| malformed())?;
    let grams = (number * grams.ok_or_else(malformed)?).round();
    // Every f64 in this range is a u32.
    if (0.0..=f64::from(i32::MAX)).contains(&grams) {
        Ok(grams as u32)
    } else {
        Err(malformed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_weights_as_whole_grams() {
        for (text, column, grams) in [
            ("250", 1.0, 250),
            ("0.25", 1000.0, 250),
            ("0,25", 1000.0, 250),
            ("1.5 kg", 1.0, 1500),
            ("2 lb", 1.0, 907),
            ("1 oz", 1.0, 28),
            ("300g", 1000.0, 300),
        ] {
            assert_eq!(parse(text, column, None), Ok(grams), "{text}");
        }
        for text in ["heavy", "-1", "1 stone", "1.500", "=1", ""] {
            assert!(parse(text, 1.0, None).is_err(), "{text}");
        }
    }
}
