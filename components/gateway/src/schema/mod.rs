//! The GraphQL schema: what `compat.graphql` promises, and what has grown on it. One object, or one area, a file.

mod audit;
mod cart;
mod connection;
pub mod datetime;
mod discount;
mod import;
mod mutation;
mod notification;
mod nullable;
mod order;
mod payment;
mod product;
mod profile;
mod query;
mod session;
mod subscription;
mod user;
mod verification;
mod webhook;

use async_graphql::{MergedObject, Schema};

use crate::limits;
use audit::AuditQuery;
use cart::operations::{CartMutation, CartQuery};
use discount::operations::{DiscountMutation, DiscountQuery};
use mutation::ShopMutation;
use notification::operations::{NotificationMutation, NotificationQuery};
use order::operations::{OrderMutation, OrderQuery};
use payment::operations::{PaymentMutation, PaymentQuery};
use product::category::{CategoryMutation, CategoryQuery};
use product::details::VariantMutation;
use product::export::ExportQuery;
use product::facets::FacetQuery;
use product::operations::{CatalogMutation, CatalogQuery};
use product::stock::{StockMutation, StockQuery};
use profile::{ProfileMutation, ProfileQuery};
use query::ShopQuery;
use session::{SessionMutation, SessionQuery};
use subscription::Subscription;
use verification::VerificationMutation;
use webhook::operations::{WebhookMutation, WebhookQuery};

/// What can be read.
#[derive(Default, MergedObject)]
pub struct Query(
    ShopQuery,
    SessionQuery,
    ProfileQuery,
    AuditQuery,
    OrderQuery,
    DiscountQuery,
    CatalogQuery,
    StockQuery,
    CategoryQuery,
    FacetQuery,
    ExportQuery,
    CartQuery,
    PaymentQuery,
    NotificationQuery,
    WebhookQuery,
);

/// What can be changed.
#[derive(Default, MergedObject)]
pub struct Mutation(
    ShopMutation,
    SessionMutation,
    ProfileMutation,
    VerificationMutation,
    OrderMutation,
    DiscountMutation,
    CatalogMutation,
    StockMutation,
    CategoryMutation,
    VariantMutation,
    CartMutation,
    PaymentMutation,
    NotificationMutation,
    WebhookMutation,
);

/// The shop's schema.
pub type ShopSchema = Schema<Query, Mutation, Subscription>;

/// Builds the schema. It takes long compared to a request, and is the same for everyone: built once an instance.
pub fn build() -> ShopSchema {
    Schema::build(Query::default(), Mutation::default(), Subscription::default())
        .limit_complexity(limits::COMPLEXITY)
        .finish()
}
