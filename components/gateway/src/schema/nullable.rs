//! Fields that may be null: where one fails, it alone is null, and its error has its path (GraphQL, section 6.4.4).

use async_graphql::Result;

/// What a nullable field resolves to. As a `Result<Option<T>>` its error would null the object around it.
pub type Nullable<T> = Option<Result<T>>;

/// Resolves a nullable field by a future that may fail.
pub async fn nullable<T>(resolve: impl Future<Output = Result<Option<T>>>) -> Nullable<T> {
    resolve.await.transpose()
}
