//! Typed collections over the port `documents`.

use std::marker::PhantomData;

use mercato_ports::documents::{Deletion, Document, Insertion, Query, Replacement, Write};
use mercato_ports::events::Event;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::id;
use crate::ports::Ports;
use crate::types::Error;

/// A collection whose documents are all of one type. Its name and its queried fields stand in the service's manifest.
#[derive(Debug)]
pub struct Collection<T> {
    name: &'static str,
    body: PhantomData<fn() -> T>,
}

/// A document with what the store knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored<T> {
    /// The document's id.
    pub id: String,
    /// Its version, to be expected by a replacement.
    pub version: u64,
    /// What it says.
    pub body: T,
}

impl<T: Serialize + DeserializeOwned> Collection<T> {
    /// The collection of this name, `service.things`.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            body: PhantomData,
        }
    }

    /// A query for everything, by id, to be narrowed.
    #[must_use]
    pub fn query(&self, limit: u32) -> Query {
        Query::all(self.name, limit)
    }

    /// The document of this id.
    ///
    /// # Errors
    /// Where the store is away, or holds what can't be read.
    pub fn get(&self, ports: &(impl Ports + ?Sized), id: &str) -> Result<Option<Stored<T>>, Error> {
        Ok(self.get_many(ports, &[id.to_owned()])?.pop().flatten())
    }

    /// The documents of these ids, in the order of the ids.
    ///
    /// # Errors
    /// Where the store is away, or holds what can't be read.
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
            .map(|document| document.map(|document| self.read(document)).transpose())
            .collect()
    }

    /// The documents that a query selects.
    ///
    /// # Errors
    /// Where the store is away, or holds what can't be read.
    pub fn find(&self, ports: &(impl Ports + ?Sized), query: &Query) -> Result<Vec<Stored<T>>, Error> {
        ports
            .find(query)?
            .into_iter()
            .map(|document| self.read(document))
            .collect()
    }

    /// The write that adds a document.
    ///
    /// # Errors
    /// Where the body is no JSON: a fault of the program.
    pub fn insert(&self, id: &str, body: &T) -> Result<Write, Error> {
        Ok(Write::Insert(Insertion {
            collection: self.name.into(),
            id: id.into(),
            body: to_json(body)?,
        }))
    }

    /// The write that gives a document a new body, if it is still as it was read.
    ///
    /// # Errors
    /// Where the body is no JSON: a fault of the program.
    pub fn replace(&self, stored: &Stored<T>) -> Result<Write, Error> {
        Ok(Write::Replace(Replacement {
            collection: self.name.into(),
            id: stored.id.clone(),
            expected: stored.version,
            body: to_json(&stored.body)?,
        }))
    }

    /// The write that removes a document, if it is still as it was read.
    #[must_use]
    pub fn delete(&self, stored: &Stored<T>) -> Write {
        Write::Delete(Deletion {
            collection: self.name.into(),
            id: stored.id.clone(),
            expected: stored.version,
        })
    }

    /// The write that changes numbers of a document, whatever its version.
    #[must_use]
    pub fn adjust(&self, id: &str, changes: Vec<mercato_ports::documents::Change>) -> Write {
        Write::Adjust(mercato_ports::documents::Adjustment {
            collection: self.name.into(),
            id: id.into(),
            changes,
        })
    }

    fn read(&self, document: Document) -> Result<Stored<T>, Error> {
        let body = serde_json::from_str(&document.body).map_err(|error| {
            Error::Internal(format!("{}/{} can't be read: {error}", self.name, document.id))
        })?;
        Ok(Stored {
            id: document.id,
            version: document.version,
            body,
        })
    }
}

/// A domain event that happens now.
///
/// # Errors
/// Where the data are no JSON: a fault of the program.
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
        .map_err(|error| Error::Internal(format!("a document can't be written: {error}")))
}
