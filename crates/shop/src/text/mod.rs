//! Checks and normal forms of the texts that clients send. Lengths are counted in characters (Unicode scalar
//! values).

mod format;

use icu_normalizer::ComposingNormalizerBorrowed;

pub use format::{forbidden_format, has_forbidden_format};

use crate::types::Error;

/// Returns the normal form C of a text (UAX #15). Texts of the same characters become equal, however their
/// accents were typed.
#[must_use]
pub fn nfc(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc()
        .normalize(text)
        .into_owned()
}

/// Returns a form for comparisons: the normal form KC, without the differences of case. So `ﬁ` equals `FI`,
/// and `ß` equals `ss`.
#[must_use]
pub fn fold(text: &str) -> String {
    let normalizer = ComposingNormalizerBorrowed::new_nfkc();
    let composed = normalizer.normalize(text);
    // The lower case of the upper case is Unicode's case folding, except that it also joins `ı` and `i`.
    let upper = composed.chars().flat_map(char::to_uppercase);
    let folded: String = upper.flat_map(char::to_lowercase).collect();
    normalizer.normalize(&folded).into_owned()
}

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

/// Checks a text of one line. It has no control characters, and none that change the direction of the text
/// around it. Marks, joiners and soft hyphens are allowed, since names in many languages and emoji need them.
///
/// # Errors
/// [`Error::Invalid`] if the text is longer than `max`, or contains such a character.
pub fn line<'a>(field: &str, max: usize, text: &'a str) -> Result<&'a str, Error> {
    let is_break = |char| matches!(char, '\u{2028}' | '\u{2029}');
    if text.chars().any(|char| char.is_control() || is_break(char)) {
        return Err(Error::invalid(
            field,
            format!("`{field}` must not contain control characters or line breaks."),
        ));
    }
    if let Some(control) = text.chars().find(|char| format::is_bidi_control(*char)) {
        return Err(Error::invalid(field, format_message(field, control)));
    }
    at_most(field, max, text)
}

/// Returns the message about an invisible character or a bidirectional control in a field.
#[must_use]
pub fn format_message(field: &str, char: char) -> String {
    format!(
        "`{field}` must not contain the invisible character U+{:04X}. Type the text again instead of copying it.",
        u32::from(char)
    )
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
    fn refuses_bidirectional_controls_in_a_line_but_not_emoji() {
        for text in ["👩\u{200D}🚀 shirt", "soft\u{AD}hyphen", "\u{200F}שלום"] {
            assert_eq!(line("name", 99, text), Ok(text));
        }
        for text in ["a\u{202E}b", "a\u{2067}b", "a\u{2028}b"] {
            assert!(line("name", 99, text).is_err(), "{text:?}");
        }
        let message = format!("{:?}", line("name", 99, "a\u{202E}b"));
        assert!(message.contains("U+202E"), "{message}");
    }

    #[test]
    fn folds_what_people_take_for_the_same() {
        for (one, other) in [
            ("jose\u{301}", "JOSÉ"),
            ("Straße", "STRASSE"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("ﬁx", "FIX"),
            ("Ａｄａ", "ada"),
        ] {
            assert_eq!(fold(one), fold(other));
            assert_eq!(fold(&fold(one)), fold(one), "folding is final");
        }
        assert_ne!(fold("jose"), fold("josé"));
        assert_eq!(nfc("jose\u{301}"), "josé");
    }

    #[test]
    fn treats_white_space_as_blank() {
        assert_eq!(trimmed(Some(" a ")), Some("a"));
        assert_eq!(trimmed(Some(" \t")), None);
        assert!(required("name", " ").is_err());
    }
}
