//! How fields are resolved: by a call of a service with the session of the request.
//!
//! If a nullable field fails, only this field is null, and its error has its path (GraphQL, section 6.4.4).

use std::sync::Arc;

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{Context, OutputType, Result, SimpleObject};
use mercato_shop::types::{self, Error};

use crate::graphql::errors::to_graphql;
use crate::model::convert::Convert;
use crate::model::page::Page;
use crate::request_session::RequestSession;

/// The type of a nullable field. The error of a `Result<Option<T>>` would make the surrounding object null.
pub type Nullable<T> = Option<Result<T>>;

/// A connection with the number of its items.
pub type PageOf<T> = Connection<String, T, Total, EmptyFields>;

/// The additional field of connections.
#[derive(SimpleObject)]
pub struct Total {
    /// The number of items on all pages.
    total_count: Option<i32>,
}

/// The arguments that select a page of a connection.
pub struct PageArguments {
    pub first: Option<i32>,
    pub after: Option<String>,
    pub last: Option<i32>,
    pub before: Option<String>,
}

/// The largest page of a connection.
const MAX_PAGE: u32 = 100;
/// The page size of a connection without `first` and `last`.
const DEFAULT_PAGE: i32 = 20;
/// The largest plain list. Longer lists have a connection.
const WHOLE_LIST: u32 = 1_000;

/// Returns the session of the request.
pub fn session<'a>(context: &Context<'a>) -> Result<&'a RequestSession> {
    context.data::<Arc<RequestSession>>().map(|session| &**session)
}

/// Returns the error as GraphQL reports it to the caller.
pub fn graphql_error(session: &RequestSession, error: Error) -> async_graphql::Error {
    to_graphql(session.with_rejection_reason(error))
}

/// Resolves a field of a query by a call.
pub fn read<T: Convert<U>, U>(
    context: &Context<'_>,
    call: impl FnOnce(&RequestSession) -> Result<T, Error>,
) -> Nullable<U> {
    let session = match session(context) {
        Ok(session) => session,
        Err(error) => return Some(Err(error)),
    };
    Some(
        call(session)
            .map(Convert::convert)
            .map_err(|error| graphql_error(session, error)),
    )
}

/// Resolves a field of a mutation by a call.
pub fn change<T: Convert<U>, U>(
    context: &Context<'_>,
    call: impl FnOnce(&RequestSession) -> Result<T, Error>,
) -> Nullable<U> {
    read(context, |session| {
        session.begin_change()?;
        call(session)
    })
}

/// Resolves a mutation that checks credentials in its input. Its error never speaks of the caller's access
/// token.
pub fn change_with_credentials<T: Convert<U>, U>(
    context: &Context<'_>,
    call: impl FnOnce(&RequestSession) -> Result<T, Error>,
) -> Nullable<U> {
    Some(session(context).and_then(|session| {
        let begun = session.begin_change();
        begun
            .and_then(|()| call(session))
            .map(Convert::convert)
            .map_err(to_graphql)
    }))
}

/// Resolves a field by a loader.
pub async fn load<'a, T: Convert<U>, U, F: Future<Output = Result<Option<T>, Error>>>(
    context: &Context<'a>,
    load: impl FnOnce(&'a RequestSession) -> F,
) -> Nullable<U> {
    let session = match session(context) {
        Ok(session) => session,
        Err(error) => return Some(Err(error)),
    };
    match load(session).await {
        Ok(found) => found.map(|found| Ok(found.convert())),
        Err(error) => Some(Err(graphql_error(session, error))),
    }
}

impl PageArguments {
    /// Returns the page, which counts all items if `count` is set.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a page size that is out of range, or for both `first` and `last`.
    fn page(self, count: bool) -> Result<types::Page, Error> {
        let (name, size) = match (self.first, self.last) {
            (Some(_), Some(_)) => {
                let message = "`first` and `last` can't be combined. Send one of them.";
                return Err(Error::invalid("last", message));
            }
            (None, Some(last)) => ("last", last),
            (first, None) => ("first", first.unwrap_or(DEFAULT_PAGE)),
        };
        let limit = u32::try_from(size)
            .ok()
            .filter(|size| (1..=MAX_PAGE).contains(size))
            .ok_or_else(|| Error::invalid(name, format!("`{name}` must be 1 to {MAX_PAGE}.")))?;
        Ok(types::Page {
            limit,
            after: self.after,
            before: self.before,
            from_end: name == "last",
            count,
        })
    }
}

/// Resolves a connection by a call for the page that its arguments name. Counts all items only if the request
/// selects their number.
pub fn connection<P: Convert<Page<T>>, T: OutputType>(
    context: &Context<'_>,
    arguments: PageArguments,
    call: impl FnOnce(&RequestSession, &types::Page) -> Result<P, Error>,
) -> Nullable<PageOf<T>> {
    let count = context.look_ahead().field("totalCount").exists();
    let page: Result<Page<T>> = read(context, |session| call(session, &arguments.page(count)?))?;
    Some(page.map(|page| {
        let total = page.total.map(|total| i32::try_from(total).unwrap_or(i32::MAX));
        let mut connection = Connection::with_additional_fields(
            page.has_previous_page,
            page.page_info.has_next_page,
            Total { total_count: total },
        );
        let edges = page.cursors.into_iter().zip(page.items);
        connection
            .edges
            .extend(edges.map(|(cursor, node)| Edge::new(cursor, node)));
        connection
    }))
}

/// Resolves a plain list by a call for its first items.
pub fn whole_list<P: Convert<Page<T>>, T>(
    context: &Context<'_>,
    call: impl FnOnce(&RequestSession, &types::Page) -> Result<P, Error>,
) -> Nullable<Vec<Option<T>>> {
    let page = types::Page::first(WHOLE_LIST, None);
    let list: Result<Page<T>> = read(context, |session| call(session, &page))?;
    Some(list.map(|page| page.items.into_iter().map(Some).collect()))
}

/// Returns the version that a change is based on.
///
/// # Errors
/// [`Error::Invalid`] for a negative number.
pub fn version(version: i32) -> Result<u64, Error> {
    u64::try_from(version).map_err(|_| Error::invalid("version", "`version` must be 1 or more."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(first: Option<i32>, last: Option<i32>) -> Result<types::Page, Error> {
        let arguments = PageArguments {
            first,
            after: None,
            last,
            before: None,
        };
        arguments.page(false)
    }

    #[test]
    fn a_page_is_from_the_start_or_from_the_end() {
        for (first, last, limit, from_end) in [
            (None, None, 20, false),
            (Some(100), None, 100, false),
            (None, Some(1), 1, true),
        ] {
            let page = page(first, last).unwrap();
            assert_eq!((page.limit, page.from_end), (limit, from_end));
        }
    }

    #[test]
    fn rejects_a_page_size_that_is_out_of_range_and_two_sizes() {
        for (first, last, field) in [
            (Some(0), None, "first"),
            (Some(101), None, "first"),
            (None, Some(-1), "last"),
            (None, Some(101), "last"),
            (Some(1), Some(1), "last"),
        ] {
            let refused = page(first, last);
            assert!(matches!(refused, Err(Error::Invalid(violation)) if violation.field == field));
        }
    }
}
