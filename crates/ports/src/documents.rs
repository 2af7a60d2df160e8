//! The port `documents`: the only way to store data.

use async_trait::async_trait;

use crate::events::Event;

pub use crate::bindings::mercato::platform::documents_types::{
    Adjustment, Change, CommitFailure, Comparison, Condition, Deletion, Direction, Document, Failure,
    Insertion, Position, Query, Refusal, RefusalReason, Replacement, Scalar, Sort, Write,
};

/// The maximum `limit` of a query.
pub const MAX_LIMIT: u32 = 2_000;

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
    /// [`Failure::Invalid`] if the collection or a field is not declared, or if the limit is over
    /// [`MAX_LIMIT`]. Also if the query searches a collection without searched fields.
    ///
    /// [`Failure::Unavailable`] if the store can't be reached.
    async fn find(&self, query: Query) -> Result<Vec<Document>, Failure>;

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
