//! The GraphQL schema.

use async_graphql::{MergedObject, MergedSubscription, Schema};

use crate::graphql::accounts::{AccountsMutation, AccountsQuery};
use crate::graphql::carts::{CartsMutation, CartsQuery};
use crate::graphql::catalog::{CatalogMutation, CatalogQuery};
use crate::graphql::discounts::{DiscountsMutation, DiscountsQuery};
use crate::graphql::export::ExportQuery;
use crate::graphql::limits;
use crate::graphql::notifications::{NotificationsMutation, NotificationsQuery};
use crate::graphql::orders::{OrdersMutation, OrdersQuery};
use crate::graphql::payments::{PaymentsMutation, PaymentsQuery};
use crate::graphql::subscriptions::{OrderSubscription, ProductSubscription};
use crate::graphql::webhooks::{WebhooksMutation, WebhooksQuery};

/// The queries of the shop.
#[derive(Default, MergedObject)]
pub struct Query(
    AccountsQuery,
    CatalogQuery,
    ExportQuery,
    CartsQuery,
    OrdersQuery,
    DiscountsQuery,
    PaymentsQuery,
    NotificationsQuery,
    WebhooksQuery,
);

/// The mutations of the shop.
#[derive(Default, MergedObject)]
pub struct Mutation(
    AccountsMutation,
    CatalogMutation,
    CartsMutation,
    OrdersMutation,
    DiscountsMutation,
    PaymentsMutation,
    NotificationsMutation,
    WebhooksMutation,
);

/// The subscriptions of the shop.
#[derive(Default, MergedSubscription)]
pub struct Subscription(ProductSubscription, OrderSubscription);

/// The schema of the shop.
pub type ShopSchema = Schema<Query, Mutation, Subscription>;

/// Builds the schema. This takes long compared to a request.
pub fn build() -> ShopSchema {
    Schema::build(Query::default(), Mutation::default(), Subscription::default())
        .limit_complexity(limits::COMPLEXITY)
        .finish()
}
