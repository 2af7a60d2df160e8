//! Parts of queries, and the pages of lists.

use mercato_ports::documents::{Comparison, Condition, Direction, Query, Scalar, Sort};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::collection::{Collection, Stored};
use crate::cursor;
use crate::ports::Ports;
use crate::types::{Error, Page};

/// Returns a time, in milliseconds since the Unix epoch, as the store compares it.
#[must_use]
pub fn time(milliseconds: u64) -> Scalar {
    Scalar::Integer(i64::try_from(milliseconds).unwrap_or(i64::MAX))
}

/// Selects documents by a comparison of one field.
#[must_use]
pub fn compare(field: &str, comparison: Comparison, value: Scalar) -> Condition {
    Condition {
        field: field.into(),
        comparison,
        value,
    }
}

/// Selects documents whose field equals a text.
#[must_use]
pub fn equal(field: &str, text: &str) -> Condition {
    compare(field, Comparison::Equal, Scalar::Text(text.into()))
}

/// Selects documents whose field begins with a path. The path ends with a slash.
#[must_use]
pub fn path_prefix(field: &str, path: &str) -> [Condition; 2] {
    // `0` is the character after the slash, so `end` is the least text that follows all texts below the path.
    let end = format!("{}0", path.trim_end_matches('/'));
    [
        compare(field, Comparison::AtLeast, Scalar::Text(path.into())),
        compare(field, Comparison::Less, Scalar::Text(end)),
    ]
}

/// Sorts by a field, the smallest value first.
#[must_use]
pub fn ascending(field: &str) -> Sort {
    Sort {
        field: field.into(),
        direction: Direction::Ascending,
    }
}

/// Sorts by a field, the largest value first.
#[must_use]
pub fn descending(field: &str) -> Sort {
    Sort {
        field: field.into(),
        direction: Direction::Descending,
    }
}

/// A page of documents.
#[derive(Clone, Debug)]
pub struct Edges<T> {
    /// The documents, each with its cursor.
    pub edges: Vec<(String, Stored<T>)>,
    /// Whether another page follows.
    pub has_next: bool,
}

impl<T> Edges<T> {
    /// Converts each document with its cursor.
    pub fn map<E>(self, to_edge: impl Fn(String, Stored<T>) -> E) -> Vec<E> {
        let edges = self.edges.into_iter();
        edges.map(|(cursor, stored)| to_edge(cursor, stored)).collect()
    }
}

/// Reads a page of the documents that a query selects. The cursors contain the name of the sort and the
/// result of `sort_value`, which is the value of the sorted field. It is `None` if the list is sorted by id.
///
/// # Errors
/// [`Error::Invalid`] for a page that is too large, or for a cursor of another sort. Otherwise the errors of
/// [`Collection::find`].
pub fn page<T: Serialize + DeserializeOwned, V: Into<Option<Scalar>>>(
    ports: &(impl Ports + ?Sized),
    collection: &Collection<T>,
    mut query: Query,
    page: &Page,
    sort: &str,
    sort_value: impl Fn(&T) -> V,
) -> Result<Edges<T>, Error> {
    cursor::apply(page, sort, &mut query)?;
    let mut found = collection.find(ports, &query)?;
    let has_next = cursor::truncate_page(page, &mut found);
    let edge = |stored: Stored<T>| {
        let cursor = cursor::encode(sort, sort_value(&stored.body).into(), &stored.id)?;
        Ok((cursor, stored))
    };
    Ok(Edges {
        edges: found.into_iter().map(edge).collect::<Result<_, Error>>()?,
        has_next,
    })
}
