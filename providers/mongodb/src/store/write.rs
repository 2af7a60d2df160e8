//! The statements of writes, and the reasons why a write is refused.

use std::sync::Arc;

use mercato_ports::documents::{Adjustment, Failure, RefusalReason, Write};
use mongodb::bson::{Document, RawDocument, doc};

use super::document;
use super::service::Collection;

/// A collection and an id.
pub(crate) type Key = (String, String);

/// A write and its collection.
#[derive(Clone)]
pub(crate) struct PendingWrite {
    pub collection: Arc<Collection>,
    pub write: Write,
    /// The statement. An adjustment has none: it depends on the other adjustments of its document.
    pub statement: Option<Statement>,
}

/// A statement for MongoDB. It matches one document, or the write cannot be applied now.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Statement {
    Insert(Document),
    Replace(Document, Document),
    Update(Document, Document),
    Delete(Document),
}

impl PendingWrite {
    /// Prepares a write.
    ///
    /// # Errors
    /// If its body is not a JSON object, or too large.
    pub fn new(collection: Arc<Collection>, write: Write) -> Result<Self, Failure> {
        let statement = statement(&collection, &write)?;
        Ok(Self {
            collection,
            write,
            statement,
        })
    }

    pub fn key(&self) -> Key {
        (self.write.collection().to_owned(), self.write.id().to_owned())
    }

    pub fn adjustment(&self) -> Option<&Adjustment> {
        match &self.write {
            Write::Adjust(adjustment) => Some(adjustment),
            _ => None,
        }
    }

    pub fn is_adjustment(&self) -> bool {
        self.adjustment().is_some()
    }

    /// The size of the body, in bytes.
    pub fn bytes(&self) -> usize {
        match &self.write {
            Write::Insert(insertion) => insertion.body.len(),
            Write::Replace(replacement) => replacement.body.len(),
            Write::Delete(_) | Write::Adjust(_) => 0,
        }
    }

    /// Returns why the current document refuses this write, which is no adjustment.
    pub fn refusal(&self, found: Option<&RawDocument>) -> Result<Option<RefusalReason>, Failure> {
        let found = match (&self.write, found) {
            (Write::Insert(_), found) => return Ok(found.map(|_| RefusalReason::Exists)),
            (_, None) => return Ok(Some(RefusalReason::Missing)),
            (_, Some(found)) => found,
        };
        let version = document::decode(found)?.version;
        Ok((self.expected() != Some(version)).then_some(RefusalReason::Stale(version)))
    }

    fn expected(&self) -> Option<u64> {
        match &self.write {
            Write::Replace(replacement) => Some(replacement.expected),
            Write::Delete(deletion) => Some(deletion.expected),
            Write::Insert(_) | Write::Adjust(_) => None,
        }
    }
}

fn statement(collection: &Collection, write: &Write) -> Result<Option<Statement>, Failure> {
    let fields = &collection.fields;
    // No document has a version that is larger than MongoDB's integers.
    let at = |id: &str, expected: u64| doc! { "_id": id, "v": i64::try_from(expected).unwrap_or(-1) };
    Ok(match write {
        Write::Insert(insertion) => Some(Statement::Insert(document::encode(
            &insertion.id,
            1,
            &insertion.body,
            fields,
        )?)),
        Write::Replace(replacement) => {
            let version = i64::try_from(replacement.expected)
                .unwrap_or(-1)
                .saturating_add(1);
            let new = document::encode(&replacement.id, version, &replacement.body, fields)?;
            Some(Statement::Replace(at(&replacement.id, replacement.expected), new))
        }
        Write::Delete(deletion) => Some(Statement::Delete(at(&deletion.id, deletion.expected))),
        Write::Adjust(_) => None,
    })
}
