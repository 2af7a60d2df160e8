//! Fragments of SQL. Names come from a checked manifest and are quoted nevertheless. Values from callers are
//! always bound as parameters, never part of a fragment.

/// Quotes an identifier.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Returns the quoted column of a declared field. The `$` distinguishes it from the other columns.
pub fn column(field: &str) -> String {
    quoted(&format!("${field}"))
}

/// Returns the expression for the value of a declared field: its text or integer, or NULL for any other type.
/// Without this rule a search for 1 would find `true`.
pub fn value(field: &str) -> String {
    format!(
        "CASE WHEN json_type(body, '$.{field}') IN ('text', 'integer') \
         THEN json_extract(body, '$.{field}') END"
    )
}

/// Returns the expression for the text of a declared field, or NULL for any other type.
pub fn text(field: &str) -> String {
    format!("(CASE json_type(body, '$.{field}') WHEN 'text' THEN json_extract(body, '$.{field}') END)")
}

/// The maximum number of words in one search. Further words are ignored, which can only find more documents.
const MAX_SEARCH_WORDS: usize = 32;

/// Translates typed text into an FTS5 query, or `None` if the text has no word.
///
/// Every word is quoted, so no word is an operator and the query is never malformed. A document must contain
/// all words. The last word may be a prefix.
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
    fn quotes_operators_and_quotation_marks_as_words() {
        assert_eq!(
            search_query("a\"b OR c* (d)").unwrap(),
            "\"a\"\"b\" \"OR\" \"c*\" \"(d)\"*"
        );
        assert_eq!(search_query("x\0y").unwrap(), "\"x\" \"y\"*");
    }

    #[test]
    fn returns_no_query_for_text_without_a_word() {
        for typed in ["", "  ", "😀", "\"", "-- *", "\0"] {
            assert_eq!(search_query(typed), None, "{typed}");
        }
    }

    #[test]
    fn bounds_the_words_of_a_search() {
        assert_eq!(
            search_query(&"a ".repeat(1_000)).unwrap().matches('a').count(),
            MAX_SEARCH_WORDS
        );
    }
}
