//! Parsed documents. Clients send the same few documents again and again, with other variables.
//!
//! Documents with texts in them are not kept: a text may be a password.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_graphql::parser::types::ExecutableDocument;

/// The maximum number of documents that are kept.
const MAX_DOCUMENTS: usize = 32;
/// The longest text of a document that is kept, in bytes.
const MAX_TEXT: usize = 2_048;

/// The documents that were parsed last, by their texts.
#[derive(Default)]
pub struct Documents(Mutex<VecDeque<(String, ExecutableDocument)>>);

impl Documents {
    /// Returns the document of a query. Parses the query if the document is not kept.
    ///
    /// # Errors
    /// Those of `parse`. They are not kept.
    pub fn get<E>(
        &self,
        text: &str,
        parse: impl FnOnce(&str) -> Result<ExecutableDocument, E>,
    ) -> Result<ExecutableDocument, E> {
        if text.len() > MAX_TEXT || text.contains('"') {
            return parse(text);
        }
        let mut kept = self.lock();
        let position = kept.iter().position(|(known, _)| known == text);
        let entry = match position.and_then(|position| kept.remove(position)) {
            Some(entry) => entry,
            None => (text.to_owned(), parse(text)?),
        };
        let document = entry.1.clone();
        kept.push_front(entry);
        kept.truncate(MAX_DOCUMENTS);
        Ok(document)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(String, ExecutableDocument)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::{Error, parse_query};

    use super::*;

    /// Returns the texts that are parsed when these are requested one after the other.
    fn parsed<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let (documents, mut parsed) = (Documents::default(), Vec::new());
        for text in texts {
            let parse = |text: &str| {
                parsed.push(text.to_owned());
                parse_query(text)
            };
            let document = documents.get(text, parse).unwrap();
            let expected = parse_query(text).unwrap();
            assert_eq!(format!("{document:?}"), format!("{expected:?}"));
        }
        parsed
    }

    #[test]
    fn keeps_the_documents_that_were_used_last() {
        assert_eq!(parsed(["{a}", "{ a }", "{a}"]), ["{a}", "{ a }"]);
        let many: Vec<_> = (0..MAX_DOCUMENTS)
            .map(|number| format!("{{a{number}}}"))
            .collect();
        let many = || many.iter().map(String::as_str);
        assert_eq!(parsed(many().chain(["{a0}"])).len(), MAX_DOCUMENTS);
        let used_again = many().chain(["{a0}", "{b}", "{a0}", "{a1}"]);
        assert_eq!(parsed(used_again).split_off(MAX_DOCUMENTS), ["{b}", "{a1}"]);
    }

    #[test]
    fn keeps_no_long_document_no_text_and_no_error() {
        let long = format!("{{a{}}}", " ".repeat(MAX_TEXT - 2));
        assert_eq!(parsed([long.as_str(), &long]).len(), 2);
        let secret = r#"{ a(b: "secret") }"#;
        assert_eq!(parsed([secret, secret]).len(), 2);
        let documents = Documents::default();
        for _ in 0..2 {
            let mut calls = 0;
            let failed = documents.get("{", |text| {
                calls += 1;
                parse_query(text)
            });
            assert!(matches!(failed, Err(Error::Syntax { .. })));
            assert_eq!(calls, 1);
        }
    }
}
