//! The GraphQL schema: what `compat.graphql` promises, and what has grown on it. One object a file.

mod connection;
mod datetime;
mod discount;
mod import;
mod mutation;
mod nullable;
mod order;
mod product;
mod query;
mod user;

use async_graphql::{EmptySubscription, MergedObject, Schema};

use crate::limits;
use discount::operations::{DiscountMutation, DiscountQuery};
use mutation::ShopMutation;
use order::operations::{OrderMutation, OrderQuery};
use query::ShopQuery;

/// What can be read.
#[derive(Default, MergedObject)]
pub struct Query(ShopQuery, OrderQuery, DiscountQuery);

/// What can be changed.
#[derive(Default, MergedObject)]
pub struct Mutation(ShopMutation, OrderMutation, DiscountMutation);

/// The shop's schema.
pub type ShopSchema = Schema<Query, Mutation, EmptySubscription>;

/// Builds the schema. It takes long compared to a request, and is the same for everyone: built once an instance.
pub fn build() -> ShopSchema {
    Schema::build(Query::default(), Mutation::default(), EmptySubscription)
        .limit_complexity(limits::COMPLEXITY)
        .finish()
}
