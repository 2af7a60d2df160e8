//! The GraphQL schema: what `compat.graphql` promises, and what has grown on it. One object, or one area, a file.

mod audit;
mod connection;
mod datetime;
mod import;
mod mutation;
mod nullable;
mod order;
mod product;
mod profile;
mod query;
mod session;
mod user;
mod verification;

use async_graphql::{EmptySubscription, MergedObject, Schema};

use crate::limits;
use audit::AuditQuery;
use mutation::ShopMutation;
use profile::{ProfileMutation, ProfileQuery};
use query::ShopQuery;
use session::{SessionMutation, SessionQuery};
use verification::VerificationMutation;

/// What can be read.
#[derive(MergedObject)]
pub struct Query(ShopQuery, SessionQuery, ProfileQuery, AuditQuery);

/// What can be changed.
#[derive(MergedObject)]
pub struct Mutation(
    ShopMutation,
    SessionMutation,
    ProfileMutation,
    VerificationMutation,
);

/// The shop's schema.
pub type ShopSchema = Schema<Query, Mutation, EmptySubscription>;

/// Builds the schema. It takes long compared to a request, and is the same for everyone: built once an instance.
pub fn build() -> ShopSchema {
    let query = Query(ShopQuery, SessionQuery, ProfileQuery, AuditQuery);
    let mutation = Mutation(
        ShopMutation,
        SessionMutation,
        ProfileMutation,
        VerificationMutation,
    );
    Schema::build(query, mutation, EmptySubscription)
        .limit_complexity(limits::COMPLEXITY)
        .finish()
}
