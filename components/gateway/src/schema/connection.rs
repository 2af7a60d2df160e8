//! Relay's Cursor Connections over the services' pages.

use async_graphql::OutputType;
use async_graphql::connection::{Connection, Edge, EmptyFields};
use mercato_shop::types::{Error, Page};

/// The most edges of one page.
const MOST: i32 = 100;
/// How many edges a page has where its size is null.
const DEFAULT: i32 = 20;
/// How many items a plain list has at the most. Longer ones are read by pages.
const WHOLE: u32 = 1_000;

/// What lists count for in a query's complexity, which can't know how long they are.
pub const LIST: usize = 100;

/// The page that a connection's arguments ask for.
pub fn page(first: Option<i32>, after: Option<String>) -> Result<Page, Error> {
    match u32::try_from(first.unwrap_or(DEFAULT)) {
        Ok(first @ 1..=100) => Ok(Page { first, after }),
        _ => Err(Error::invalid("first", format!("A page has 1 to {MOST} items."))),
    }
}

/// The page behind a plain list.
pub const fn whole_list() -> Page {
    Page {
        first: WHOLE,
        after: None,
    }
}

/// A page as a connection.
pub fn to_connection<T: OutputType>(
    after: bool,
    has_next: bool,
    edges: impl Iterator<Item = (String, T)>,
) -> Connection<String, T, EmptyFields, EmptyFields> {
    let mut connection = Connection::new(after, has_next);
    connection
        .edges
        .extend(edges.map(|(cursor, node)| Edge::new(cursor, node)));
    connection
}

/// What a connection counts for. One that asks for too much is refused when it is resolved, for its size.
pub fn page_size(first: Option<i32>) -> usize {
    usize::try_from(first.unwrap_or(20).clamp(1, 100)).unwrap_or(1)
}
