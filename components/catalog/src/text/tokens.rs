//! The tokens of texts: words, their parts and forms, and pairs of letters where words are not separated.

use std::collections::HashSet;

use super::letters::{fold, is_word};
use super::stem::forms;

/// The longest token, in characters. The rest of a longer word is ignored, in texts and in searches.
const MAX_TOKEN: usize = 64;

/// The most tokens of an index. The rest of a very long text is not searched, so that stores index a bounded
/// number of tokens for each document.
const MAX_TOKENS: usize = 10_000;

/// The tokens of a document, each once, for a field that the store searches.
#[derive(Default)]
pub struct Index {
    tokens: Vec<String>,
    seen: HashSet<String>,
}

impl Index {
    /// Adds the tokens of a text.
    pub fn add(&mut self, text: &str) {
        let folded = fold(text);
        for compound in compounds(&folded) {
            for run in runs(compound) {
                self.add_run(run);
            }
            self.add_joined(compound);
        }
    }

    /// Adds the tokens of an identifier, such as `TEE-S10`: its words, the whole without separators, and its
    /// groups of letters and of digits.
    pub fn add_identifier(&mut self, text: &str) {
        self.add(text);
        let folded = fold(text);
        let whole: String = folded.chars().filter(|char| is_word(*char)).collect();
        self.push(&whole);
        let is_digit = |char: &char| char.is_ascii_digit();
        for word in folded.split(|char| !is_word(char)) {
            let mut rest = word;
            while let Some(first) = rest.chars().next() {
                let is_end = |char: char| is_digit(&char) != is_digit(&first);
                let (part, after) = rest.split_at(rest.find(is_end).unwrap_or(rest.len()));
                self.push(part);
                rest = after;
            }
        }
    }

    /// Returns the tokens that the other index lacks, with spaces between them, or nothing if there are none.
    pub fn into_text(self, other: Option<&Self>) -> Option<String> {
        let is_new = |token: &String| other.is_none_or(|other| !other.seen.contains(token));
        let tokens: Vec<_> = self.tokens.into_iter().filter(is_new).collect();
        (!tokens.is_empty()).then(|| tokens.join(" "))
    }

    fn add_run(&mut self, run: Run<'_>) {
        match run {
            Run::Word(word) => self.push_forms(word),
            Run::Unseparated(text) => {
                for gram in singles(text).chain(pairs(text)) {
                    self.push(gram);
                }
            }
        }
    }

    /// Adds the whole of a compound such as `T-Shirt` or `women's`, so that it is also found as one word.
    fn add_joined(&mut self, compound: &str) {
        if compound.contains(is_joiner) {
            let joined: String = compound.chars().filter(|char| is_word(*char)).collect();
            self.push_forms(&joined);
        }
    }

    fn push_forms(&mut self, word: &str) {
        self.push(word);
        let word = truncated(word);
        for form in forms(word) {
            self.push(&form);
        }
    }

    fn push(&mut self, token: &str) {
        let token = truncated(token);
        let has_room = self.tokens.len() < MAX_TOKENS;
        if has_room && !token.is_empty() && self.seen.insert(token.into()) {
            self.tokens.push(token.into());
        }
    }
}

/// A part of a text that has one kind of script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run<'a> {
    Word(&'a str),
    /// A text of a script that has no spaces between words, such as Chinese, or whose words are made of other
    /// words, such as Korean.
    Unseparated(&'a str),
}

/// Splits a folded text into compounds: words with the hyphens and apostrophes between them.
pub fn compounds(folded: &str) -> impl Iterator<Item = &str> {
    folded
        .split(|char| !is_word(char) && !is_joiner(char))
        .map(|compound| compound.trim_matches(is_joiner))
        .filter(|compound| !compound.is_empty())
}

/// Splits a compound into its runs.
pub fn runs(compound: &str) -> Vec<Run<'_>> {
    let mut runs = Vec::new();
    for word in compound.split(is_joiner) {
        let mut rest = word;
        while let Some(first) = rest.chars().next() {
            let kind = is_unseparated(first);
            let is_end = |char: char| is_unseparated(char) != kind;
            let (run, after) = rest.split_at(rest.find(is_end).unwrap_or(rest.len()));
            runs.push(if kind {
                Run::Unseparated(run)
            } else {
                Run::Word(run)
            });
            rest = after;
        }
    }
    runs
}

/// Returns each pair of neighbours.
pub fn pairs(text: &str) -> impl Iterator<Item = &str> {
    let starts = text.char_indices();
    let ends = text
        .char_indices()
        .skip(1)
        .map(|(index, char)| index + char.len_utf8());
    starts
        .zip(ends)
        .filter_map(|((start, _), end)| text.get(start..end))
}

/// Returns each letter alone.
fn singles(text: &str) -> impl Iterator<Item = &str> {
    let letters = text.char_indices().filter(|(_, char)| char.is_alphanumeric());
    letters.filter_map(|(start, char)| text.get(start..start + char.len_utf8()))
}

/// Returns the beginning of a word that is a token.
pub fn truncated(word: &str) -> &str {
    let end = word.char_indices().nth(MAX_TOKEN);
    end.and_then(|(end, _)| word.get(..end)).unwrap_or(word)
}

/// Returns whether a character joins the parts of a compound.
pub const fn is_joiner(char: char) -> bool {
    is_apostrophe(char) || matches!(char, '-' | '\u{2010}' | '\u{2011}')
}

/// Returns whether a character is an apostrophe, or is used as one.
pub const fn is_apostrophe(char: char) -> bool {
    matches!(
        char,
        '\'' | '\u{2BC}' | '\u{2018}' | '\u{2019}' | '\u{5F3}' | '`' | '´'
    )
}

/// Returns whether words of the character's script can't be told apart by spaces.
const fn is_unseparated(char: char) -> bool {
    matches!(
        char,
        // Thai and Lao
        '\u{E00}'..='\u{EFF}'
            // Myanmar, Hangul's letters, Khmer
            | '\u{1000}'..='\u{109F}'
            | '\u{1100}'..='\u{11FF}'
            | '\u{1780}'..='\u{17FF}'
            // Han, kana, bopomofo and their marks
            | '\u{2E80}'..='\u{A4CF}'
            // Hangul
            | '\u{A960}'..='\u{A97F}'
            | '\u{AC00}'..='\u{D7FF}'
            | '\u{F900}'..='\u{FAFF}'
            | '\u{1AFF0}'..='\u{1B16F}'
            | '\u{20000}'..='\u{3FFFF}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<String> {
        let mut index = Index::default();
        index.add(text);
        index.tokens
    }

    #[test]
    fn splits_texts_into_words_and_adds_their_forms() {
        for (text, expected) in [
            ("Wool socks", vec!["wool", "socks", "sock"]),
            ("5G-Router", vec!["5g", "router", "rout", "5grouter"]),
            ("T-Shirt", vec!["t", "shirt", "tshirt"]),
            ("women's", vec!["women", "woman", "s", "womens"]),
            ("北京烤鸭", vec!["北", "京", "烤", "鸭", "北京", "京烤", "烤鸭"]),
            ("东京5G塔", vec!["东", "京", "东京", "5g", "塔"]),
            ("👕 % - ' --", vec![]),
            ("👕red", vec!["red"]),
            ("कुर्ता", vec!["कुर्ता"]),
            ("a,b;a", vec!["a", "b"]),
        ] {
            assert_eq!(tokens(text), expected, "{text}");
        }
        assert_eq!(tokens(&"x".repeat(100)), ["x".repeat(64)]);
        let long: String = (0..20_000).map(|number| format!("{number} ")).collect();
        assert_eq!(tokens(&long).len(), MAX_TOKENS);
    }

    #[test]
    fn finds_parts_of_identifiers() {
        let mut index = Index::default();
        index.add_identifier("TEE-XL10/b");
        for token in ["tee", "xl10", "xl", "10", "b", "teexl10b"] {
            assert!(index.seen.contains(token), "{token}: {:?}", index.tokens);
        }
    }

    #[test]
    fn all_tokens_are_valid_for_the_store() {
        let everything: String = (0_u32..=0x10_FFFF)
            .filter_map(char::from_u32)
            .flat_map(|char| [char, ' '])
            .collect();
        for token in tokens(&everything) {
            assert!(mercato_ports::documents::is_token(&token), "{token:?}");
        }
    }
}
