//! Checks of the texts that clients send. Lengths are counted in characters (Unicode scalar values).

use crate::types::Error;

/// Trims white space from both ends. Returns nothing for a text that is absent or blank.
#[must_use]
pub fn trimmed(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// Trims a text that must not be blank.
///
/// # Errors
/// [`Error::Invalid`] if the text is blank.
pub fn required<'a>(field: &str, text: &'a str) -> Result<&'a str, Error> {
    trimmed(Some(text)).ok_or_else(|| Error::invalid(field, format!("`{field}` must not be blank.")))
}

/// Checks a text of one line, which has no control characters.
///
/// # Errors
/// [`Error::Invalid`] if the text is longer than `max` or contains a control character.
pub fn line<'a>(field: &str, max: usize, text: &'a str) -> Result<&'a str, Error> {
    if text.chars().any(char::is_control) {
        return Err(Error::invalid(
            field,
            format!("`{field}` must not contain control characters."),
        ));
    }
    at_most(field, max, text)
}

/// Checks a text that may have several lines. Tabs and line breaks are its only control characters.
///
/// # Errors
/// [`Error::Invalid`] if the text is longer than `max` or contains another control character.
pub fn lines<'a>(field: &str, max: usize, text: &'a str) -> Result<&'a str, Error> {
    if text
        .chars()
        .any(|char| char.is_control() && !"\t\r\n".contains(char))
    {
        return Err(Error::invalid(
            field,
            format!("`{field}` must not contain control characters other than tabs and line breaks."),
        ));
    }
    at_most(field, max, text)
}

fn at_most<'a>(field: &str, max: usize, text: &'a str) -> Result<&'a str, Error> {
    if text.chars().count() > max {
        return Err(Error::invalid(
            field,
            format!("`{field}` must be at most {max} characters."),
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_characters_and_not_bytes() {
        assert_eq!(line("name", 2, "öö"), Ok("öö"));
        assert!(line("name", 1, "öö").is_err());
    }

    #[test]
    fn allows_line_breaks_only_where_a_text_may_have_lines() {
        assert_eq!(lines("text", 9, "a\r\n\tb"), Ok("a\r\n\tb"));
        assert!(line("text", 9, "a\nb").is_err());
        assert!(lines("text", 9, "a\u{0}b").is_err());
    }

    #[test]
    fn treats_white_space_as_blank() {
        assert_eq!(trimmed(Some(" a ")), Some("a"));
        assert_eq!(trimmed(Some(" \t")), None);
        assert!(required("name", " ").is_err());
    }
}
