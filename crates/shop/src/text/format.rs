//! Characters that nobody sees: bidirectional controls and invisible characters. They make two texts look
//! alike, or a text look like another one.

/// Returns whether a text has a bidirectional control or an invisible character.
///
/// Three kinds of invisible characters are allowed where they change what people see:
/// - joiners between characters outside ASCII, as in `👩‍🚀` and in Persian and Indic words;
/// - variation selectors after a character outside ASCII, or after a digit of a keycap;
/// - the tags of a flag, as in `🏴󠁧󠁢󠁷󠁬󠁳󠁿`.
#[must_use]
pub fn has_forbidden_format(text: &str) -> bool {
    forbidden_format(text).is_some()
}

/// Returns the first character that [`has_forbidden_format`] finds.
#[must_use]
pub fn forbidden_format(text: &str) -> Option<char> {
    let mut before = None;
    let mut rest = text.chars();
    while let Some(char) = rest.next() {
        let is_allowed = match char {
            '\u{200C}' | '\u{200D}' => {
                is_visible_beyond_ascii(before) && is_visible_beyond_ascii(rest.clone().next())
            }
            '\u{FE00}'..='\u{FE0F}' => {
                is_visible_beyond_ascii(before) || before.is_some_and(|char| "0123456789#*".contains(char))
            }
            '\u{E0020}'..='\u{E007F}' => {
                matches!(before, Some('\u{1F3F4}' | '\u{E0020}'..='\u{E007E}'))
            }
            char => !is_bidi_control(char) && !is_invisible(char),
        };
        if !is_allowed {
            return Some(char);
        }
        before = Some(char);
    }
    None
}

/// Returns whether a character changes the direction of the text after it: embeddings, overrides and
/// isolates, which UAX #9 defines. Their effect lasts beyond the text, if it does not end them.
#[must_use]
pub fn is_bidi_control(char: char) -> bool {
    matches!(char, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Returns whether a character has no width or no shape: the default ignorable characters of Unicode, marks
/// of direction, and separators of lines. Joiners, variation selectors and tags are not among them.
const fn is_invisible(char: char) -> bool {
    matches!(
        char,
        '\u{AD}'
            | '\u{34F}'
            | '\u{61C}'
            | '\u{115F}'..='\u{1160}'
            | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'
            | '\u{200E}'..='\u{200F}'
            | '\u{2028}'..='\u{2029}'
            | '\u{2060}'..='\u{2065}'
            | '\u{206A}'..='\u{206F}'
            | '\u{3164}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}'
            | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E001F}'
            | '\u{E0080}'..='\u{E0FFF}'
    )
}

/// Returns whether this is a character outside ASCII that people see. A variation selector counts, since an
/// emoji is often followed by one.
fn is_visible_beyond_ascii(char: Option<char>) -> bool {
    char.is_some_and(|char| {
        !char.is_ascii()
            && !char.is_whitespace()
            && !is_bidi_control(char)
            && !is_invisible(char)
            && !matches!(char, '\u{200C}' | '\u{200D}')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allows_invisible_characters_that_change_what_people_see() {
        for text in [
            "Ada",
            "👩\u{200D}🚀",
            "👁\u{FE0F}\u{200D}🗨\u{FE0F}",
            "1\u{FE0F}\u{20E3}",
            "می\u{200C}خواهم",
            "क्\u{200D}ष",
            "🏴\u{E0067}\u{E0062}\u{E0077}\u{E006C}\u{E0073}\u{E007F}",
        ] {
            assert_eq!(forbidden_format(text), None, "{text:?}");
        }
    }

    #[test]
    fn finds_invisible_and_bidirectional_controls() {
        for (text, found) in [
            ("bo\u{200B}ss", '\u{200B}'),
            ("a\u{202E}b", '\u{202E}'),
            ("\u{2066}a\u{2069}", '\u{2066}'),
            ("a\u{200D}b", '\u{200D}'),
            ("é\u{200D}", '\u{200D}'),
            ("a\u{FE0F}", '\u{FE0F}'),
            ("a\u{E0061}", '\u{E0061}'),
            ("\u{FEFF}a", '\u{FEFF}'),
            ("a\u{AD}b", '\u{AD}'),
            ("\u{3164}", '\u{3164}'),
            ("a\u{2028}b", '\u{2028}'),
            ("a\u{200F}", '\u{200F}'),
        ] {
            assert_eq!(forbidden_format(text), Some(found), "{text:?}");
        }
    }
}
