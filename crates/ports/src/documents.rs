//! Documents: the only way to keep data.

use async_trait::async_trait;

use crate::events::Event;

pub use crate::bindings::mercato::platform::documents::{
    Adjustment, Change, CommitFailure, Comparison, Condition, Deletion, Direction, Document, Failure,
    Insertion, Position, Query, Refusal, RefusalReason, Replacement, Scalar, Sort, Write,
};

/// The most documents that one query may ask for.
pub const MAX_LIMIT: u32 = 2_000;

/// A store of JSON documents with atomic commits and a transactional outbox; the port `mercato:platform/documents`.
#[async_trait]
pub trait Documents: Send + Sync {
    /// The documents of these ids, in the order of the ids; `None` for an id that is not there.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for an undeclared collection, [`Failure::Unavailable`] where the store can't be reached.
    async fn get_many(&self, collection: String, ids: Vec<String>) -> Result<Vec<Option<Document>>, Failure>;

    /// The documents that a query selects, in its order.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for an undeclared collection or field, a search in a collection without searched
    /// fields, or a limit over [`MAX_LIMIT`]; [`Failure::Unavailable`] where the store can't be reached.
    async fn find(&self, query: Query) -> Result<Vec<Document>, Failure>;

    /// Makes all writes and publishes all events, or none of it. Durable once it has returned.
    ///
    /// # Errors
    /// [`CommitFailure::Refused`] with every write that could not be made; [`CommitFailure::Failed`] as above.
    async fn commit(&self, writes: Vec<Write>, events: Vec<Event>) -> Result<(), CommitFailure>;

    /// Whether the store can serve now; the reason where it can't.
    ///
    /// # Errors
    /// A sentence for the operator.
    async fn ready(&self) -> Result<(), String>;
}

impl Query {
    /// Everything in a collection, by id.
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
    /// The collection that the write is about.
    #[must_use]
    pub fn collection(&self) -> &str {
        match self {
            Self::Insert(write) => &write.collection,
            Self::Replace(write) => &write.collection,
            Self::Delete(write) => &write.collection,
            Self::Adjust(write) => &write.collection,
        }
    }

    /// The id of the document that the write is about.
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
