//! Fields that may be null: where one fails, it alone is null, and its error has its path (GraphQL, section 6.4.4).

use async_graphql::{Context, Result};
use mercato_shop::types::Error;

use crate::session::Session;

/// What a nullable field resolves to. As a `Result<Option<T>>` its error would null the object around it.
pub type Nullable<T> = Option<Result<T>>;

/// Resolves a nullable field of a query by what the services answer to who calls. An error is told as its caller should hear it.
pub fn read<T>(context: &Context<'_>, ask: impl FnOnce(&Session) -> Result<T, Error>) -> Nullable<T> {
    Some(Session::of(context).and_then(|session| ask(session).map_err(|error| session.error(error))))
}

/// As [`read`], of a mutation.
pub fn change<T>(context: &Context<'_>, ask: impl FnOnce(&Session) -> Result<T, Error>) -> Nullable<T> {
    Some(Session::to_change(context).and_then(|session| ask(session).map_err(|error| session.error(error))))
}

/// Resolves a nullable field by a future that may fail: one that waits for a loader, or whose error is told otherwise.
pub async fn nullable<T>(resolve: impl Future<Output = Result<Option<T>>>) -> Nullable<T> {
    resolve.await.transpose()
}
