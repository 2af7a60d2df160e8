//! The GraphQL schema: what `compat.graphql` promises, and what has grown on it. One object a file.

mod connection;
mod datetime;
mod import;
mod mutation;
mod nullable;
mod order;
mod product;
mod query;
mod user;

use async_graphql::{EmptySubscription, Schema};

use crate::limits;
use mutation::Mutation;
use query::Query;

/// The shop's schema.
pub type ShopSchema = Schema<Query, Mutation, EmptySubscription>;

/// Builds the schema. It takes long compared to a request, and is the same for everyone: built once an instance.
pub fn build() -> ShopSchema {
    Schema::build(Query, Mutation, EmptySubscription)
        .limit_complexity(limits::COMPLEXITY)
        .finish()
}
