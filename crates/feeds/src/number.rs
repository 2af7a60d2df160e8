//! Reads numbers with a decimal point or a decimal comma.
//!
//! `1.234` is a thousand in one feed and one in another. So the form of the whole feed decides, and a number that
//! stays ambiguous is an error.

use std::fmt;

use clap::ValueEnum;

/// The character before the decimals. The other one groups thousands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mark {
    /// As in 1,234.56.
    #[value(alias = ".")]
    Point,
    /// As in 1.234,56.
    #[value(alias = ",")]
    Comma,
}

impl Mark {
    /// Returns the other mark.
    pub fn other(self) -> Self {
        match self {
            Self::Point => Self::Comma,
            Self::Comma => Self::Point,
        }
    }

    fn of(character: char) -> Option<Self> {
        match character {
            '.' => Some(Self::Point),
            ',' => Some(Self::Comma),
            _ => None,
        }
    }

    fn character(self) -> char {
        match self {
            Self::Point => '.',
            Self::Comma => ',',
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Point => "point",
            Self::Comma => "comma",
        })
    }
}

/// Why a text is not a number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// The text has no number, or other characters than a number.
    #[error("`{0}` is not a number")]
    Malformed(String),
    /// A formula of a spreadsheet.
    #[error("`{0}` is a formula: export the values of the sheet")]
    Formula(String),
    /// An error value of a spreadsheet.
    #[error("`{0}` is an error of a spreadsheet: correct the cell")]
    ErrorValue(String),
    /// A spreadsheet has shortened the number.
    #[error("`{0}` is in scientific notation, which loses digits: format the column as a number")]
    Scientific(String),
    /// The number is negative.
    #[error("`{0}` is negative")]
    Negative(String),
    /// The mark before three digits may be of thousands or of decimals.
    #[error("`{0}` is ambiguous: it may have thousands or decimals. Set --decimal point or --decimal comma")]
    Ambiguous(String),
    /// The number does not fit the form of the feed.
    #[error("`{0}` does not fit the decimal {1} of the feed: correct it, or set --decimal")]
    OtherForm(String, Mark),
}

/// A number of digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    /// The digits before the mark. They may be missing.
    pub whole: String,
    /// The digits after the mark.
    pub decimals: String,
}

/// A number, before the form of the feed is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numeral {
    /// The text that errors quote.
    text: String,
    reading: Reading,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reading {
    /// The number has no mark, or it has only spaces or apostrophes.
    Whole(String),
    /// The last mark can only be a decimal mark.
    Decimal(Mark, Decimal),
    /// The marks can only group thousands.
    Grouped(Mark, String),
    /// One mark, after one to three digits and before three.
    Ambiguous(Mark, Decimal),
}

impl Numeral {
    /// Reads digits with marks, spaces and apostrophes.
    ///
    /// # Errors
    /// If this is not a number in any form.
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        let reading = read(text).ok_or_else(|| NumberError::Malformed(shorten(text)))?;
        Ok(Self {
            text: shorten(text),
            reading,
        })
    }

    /// Makes errors quote a longer text, such as a price with its currency.
    pub fn quoted_as(self, text: &str) -> Self {
        Self {
            text: shorten(text),
            ..self
        }
    }

    /// Returns the decimal mark that the number proves, by its decimals or by its groups of thousands.
    pub fn mark(&self) -> Option<Mark> {
        match &self.reading {
            Reading::Decimal(mark, _) => Some(*mark),
            Reading::Grouped(mark, _) => Some(mark.other()),
            Reading::Whole(_) | Reading::Ambiguous(..) => None,
        }
    }

    /// Returns the mark of an ambiguous number.
    pub fn ambiguous_mark(&self) -> Option<Mark> {
        match &self.reading {
            Reading::Ambiguous(mark, _) => Some(*mark),
            _ => None,
        }
    }

    /// Returns the value, by the decimal mark of the feed.
    ///
    /// # Errors
    /// If the number is ambiguous, or if it does not fit the form.
    pub fn value(&self, form: Option<Mark>) -> Result<Decimal, NumberError> {
        let other = |form| Err(NumberError::OtherForm(self.text.clone(), form));
        match (&self.reading, form) {
            (Reading::Decimal(mark, _), Some(form)) if form != *mark => other(form),
            (Reading::Grouped(mark, _), Some(form)) if form == *mark => other(form),
            (Reading::Ambiguous(..), None) => Err(NumberError::Ambiguous(self.text.clone())),
            (Reading::Ambiguous(mark, value), Some(form)) if form == *mark => Ok(value.clone()),
            (Reading::Decimal(_, value), _) => Ok(value.clone()),
            (Reading::Ambiguous(..) | Reading::Whole(_) | Reading::Grouped(..), _) => Ok(self.grouped()),
        }
    }

    /// Returns the value of a number that has no decimals, in any form: marks before three digits group
    /// thousands.
    pub fn without_decimals(&self, form: Option<Mark>) -> Result<Decimal, NumberError> {
        match &self.reading {
            Reading::Ambiguous(..) | Reading::Grouped(..) => Ok(self.grouped()),
            _ => self.value(form),
        }
    }

    /// Returns whether all digits are 0.
    pub fn is_zero(&self) -> bool {
        let (whole, decimals) = match &self.reading {
            Reading::Whole(whole) | Reading::Grouped(_, whole) => (whole.as_str(), ""),
            Reading::Decimal(_, value) | Reading::Ambiguous(_, value) => {
                (value.whole.as_str(), value.decimals.as_str())
            }
        };
        whole.bytes().chain(decimals.bytes()).all(|digit| digit == b'0')
    }

    fn grouped(&self) -> Decimal {
        let whole = match &self.reading {
            Reading::Whole(whole) | Reading::Grouped(_, whole) => whole.clone(),
            Reading::Decimal(_, value) | Reading::Ambiguous(_, value) => {
                format!("{}{}", value.whole, value.decimals)
            }
        };
        Decimal {
            whole,
            decimals: String::new(),
        }
    }
}

fn read(text: &str) -> Option<Reading> {
    // Spaces and apostrophes only group thousands.
    let text: String = text
        .trim()
        .chars()
        .map(|character| if is_space(character) { '\'' } else { character })
        .collect();
    let marks: Vec<Mark> = text.chars().filter_map(Mark::of).collect();
    let decimal = |mark: Mark| {
        let (whole, decimals) = text.rsplit_once(mark.character())?;
        let whole = if whole.is_empty() {
            String::new()
        } else {
            ungroup(whole)?
        };
        let decimals = Some(decimals.to_owned()).filter(|decimals| is_digits(decimals))?;
        Some(Decimal { whole, decimals })
    };
    match marks.as_slice() {
        [] => ungroup(&text).map(Reading::Whole),
        [mark] => {
            let value = decimal(*mark)?;
            let is_plain = text.chars().all(|character| character != '\'');
            let thousands = value.decimals.len() == 3
                && (1..=3).contains(&value.whole.len())
                && !value.whole.starts_with('0');
            Some(if is_plain && thousands {
                Reading::Ambiguous(*mark, value)
            } else {
                Reading::Decimal(*mark, value)
            })
        }
        [first, .., last] if first == last => ungroup(&text).map(|whole| Reading::Grouped(*first, whole)),
        [.., last] => decimal(*last).map(|value| Reading::Decimal(*last, value)),
    }
}

/// Joins the groups of a whole number. A group has three digits. In India, every group except the last one has
/// two.
fn ungroup(text: &str) -> Option<String> {
    let mut kinds = text.chars().filter(|character| !character.is_ascii_digit());
    let kind = kinds.next();
    if kinds.any(|other| Some(other) != kind) {
        return None;
    }
    let mut groups = text.split(|character| Some(character) == kind);
    let first = groups.next()?;
    let groups: Vec<&str> = groups.collect();
    let last = groups.len().checked_sub(1);
    let grouped = groups
        .iter()
        .enumerate()
        .all(|(index, group)| group.len() == 3 || (group.len() == 2 && Some(index) != last));
    let first_fits = groups.is_empty() || (1..=3).contains(&first.len());
    let whole = format!("{first}{}", groups.concat());
    (grouped && first_fits && is_digits(&whole)).then_some(whole)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{2019}' | '`' | '´')
}

/// Returns why a cell of a spreadsheet has no number, if it is a formula, an error or in scientific notation.
pub fn spreadsheet_error(text: &str) -> Option<NumberError> {
    if text.starts_with('=') || text.starts_with('@') {
        return Some(NumberError::Formula(shorten(text)));
    }
    if text.starts_with('#') {
        return Some(NumberError::ErrorValue(shorten(text)));
    }
    is_scientific(text).then(|| NumberError::Scientific(shorten(text)))
}

/// Returns whether a text is a formula. A text such as `@home` or `+49 30` is none.
pub fn is_formula(text: &str) -> bool {
    if text.starts_with('=') {
        return true;
    }
    let Some(rest) = text.strip_prefix(['@', '+', '-']) else {
        return false;
    };
    let calls_function = rest.split_once('(').is_some_and(|(name, arguments)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric()) && arguments.contains(')')
    });
    let calls_program = rest.contains('|') && rest.contains('!');
    calls_function || calls_program
}

/// Returns whether a text is an error of a spreadsheet, such as `#N/A`.
pub fn is_error_value(text: &str) -> bool {
    const ERRORS: [&str; 14] = [
        "#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#NV",
        "#BEZUG!", "#WERT!", "#ZAHL!", "#ERROR!",
    ];
    ERRORS.iter().any(|error| error.eq_ignore_ascii_case(text))
}

/// Returns whether a text is a number such as `1,23457E+12`.
pub fn is_scientific(text: &str) -> bool {
    let Some((number, exponent)) = text.split_once(['E', 'e']) else {
        return false;
    };
    let exponent = exponent.trim_start_matches(['+', '-']);
    let number = number.trim_start_matches(['+', '-']).replacen([',', '.'], "", 1);
    is_digits(&number) && is_digits(exponent)
}

/// Parses a number of units, such as a stock. It may have decimals that are 0, as `5,00`.
///
/// # Errors
/// If it is not a whole number from 0 to the largest integer of the API.
pub fn units(text: &str, form: Option<Mark>) -> Result<i32, String> {
    let reason = || {
        let max = i32::MAX;
        format!(
            "`{}` is not a quantity: it must be a whole number from 0 to {max}",
            shorten(text)
        )
    };
    if let Some(error) = spreadsheet_error(text) {
        return Err(error.to_string());
    }
    let number = unquote_number(text);
    let value = match Numeral::parse(number) {
        Ok(numeral) => numeral.value(form).map_err(|error| error.to_string())?,
        Err(_) => return Err(reason()),
    };
    if value.decimals.bytes().any(|digit| digit != b'0') {
        return Err(reason());
    }
    if value.whole.is_empty() {
        return Ok(0);
    }
    value.whole.parse().map_err(|_| reason())
}

/// Removes a plus sign, and the apostrophe with which a spreadsheet marks a text.
pub fn unquote_number(text: &str) -> &str {
    let text = text.trim();
    let text = text.strip_prefix(['\'', '\u{2019}']).unwrap_or(text);
    text.strip_prefix('+').unwrap_or(text).trim_start()
}

/// Shortens a text that is quoted in a message.
pub fn shorten(text: &str) -> String {
    const MAX_CHARS: usize = 40;
    let text = text.trim();
    if text.chars().count() <= MAX_CHARS {
        return text.to_owned();
    }
    text.chars().take(MAX_CHARS).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, form: Option<Mark>) -> Option<(String, String)> {
        let value = Numeral::parse(text).ok()?.value(form).ok()?;
        Some((value.whole, value.decimals))
    }

    #[test]
    fn reads_a_number_by_the_form_of_the_feed() {
        for (text, point, comma) in [
            ("12", Some("12|"), Some("12|")),
            ("12.99", Some("12|99"), None),
            ("12,99", None, Some("12|99")),
            ("1.234", Some("1|234"), Some("1234|")),
            ("1,234", Some("1234|"), Some("1|234")),
            ("1.234,56", None, Some("1234|56")),
            ("1,234.56", Some("1234|56"), None),
            ("1.234.567", None, Some("1234567|")),
            ("1,234,567", Some("1234567|"), None),
            ("1,23,456.50", Some("123456|50"), None),
            ("1 234,56", None, Some("1234|56")),
            ("1\u{a0}234\u{a0}567", Some("1234567|"), Some("1234567|")),
            ("1\u{202f}234,5", None, Some("1234|5")),
            ("1\u{2009}234.567", Some("1234|567"), None),
            ("1'234.50", Some("1234|50"), None),
            ("1’234", Some("1234|"), Some("1234|")),
            ("0.500", Some("0|500"), None),
            ("0,500", None, Some("0|500")),
            ("1234.567", Some("1234|567"), None),
            (".99", Some("|99"), None),
            (",99", None, Some("|99")),
        ] {
            let expected = |text: Option<&str>| {
                let (whole, decimals) = text?.split_once('|')?;
                Some((whole.to_owned(), decimals.to_owned()))
            };
            assert_eq!(
                value(text, Some(Mark::Point)),
                expected(point),
                "{text} with a point"
            );
            assert_eq!(
                value(text, Some(Mark::Comma)),
                expected(comma),
                "{text} with a comma"
            );
        }
    }

    #[test]
    fn without_a_form_only_an_ambiguous_number_is_an_error() {
        for text in ["1.234", "12,500", "999.000"] {
            let error = Numeral::parse(text).unwrap().value(None).unwrap_err();
            assert_eq!(error, NumberError::Ambiguous(text.into()));
        }
        for text in ["12", "12.99", "12,99", "1.234,56", "1,234,567", "0.500", "1 234"] {
            assert!(value(text, None).is_some(), "{text}");
        }
    }

    #[test]
    fn rejects_what_is_no_number_in_any_form() {
        for text in [
            "",
            "12.99.1",
            "1,2,3",
            "12a34",
            "1,29,99",
            "1.299.00,1.2",
            "12 50",
            "1'299,000.5.5",
            "12.",
            "1 23 4",
            "١٢",
        ] {
            assert!(Numeral::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn reads_whole_units_only() {
        let comma = Some(Mark::Comma);
        for (text, form, expected) in [
            ("5,00", comma, 5),
            ("12,000", comma, 12),
            ("1.000", comma, 1000),
            ("2 000", comma, 2000),
            ("1.000", Some(Mark::Point), 1),
            ("5.0", None, 5),
            ("'7", None, 7),
            ("+7", None, 7),
            ("0", None, 0),
            ("2147483647", None, i32::MAX),
        ] {
            assert_eq!(units(text, form), Ok(expected), "{text}");
        }
        for text in [
            "-1",
            "1.5",
            "many",
            "2147483648",
            ".",
            "1.000",
            "=1+1",
            "1E+05",
            "1,5E+02",
            "#REF!",
            "10+",
        ] {
            assert!(units(text, None).is_err(), "{text}");
        }
    }

    #[test]
    fn recognises_scientific_notation() {
        for text in ["1E+05", "1,23457E+12", "1.5e3", "-1E-3"] {
            assert!(is_scientific(text), "{text}");
        }
        for text in ["E12", "12", "1E", "AE+1", "1,2,3E4", "SHOE1"] {
            assert!(!is_scientific(text), "{text}");
        }
    }
}
