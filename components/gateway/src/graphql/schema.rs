//! The GraphQL schema.

use std::sync::LazyLock;

use async_graphql::{MergedObject, MergedSubscription, Response, Schema, Value};

use crate::graphql::accounts::{AccountsMutation, AccountsQuery};
use crate::graphql::carts::{CartsMutation, CartsQuery};
use crate::graphql::catalog::CatalogQuery;
use crate::graphql::catalog_changes::CatalogMutation;
use crate::graphql::discounts::{DiscountsMutation, DiscountsQuery};
use crate::graphql::export::ExportQuery;
use crate::graphql::node::NodeQuery;
use crate::graphql::notifications::{NotificationsMutation, NotificationsQuery};
use crate::graphql::orders::{OrdersMutation, OrdersQuery};
use crate::graphql::payments::{PaymentsMutation, PaymentsQuery};
use crate::graphql::resolve::PageOf;
use crate::graphql::subscriptions::{OrderSubscription, ProductSubscription};
use crate::graphql::webhooks::{WebhooksMutation, WebhooksQuery};
use crate::model::audit::AuditEntry;
use crate::model::discount::Discount;
use crate::model::notification::Notification;
use crate::model::order::Order;
use crate::model::product::Product;
use crate::model::stock::StockMovement;
use crate::model::user::User;
use crate::model::webhook::Delivery;

/// The description of the schema.
const DESCRIPTION: &str = "The shop. Products and categories are public. Customers send `Authorization: Bearer \
    <access_token>` and see only their own data. Staff have the role ADMIN, or send the API key as `x-api-key`. \
    An error has a stable code in `extensions.code`. Amounts are in minor units (cents), and times are in UTC. \
    An `Int` has 32 bits, so a larger amount fails with AMOUNT_TOO_LARGE. The field of the type `Amount` beside \
    it has all amounts.";

/// The description that async-graphql gives to each schema. It describes the type `__Schema`.
const DESCRIPTION_OF_TYPE: &str = "A GraphQL Schema defines the capabilities of a GraphQL server. It exposes all \
    available types and directives on the server, as well as the entry points for query, mutation, and \
    subscription operations.";

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
    NodeQuery,
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

/// The schema, which all gateways share. It is built at the first use.
pub static SCHEMA: LazyLock<ShopSchema> = LazyLock::new(build);

/// Builds the schema. This takes long compared to a request.
pub fn build() -> ShopSchema {
    Schema::build(Query::default(), Mutation::default(), Subscription::default())
        .override_output_type_description::<PageOf<AuditEntry>>("A page of the audit log.")
        .override_output_type_description::<PageOf<Delivery>>("A page of the deliveries of webhooks.")
        .override_output_type_description::<PageOf<Discount>>("A page of discount codes.")
        .override_output_type_description::<PageOf<Notification>>("A page of notifications.")
        .override_output_type_description::<PageOf<Order>>("A page of orders.")
        .override_output_type_description::<PageOf<Product>>("A page of products.")
        .override_output_type_description::<PageOf<StockMovement>>("A page of the movements of a stock.")
        .override_output_type_description::<PageOf<User>>("A page of users.")
        .finish()
}

/// Returns the schema in GraphQL's schema definition language. async-graphql leaves out its description.
pub fn sdl() -> String {
    let described = format!("\"\"\"\n{DESCRIPTION}\n\"\"\"\nschema {{");
    build().sdl().replacen("schema {", &described, 1)
}

/// Puts the description of this schema into the response to an introspection.
pub fn describe(response: &mut Response) {
    let Value::Object(fields) = &mut response.data else {
        return;
    };
    let objects = fields.values_mut().filter_map(|field| match field {
        Value::Object(object) => Some(object),
        _ => None,
    });
    for value in objects.flat_map(|object| object.values_mut()) {
        if matches!(value, Value::String(text) if text == DESCRIPTION_OF_TYPE) {
            *value = DESCRIPTION.into();
        }
    }
}
