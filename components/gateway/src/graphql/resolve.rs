//! How fields are resolved: by a call of a service with the session of the request.
//!
//! If a nullable field fails, only this field is null, and its error has its path (GraphQL, section 6.4.4).

use std::sync::Arc;

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{Context, OutputType, Result};
use mercato_shop::types::{self, Error};

use crate::graphql::errors::to_graphql;
use crate::model::convert::Convert;
use crate::model::page::Page;
use crate::request_session::RequestSession;

/// The type of a nullable field. The error of a `Result<Option<T>>` would make the surrounding object null.
pub type Nullable<T> = Option<Result<T>>;

/// A connection without additional fields.
pub type PageOf<T> = Connection<String, T, EmptyFields, EmptyFields>;

/// The largest page of a connection.
const MAX_FIRST: u32 = 100;
/// The page size of a connection whose `first` is null.
const DEFAULT_FIRST: i32 = 20;
/// The largest plain list. Longer lists have a connection.
const WHOLE_LIST: u32 = 1_000;

/// The estimated length of a plain list, for the complexity of a query.
pub const LIST: usize = 100;

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

/// Resolves a connection by a call for the page that its arguments name.
pub fn connection<P: Convert<Page<T>>, T: OutputType>(
    context: &Context<'_>,
    first: Option<i32>,
    after: Option<String>,
    call: impl FnOnce(&RequestSession, &types::Page) -> Result<P, Error>,
) -> Nullable<PageOf<T>> {
    let has_previous = after.is_some();
    let page: Page<T> = match read_page(context, first, after, call)? {
        Ok(page) => page,
        Err(error) => return Some(Err(error)),
    };
    let mut connection = Connection::new(has_previous, page.page_info.has_next_page);
    let edges = page.cursors.into_iter().zip(page.items);
    connection
        .edges
        .extend(edges.map(|(cursor, node)| Edge::new(cursor, node)));
    Some(Ok(connection))
}

fn read_page<P: Convert<Page<T>>, T>(
    context: &Context<'_>,
    first: Option<i32>,
    after: Option<String>,
    call: impl FnOnce(&RequestSession, &types::Page) -> Result<P, Error>,
) -> Nullable<Page<T>> {
    read(context, |session| {
        let first = u32::try_from(first.unwrap_or(DEFAULT_FIRST)).unwrap_or(0);
        if !(1..=MAX_FIRST).contains(&first) {
            return Err(Error::invalid(
                "first",
                format!("`first` must be 1 to {MAX_FIRST}."),
            ));
        }
        call(session, &types::Page { first, after })
    })
}

/// Resolves a plain list by a call for its first items.
pub fn whole_list<P: Convert<Page<T>>, T>(
    context: &Context<'_>,
    call: impl FnOnce(&RequestSession, &types::Page) -> Result<P, Error>,
) -> Nullable<Vec<Option<T>>> {
    let page = types::Page {
        first: WHOLE_LIST,
        after: None,
    };
    let list: Result<Page<T>> = read(context, |session| call(session, &page))?;
    Some(list.map(|page| page.items.into_iter().map(Some).collect()))
}

/// Returns the complexity of a connection. A page that is too large is rejected when it is resolved.
pub fn page_size(first: Option<i32>) -> usize {
    usize::try_from(first.unwrap_or(DEFAULT_FIRST).clamp(1, 100)).unwrap_or(1)
}

/// Returns the version that a change is based on.
///
/// # Errors
/// [`Error::Invalid`] for a negative number.
pub fn version(version: i32) -> Result<u64, Error> {
    u64::try_from(version).map_err(|_| Error::invalid("version", "`version` must be 1 or more."))
}
