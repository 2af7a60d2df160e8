//! The small parts that statements are made of. Names come from a checked manifest, and are quoted all the same; what comes from
//! callers is always bound.

/// An identifier in quotes.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The column of a declared field, quoted; the sign keeps it apart from the other columns.
pub fn column(field: &str) -> String {
    quoted(&format!("${field}"))
}

/// The value of a declared field where it is text or an integer, and NULL where it is anything else, so that `true`
/// is not found as 1.
pub fn value(field: &str) -> String {
    format!(
        "CASE WHEN json_type(body, '$.{field}') IN ('text', 'integer') THEN json_extract(body, '$.{field}') END"
    )
}

/// The value of a declared field where it is text.
pub fn text(field: &str) -> String {
    format!("(CASE json_type(body, '$.{field}') WHEN 'text' THEN json_extract(body, '$.{field}') END)")
}

/// The most words that one search looks for; those after them are left out, which can only find more.
const MAX_SEARCH_WORDS: usize = 32;

/// What a person typed, as an FTS5 query that can't be malformed: every word is quoted, so that nothing in it is an
/// operator, all words must occur, and the last one may be the beginning of a word. `None` where there is no word.
pub fn search_query(typed: &str) -> Option<String> {
    let words = typed
        .split(|char: char| char.is_whitespace() || char.is_control())
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .take(MAX_SEARCH_WORDS)
        .map(quoted)
        .collect::<Vec<_>>();
    (!words.is_empty()).then(|| format!("{}*", words.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_of_a_search_is_a_prefix() {
        assert_eq!(
            search_query("red  wool sock").unwrap(),
            "\"red\" \"wool\" \"sock\"*"
        );
    }

    #[test]
    fn operators_and_quotes_in_a_search_are_words_like_others() {
        assert_eq!(
            search_query("a\"b OR c* (d)").unwrap(),
            "\"a\"\"b\" \"OR\" \"c*\" \"(d)\"*"
        );
        assert_eq!(search_query("x\0y").unwrap(), "\"x\" \"y\"*");
    }

    #[test]
    fn a_search_without_a_word_is_no_search() {
        for typed in ["", "  ", "😀", "\"", "-- *", "\0"] {
            assert_eq!(search_query(typed), None, "{typed}");
        }
    }

    #[test]
    fn a_search_of_very_many_words_is_bounded() {
        assert_eq!(
            search_query(&"a ".repeat(1_000)).unwrap().matches('a').count(),
            MAX_SEARCH_WORDS
        );
    }
}
