//! Typed collections over the port `documents`.

use std::marker::PhantomData;

use mercato_ports::documents::{Deletion, Document, Insertion, Query, Replacement, Write};
use mercato_ports::events::Event;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::id;
use crate::ports::Ports;
use crate::types::Error;

/// A collection of documents of type `T`. The service's manifest declares its name and the fields that
/// queries use.
#[derive(Debug)]
pub struct Collection<T> {
    name: &'static str,
    body: PhantomData<fn() -> T>,
}

/// A document as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored<T> {
    /// The document's id.
    pub id: String,
    /// The version that a replacement or a deletion expects.
    pub version: u64,
    /// The content.
    pub body: T,
}

impl<T> Collection<T> {
    /// Returns the collection of this name, `service.things`.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            body: PhantomData,
        }
    }

    /// Returns a query for all documents, by id. The caller adds conditions.
    #[must_use]
    pub fn query(&self, limit: u32) -> Query {
        Query::all(self.name, limit)
    }
}

impl<T: DeserializeOwned> Collection<T> {
    /// Reads the document with this id.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the store is unavailable, [`Error::Internal`] if a document can't be parsed.
    pub fn get(&self, ports: &(impl Ports + ?Sized), id: &str) -> Result<Option<Stored<T>>, Error> {
        Ok(self.get_many(ports, &[id.to_owned()])?.pop().flatten())
    }

    /// Reads the documents with these ids, in the order of the ids.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the store is unavailable, [`Error::Internal`] if a document can't be parsed.
    pub fn get_many(
        &self,
        ports: &(impl Ports + ?Sized),
        ids: &[String],
    ) -> Result<Vec<Option<Stored<T>>>, Error> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let documents = ports.get_many(self.name, ids)?;
        documents
            .into_iter()
            .map(|document| document.map(|document| self.parse(document)).transpose())
            .collect()
    }

    /// Reads the documents that a query selects.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the store is unavailable, [`Error::Internal`] if a document can't be parsed.
    pub fn find(&self, ports: &(impl Ports + ?Sized), query: &Query) -> Result<Vec<Stored<T>>, Error> {
        ports
            .find(query)?
            .into_iter()
            .map(|document| self.parse(document))
            .collect()
    }

    /// Counts the documents that a query selects on all its pages.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the store is unavailable.
    pub fn count(&self, ports: &(impl Ports + ?Sized), query: &Query) -> Result<u64, Error> {
        Ok(ports.count(query)?)
    }

    fn parse(&self, document: Document) -> Result<Stored<T>, Error> {
        let body = serde_json::from_str(&document.body).map_err(|error| {
            Error::Internal(format!("{}/{} can't be parsed: {error}", self.name, document.id))
        })?;
        Ok(Stored {
            id: document.id,
            version: document.version,
            body,
        })
    }
}

impl<T: Serialize> Collection<T> {
    /// Returns the write that inserts a document.
    ///
    /// # Errors
    /// [`Error::Internal`] if the body can't be written as JSON.
    pub fn insert(&self, id: &str, body: &T) -> Result<Write, Error> {
        Ok(Write::Insert(Insertion {
            collection: self.name.into(),
            id: id.into(),
            body: to_json(body)?,
        }))
    }

    /// Returns the write that replaces the body of a document. The store refuses it if the document has
    /// another version.
    ///
    /// # Errors
    /// [`Error::Internal`] if the body can't be written as JSON.
    pub fn replace(&self, stored: &Stored<T>) -> Result<Write, Error> {
        Ok(Write::Replace(Replacement {
            collection: self.name.into(),
            id: stored.id.clone(),
            expected: stored.version,
            body: to_json(&stored.body)?,
        }))
    }

    /// Returns the write that deletes a document. The store refuses it if the document has another version.
    #[must_use]
    pub fn delete(&self, stored: &Stored<T>) -> Write {
        Write::Delete(Deletion {
            collection: self.name.into(),
            id: stored.id.clone(),
            expected: stored.version,
        })
    }

    /// Returns the write that adds to numeric fields of a document of any version.
    #[must_use]
    pub fn adjust(&self, id: &str, changes: Vec<mercato_ports::documents::Change>) -> Write {
        Write::Adjust(mercato_ports::documents::Adjustment {
            collection: self.name.into(),
            id: id.into(),
            changes,
        })
    }
}

/// Returns a domain event of the present time.
///
/// # Errors
/// [`Error::Internal`] if the data can't be written as JSON.
pub fn event(kind: &str, subject: String, data: &impl Serialize) -> Result<Event, Error> {
    Ok(Event {
        id: id::new(),
        kind: kind.into(),
        subject,
        time: id::now(),
        due: None,
        data: to_json(data)?,
    })
}

fn to_json(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value)
        .map_err(|error| Error::Internal(format!("a document can't be written as JSON: {error}")))
}
