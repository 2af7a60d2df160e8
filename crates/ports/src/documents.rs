//! The port `documents`: the only way to store data.

use async_trait::async_trait;

use crate::events::Event;

pub use crate::bindings::mercato::platform::documents_types::{
    Adjustment, Change, Clause, CommitFailure, Comparison, Condition, Deletion, Direction, Document, Failure,
    Insertion, Position, Query, Refusal, RefusalReason, Replacement, Scalar, Search, Sort, Term, Write,
};

/// The maximum `limit` of a query.
pub const MAX_LIMIT: u32 = 2_000;

/// The maximum number of terms in a search.
pub const MAX_TERMS: usize = 256;

/// A store of JSON documents with atomic commits and a transactional outbox: the port
/// `mercato:platform/documents`.
#[async_trait]
pub trait Documents: Send + Sync {
    /// Returns the documents with these ids, in the order of the ids, and `None` for an id that does not
    /// exist.
    ///
    /// # Errors
    /// [`Failure::Invalid`] if the collection is not declared. [`Failure::Unavailable`] if the store can't be
    /// reached.
    async fn get_many(&self, collection: String, ids: Vec<String>) -> Result<Vec<Option<Document>>, Failure>;

    /// Returns the documents that a query selects, in the order of the query.
    ///
    /// # Errors
    /// [`Failure::Invalid`] if the collection or a field is not declared, if the limit is over
    /// [`MAX_LIMIT`], or if the search is invalid ([`Search::check`]).
    ///
    /// [`Failure::Unavailable`] if the store can't be reached.
    async fn find(&self, query: Query) -> Result<Vec<Document>, Failure>;

    /// Returns how many documents a query selects on all its pages. It ignores `after` and `limit`.
    ///
    /// # Errors
    /// As [`Documents::find`].
    async fn count(&self, query: Query) -> Result<u64, Failure>;

    /// Makes all writes and publishes all events, or does nothing. A successful commit is durable.
    ///
    /// # Errors
    /// [`CommitFailure::Refused`] with every refused write. [`CommitFailure::Failed`] with the same failures
    /// as above.
    async fn commit(&self, writes: Vec<Write>, events: Vec<Event>) -> Result<(), CommitFailure>;

    /// Checks that the store can serve requests now.
    ///
    /// # Errors
    /// The reason, as a sentence for the operator.
    async fn ready(&self) -> Result<(), String>;
}

impl Query {
    /// Returns the query for a whole collection, sorted by id.
    #[must_use]
    pub fn all(collection: impl Into<String>, limit: u32) -> Self {
        Self {
            collection: collection.into(),
            conditions: Vec::new(),
            search: None,
            sort: None,
            after: None,
            limit,
        }
    }
}

impl Search {
    /// Checks a search in a collection with these searched fields.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for a search without a clause, a clause without a term, or a term that is not a
    /// token. Also for a field that is not searched, and for more than [`MAX_TERMS`] terms.
    pub fn check(&self, collection: &str, is_searched: impl Fn(&str) -> bool) -> Result<(), Failure> {
        let invalid = |reason: String| Err(Failure::Invalid(reason));
        if self.all.is_empty() {
            return invalid("a search must have at least one clause in `all`".into());
        }
        let mut count = 0;
        for clause in self.all.iter().chain(&self.not_all) {
            if let Some(field) = clause.field.as_deref().filter(|field| !is_searched(field)) {
                return invalid(format!("`{collection}` declares no searched field `{field}`"));
            }
            if clause.terms.is_empty() {
                return invalid("a clause of a search must have at least one term".into());
            }
            if let Some(term) = clause.terms.iter().find(|term| !is_token(&term.text)) {
                return invalid(format!(
                    "the term `{}` of a search must have only lower-case ASCII letters, digits, and characters \
                     beyond ASCII",
                    term.text
                ));
            }
            count += clause.terms.len();
        }
        if count > MAX_TERMS {
            return invalid(format!("a search must have at most {MAX_TERMS} terms"));
        }
        Ok(())
    }
}

/// Returns whether a text is one token of a search.
#[must_use]
pub fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|char| !is_separator(char) && !char.is_ascii_uppercase())
}

/// Returns the tokens of a searched text, as all stores separate them.
pub fn tokens(text: &str) -> impl Iterator<Item = String> {
    text.split(is_separator)
        .filter(|token| !token.is_empty())
        .map(str::to_ascii_lowercase)
}

const fn is_separator(char: char) -> bool {
    char.is_ascii() && !char.is_ascii_alphanumeric()
}

impl Write {
    /// Returns the collection of the document.
    #[must_use]
    pub fn collection(&self) -> &str {
        match self {
            Self::Insert(write) => &write.collection,
            Self::Replace(write) => &write.collection,
            Self::Delete(write) => &write.collection,
            Self::Adjust(write) => &write.collection,
        }
    }

    /// Returns the id of the document.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Insert(write) => &write.id,
            Self::Replace(write) => &write.id,
            Self::Delete(write) => &write.id,
            Self::Adjust(write) => &write.id,
        }
    }
}
