//! Searches: the words of a client as clauses over the tokens of products.

use mercato_ports::documents::{Clause, Search, Term};

use super::letters::{fold, is_word};
use super::stem::forms;
use super::tokens::{Run, compounds, is_apostrophe, is_joiner, pairs, runs, truncated};

/// The most terms of a search. The further words of a longer text are ignored.
const MAX_TERMS: usize = 100;

/// The field with the tokens of the name.
const NAME: &str = "nameWords";

/// The words that a client searches for.
#[derive(Debug)]
pub struct Words(Vec<Word>);

#[derive(Debug, PartialEq, Eq)]
struct Word {
    token: String,
    /// Other tokens that count as the word.
    forms: Vec<String>,
    /// Whether the word may be the beginning of a token.
    is_prefix: bool,
}

impl Words {
    /// Parses a text. Returns nothing if it has no letter and no digit.
    pub fn parse(text: &str) -> Option<Self> {
        let folded = fold(text);
        let mut words: Vec<_> = compounds(&folded).flat_map(words_of).collect();
        // Pairs of letters are no beginnings, and only the last word may be unfinished.
        let last = words.len().saturating_sub(1);
        for (index, word) in words.iter_mut().enumerate() {
            word.is_prefix &= index == last;
        }
        let mut terms = 0;
        words.retain(|word| {
            terms += 1 + word.forms.len();
            terms <= MAX_TERMS
        });
        (!words.is_empty()).then_some(Self(words))
    }

    /// Selects the products that have all words in any fields and in any form. The last word may be a prefix.
    pub fn anywhere(&self) -> Search {
        search(self.clauses(None), Vec::new())
    }

    /// Selects the same products as [`Self::anywhere`], divided by relevance: those with all words in the name,
    /// then those with all words in the name if the last one is a prefix, then all others.
    pub fn by_relevance(&self) -> [Search; 3] {
        let mut whole = self.clauses(Some(NAME));
        let terms = whole.iter_mut().flat_map(|clause| &mut clause.terms);
        terms.for_each(|term| term.prefix = false);
        let in_name = self.clauses(Some(NAME));
        [
            search(whole.clone(), Vec::new()),
            search(in_name.clone(), whole),
            search(self.clauses(None), in_name),
        ]
    }

    fn clauses(&self, field: Option<&str>) -> Vec<Clause> {
        let to_clause = |word: &Word| {
            let whole = term(&word.token, word.is_prefix);
            let forms = word.forms.iter().map(|form| term(form, false));
            Clause {
                field: field.map(Into::into),
                terms: std::iter::once(whole).chain(forms).collect(),
            }
        };
        self.0.iter().map(to_clause).collect()
    }
}

/// Returns the words of a compound such as `wool`, `T-Shirt`, `women's` or `5G手机`.
fn words_of(compound: &str) -> Vec<Word> {
    let is_letter = |part: &str| part.chars().count() == 1;
    let parts: Vec<_> = compound.split(is_joiner).collect();
    if parts.len() > 1 && compound.contains(is_apostrophe) {
        // The letter of `l'eau` or of `women's` is no word to search for.
        let long = parts.iter().filter(|part| !is_letter(part));
        let words: Vec<_> = long.flat_map(|part| words_of_runs(part)).collect();
        if !words.is_empty() {
            return words;
        }
    } else if parts.len() > 1 && parts.iter().any(|part| is_letter(part)) {
        // `T-Shirt` is one word, which the index has as well.
        let joined: String = compound.chars().filter(|char| is_word(*char)).collect();
        if let [Run::Word(word)] = runs(&joined)[..] {
            return vec![whole_word(word)];
        }
    }
    words_of_runs(compound)
}

fn words_of_runs(compound: &str) -> Vec<Word> {
    let mut words = Vec::new();
    for run in runs(compound) {
        match run {
            Run::Word(word) => words.push(whole_word(word)),
            Run::Unseparated(text) => {
                let mut pairs = pairs(text).peekable();
                if pairs.peek().is_none() {
                    words.push(exact_word(text));
                }
                words.extend(pairs.map(exact_word));
            }
        }
    }
    words
}

fn whole_word(word: &str) -> Word {
    let token = truncated(word);
    Word {
        token: token.into(),
        forms: forms(token),
        is_prefix: true,
    }
}

fn exact_word(token: &str) -> Word {
    Word {
        token: token.into(),
        forms: Vec::new(),
        is_prefix: false,
    }
}

const fn search(all: Vec<Clause>, not_all: Vec<Clause>) -> Search {
    Search { all, not_all }
}

fn term(text: &str, prefix: bool) -> Term {
    Term {
        text: text.into(),
        prefix,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The clauses of a search in short, such as `socks*|sock`.
    fn clauses(text: &str) -> Vec<String> {
        let terms = |clause: Clause| {
            let terms = clause.terms.into_iter();
            let terms = terms.map(|term| format!("{}{}", term.text, if term.prefix { "*" } else { "" }));
            terms.collect::<Vec<_>>().join("|")
        };
        let search = Words::parse(text).map(|words| words.anywhere().all);
        search.into_iter().flatten().map(terms).collect()
    }

    #[test]
    fn the_last_word_may_be_a_prefix_and_all_have_forms() {
        for (text, expected) in [
            ("Wool SOCKS", vec!["wool", "socks*|sock"]),
            ("５Ｇ", vec!["5g*"]),
            ("T-Shirts", vec!["tshirts*|tshirt"]),
            ("TEE-XL", vec!["tee", "xl*"]),
            ("women's", vec!["women*|woman"]),
            ("l'eau", vec!["eau*"]),
            ("烤鸭", vec!["烤鸭"]),
            ("北京烤", vec!["北京", "京烤"]),
            ("鸭", vec!["鸭"]),
            ("鸭 so", vec!["鸭", "so*"]),
            ("so 鸭", vec!["so", "鸭"]),
        ] {
            assert_eq!(clauses(text), expected, "{text}");
        }
    }

    #[test]
    fn a_text_without_letters_and_digits_is_no_search() {
        for text in ["", " ", "👕", "%", "-", "' - .", "\u{200D}", "™", "\u{301}"] {
            assert!(Words::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_search_has_as_many_terms_as_a_store_allows() {
        for text in ["socken ".repeat(1_000), "东".repeat(1_000), "a'b-c ".repeat(500)] {
            for search in Words::parse(&text).unwrap().by_relevance() {
                assert_eq!(search.check("catalog.products", |_| true), Ok(()));
            }
        }
    }
}
