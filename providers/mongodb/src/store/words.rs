//! Full-text search: the words of indexed texts and of searches.
//!
//! A word is a sequence of letters and digits, in lower case and without diacritics. The embedded store uses
//! the same rule.

use std::collections::BTreeSet;

use mongodb::bson::{Bson, Document, doc};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The maximum number of words in one search. Further words are ignored, which can only find more documents.
const MAX_SEARCH_WORDS: usize = 32;

/// Splits a text into words, in order.
fn words(text: &str) -> Vec<String> {
    let plain = text
        .nfd()
        .flat_map(char::to_lowercase)
        .nfd()
        .filter(|&char| !is_combining_mark(char))
        .collect::<String>();
    plain
        .split(|char: char| !char.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Returns the distinct words of the searched texts of a document.
pub(crate) fn indexed<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<Bson> {
    let words = texts.into_iter().flat_map(words).collect::<BTreeSet<_>>();
    words.into_iter().map(Bson::String).collect()
}

/// Returns the conditions of a search in the array `field`: it must contain all words, and the last one may
/// be a prefix. A text without a word has no conditions.
pub(crate) fn conditions(field: &str, typed: &str) -> Vec<Document> {
    let mut words = words(typed);
    words.truncate(MAX_SEARCH_WORDS);
    let Some(last) = words.pop() else {
        return Vec::new();
    };
    let words = words.into_iter().collect::<BTreeSet<_>>();
    let mut conditions = words
        .into_iter()
        .map(|word| doc! { field: word })
        .collect::<Vec<_>>();
    // No word contains the last code point, so this range holds exactly the words that begin with the prefix.
    let end = format!("{last}\u{10FFFF}");
    conditions.push(doc! { field: { "$elemMatch": { "$gte": last, "$lt": end } } });
    conditions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_in_lower_case_and_without_diacritics() {
        assert_eq!(
            words("Ärmel, STRASSE\u{2014}a\u{301}bc İx"),
            ["armel", "strasse", "abc", "ix"]
        );
        assert_eq!(words("it's 42%"), ["it", "s", "42"]);
    }

    #[test]
    fn a_text_without_letters_and_digits_has_no_word() {
        for text in ["", "  ", "😀", "\"", "-- *", "\0", "\u{200d}", "\u{301}"] {
            assert_eq!(words(text), [""; 0], "{text:?}");
            assert_eq!(conditions("t", text), []);
        }
    }

    #[test]
    fn the_last_word_of_a_search_is_a_prefix() {
        let prefix = doc! { "t": { "$elemMatch": { "$gte": "so", "$lt": "so\u{10FFFF}" } } };
        assert_eq!(
            conditions("t", "wool RED wool so"),
            [doc! { "t": "red" }, doc! { "t": "wool" }, prefix]
        );
    }

    #[test]
    fn bounds_the_words_of_a_search() {
        let typed = (0..1_000).map(|n| format!("{n} ")).collect::<String>();
        assert_eq!(conditions("t", &typed).len(), MAX_SEARCH_WORDS);
    }

    #[test]
    fn indexes_each_word_once() {
        assert_eq!(
            indexed(["red red", "Red wool"]),
            [Bson::from("red"), Bson::from("wool")]
        );
    }
}
