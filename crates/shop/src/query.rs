//! Parts of queries, and the pages of lists.

use std::cmp::Ordering;

use mercato_ports::documents::{Comparison, Condition, Direction, Position, Query, Scalar, Sort};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::collection::{Collection, Stored};
use crate::cursor::{self, Place};
use crate::ports::Ports;
use crate::types::{Error, Page};

/// The maximum number of items of a page.
pub const MAX_PAGE: u32 = 1_000;

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
        field: Some(field.into()),
        direction: Direction::Ascending,
    }
}

/// Sorts by a field, the largest value first.
#[must_use]
pub fn descending(field: &str) -> Sort {
    Sort {
        field: Some(field.into()),
        direction: Direction::Descending,
    }
}

impl Page {
    /// Returns the page of the first items after a cursor.
    #[must_use]
    pub const fn first(limit: u32, after: Option<String>) -> Self {
        Self {
            limit,
            after,
            before: None,
            from_end: false,
            count: false,
        }
    }
}

/// A page of documents.
#[derive(Clone, Debug)]
pub struct Edges<T> {
    /// The documents, each with its cursor.
    pub edges: Vec<(String, Stored<T>)>,
    /// Whether documents follow the page.
    pub has_next: bool,
    /// Whether documents precede the page.
    pub has_previous: bool,
    /// The number of documents on all pages, if the page counts them.
    pub total: Option<u64>,
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
    query: Query,
    page: &Page,
    sort: &str,
    sort_value: impl Fn(&T) -> V,
) -> Result<Edges<T>, Error> {
    pages(ports, collection, vec![query], page, sort, sort_value)
}

/// Reads a page of the documents that several queries select, those of the first query first. No document is
/// selected by two of the queries. The queries have the same sort.
///
/// # Errors
/// As [`page`].
pub fn pages<T: Serialize + DeserializeOwned, V: Into<Option<Scalar>>>(
    ports: &(impl Ports + ?Sized),
    collection: &Collection<T>,
    queries: Vec<Query>,
    page: &Page,
    sort: &str,
    sort_value: impl Fn(&T) -> V,
) -> Result<Edges<T>, Error> {
    let mut sorts = queries.iter().filter_map(|query| query.sort.as_ref());
    let has_value = sorts.any(|sort| sort.field.is_some());
    let range = Range::new(page, sort, has_value)?;
    let count = || queries.iter().map(|query| collection.count(ports, query)).sum();
    let total = page.count.then(count).transpose()?;
    let mut found = Vec::new();
    let mut numbered: Vec<_> = (0..).zip(queries).collect();
    if page.from_end {
        numbered.reverse();
    }
    for (number, mut query) in numbered {
        query.limit = range
            .limit
            .saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
        if query.limit == 0 || !range.has_query(number) {
            continue;
        }
        query.after = range.position(number);
        let direction = range.direction(&query);
        query.sort = Some(Sort {
            field: query.sort.and_then(|sort| sort.field),
            direction,
        });
        for stored in collection.find(ports, &query)? {
            let place = Place {
                query: number,
                value: sort_value(&stored.body).into(),
                id: stored.id.clone(),
            };
            if range.contains(&place, direction) {
                found.push((place, stored));
            }
        }
    }
    range.edges(found, sort, total)
}

/// Returns a page of a complete list that is sorted by id, ascending.
///
/// # Errors
/// As [`page`].
pub fn page_of<T>(list: Vec<Stored<T>>, page: &Page, sort: &str) -> Result<Edges<T>, Error> {
    let range = Range::new(page, sort, false)?;
    let total = u64::try_from(list.len()).ok().filter(|_| page.count);
    let place = |stored: &Stored<T>| Place {
        query: 0,
        value: None,
        id: stored.id.clone(),
    };
    let places = list.into_iter().map(|stored| (place(&stored), stored));
    let direction = range.direction(&Query::all("", 0));
    let mut found: Vec<_> = places
        .filter(|(place, _)| range.contains(place, direction))
        .collect();
    if page.from_end {
        found.reverse();
    }
    range.edges(found, sort, total)
}

/// The places between the cursors of a page, in the order in which they are read. A page from the end of the
/// list is read backward.
struct Range {
    backward: bool,
    /// The page begins after this place.
    start: Option<Place>,
    /// The page ends before this place.
    end: Option<Place>,
    /// The number of documents to read: one more than the page has. It shows whether the range has more.
    limit: u32,
}

impl Range {
    fn new(page: &Page, sort: &str, has_value: bool) -> Result<Self, Error> {
        if page.limit > MAX_PAGE {
            let field = if page.from_end { "last" } else { "first" };
            let message = format!("`{field}` must be at most {MAX_PAGE}.");
            return Err(Error::invalid(field, message));
        }
        let place = |field: &str, cursor: &Option<String>| {
            let cursor = cursor.as_deref();
            cursor
                .map(|cursor| cursor::decode(field, cursor, sort, has_value))
                .transpose()
        };
        let (after, before) = (place("after", &page.after)?, place("before", &page.before)?);
        let (start, end) = if page.from_end {
            (before, after)
        } else {
            (after, before)
        };
        Ok(Self {
            backward: page.from_end,
            start,
            end,
            limit: page.limit + 1,
        })
    }

    /// Returns whether places of this query can be in the range.
    fn has_query(&self, number: u32) -> bool {
        let is_out = |place: &Option<Place>, side| {
            let place = place.as_ref();
            place.is_some_and(|place| self.compare_queries(number, place.query) == side)
        };
        !is_out(&self.start, Ordering::Less) && !is_out(&self.end, Ordering::Greater)
    }

    /// Returns the position after which a query is read.
    fn position(&self, number: u32) -> Option<Position> {
        let start = self.start.as_ref().filter(|start| start.query == number)?;
        Some(Position {
            value: start.value.clone(),
            id: start.id.clone(),
        })
    }

    /// Returns the direction in which a query is read.
    fn direction(&self, query: &Query) -> Direction {
        let sort = query.sort.as_ref();
        match (
            sort.map_or(Direction::Ascending, |sort| sort.direction),
            self.backward,
        ) {
            (Direction::Ascending, false) | (Direction::Descending, true) => Direction::Ascending,
            (Direction::Descending, false) | (Direction::Ascending, true) => Direction::Descending,
        }
    }

    fn contains(&self, place: &Place, direction: Direction) -> bool {
        let precedes = |a: &Place, b: &Place| {
            let positions = compare_positions(a, b);
            let positions = match direction {
                Direction::Ascending => positions,
                Direction::Descending => positions.reverse(),
            };
            self.compare_queries(a.query, b.query).then(positions) == Ordering::Less
        };
        self.start.as_ref().is_none_or(|start| precedes(start, place))
            && self.end.as_ref().is_none_or(|end| precedes(place, end))
    }

    fn compare_queries(&self, a: u32, b: u32) -> Ordering {
        if self.backward { b.cmp(&a) } else { a.cmp(&b) }
    }

    /// Returns the page of what was read.
    fn edges<T>(
        &self,
        mut found: Vec<(Place, Stored<T>)>,
        sort: &str,
        total: Option<u64>,
    ) -> Result<Edges<T>, Error> {
        let length = usize::try_from(self.limit - 1).unwrap_or(usize::MAX);
        let has_more = found.len() > length;
        found.truncate(length);
        let has_earlier = self.start.is_some();
        let (has_previous, has_next) = if self.backward {
            found.reverse();
            (has_more, has_earlier)
        } else {
            (has_earlier, has_more)
        };
        let edge = |(place, stored)| Ok((cursor::encode(sort, place)?, stored));
        Ok(Edges {
            edges: found.into_iter().map(edge).collect::<Result<_, Error>>()?,
            has_next,
            has_previous,
            total,
        })
    }
}

/// Compares positions as all stores do: integers before texts, and texts by code point.
fn compare_positions(a: &Place, b: &Place) -> Ordering {
    let values = match (&a.value, &b.value) {
        (Some(Scalar::Integer(a)), Some(Scalar::Integer(b))) => a.cmp(b),
        (Some(Scalar::Text(a)), Some(Scalar::Text(b))) => a.cmp(b),
        (Some(Scalar::Integer(_)), Some(Scalar::Text(_))) => Ordering::Less,
        (Some(Scalar::Text(_)), Some(Scalar::Integer(_))) => Ordering::Greater,
        (a, b) => a.is_some().cmp(&b.is_some()),
    };
    values.then_with(|| a.id.cmp(&b.id))
}

#[cfg(feature = "testing")]
#[cfg(test)]
mod tests;
