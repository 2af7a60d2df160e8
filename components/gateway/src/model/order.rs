//! Orders.

use async_graphql::{Enum, InputObject, SimpleObject};
use mercato_shop::orders::{self, Actor};
use mercato_shop::types::Line;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::convert::{Convert, convert};
use crate::model::scalar::{DateTime, Id, Int, names_only};

/// The status of an order.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Enum)]
#[graphql(remote = "orders::Status")]
#[serde(rename_all = "lowercase")]
#[schemars(transform = names_only)]
pub enum OrderStatus {
    /// Placed, and not paid.
    #[serde(alias = "PENDING")]
    Pending,
    /// Paid.
    #[serde(alias = "PAID")]
    Paid,
    /// Being packed.
    #[serde(alias = "PROCESSING")]
    Processing,
    /// Shipped.
    #[serde(alias = "SHIPPED")]
    Shipped,
    /// Delivered to the customer.
    #[serde(alias = "DELIVERED")]
    Delivered,
    /// Cancelled. Its products are back in stock.
    #[serde(alias = "CANCELLED")]
    Cancelled,
    /// Refunded in full.
    #[serde(alias = "REFUNDED")]
    Refunded,
}

/// An order. Amounts are in minor units (cents) of `currency`.
#[derive(Serialize, JsonSchema, SimpleObject)]
#[graphql(complex)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    #[graphql(name = "_id")]
    #[serde(rename = "_id")]
    pub id: Id,
    pub user_id: Id,
    #[graphql(skip)]
    pub products: Vec<OrderProduct>,
    status: OrderStatus,
    /// The price of the products, without discount and tax.
    subtotal: Int,
    /// The reduction by the discount code.
    discount: Int,
    /// The tax of the region, on subtotal - discount.
    tax: Int,
    /// The amount to pay: subtotal - discount + tax.
    total: Int,
    /// ISO 4217.
    currency: String,
    discount_code: Option<String>,
    /// The destination, in ISO 3166.
    region: Option<String>,
    /// Increases with each change of the order. `updateOrderStatus` can check it.
    pub version: Int<u64>,
    /// All changes of the status, from the placement on.
    #[graphql(complexity = "5 * child_complexity")]
    timeline: Vec<StatusChange>,
    created_at: DateTime,
}

/// A line of an order: a product as it was sold. Amounts are in minor units (cents) of the order's currency.
#[derive(Serialize, JsonSchema, SimpleObject)]
#[graphql(complex)]
#[serde(rename_all = "camelCase")]
pub struct OrderProduct {
    /// The product's id.
    #[graphql(name = "_id")]
    #[serde(rename = "_id")]
    pub id: Id,
    /// The product's name when it was sold.
    name: String,
    quantity: Int<u32>,
    /// The price of one unit when it was sold.
    unit_price: Int,
    /// The price of all units, without discount and tax.
    subtotal: Int,
    /// The line's share of the order's discount.
    discount: Int,
    /// The line's share of the order's tax.
    tax: Int,
    /// The line's share of the amount to pay: subtotal - discount + tax.
    total: Int,
}

/// A change of an order's status.
#[derive(Serialize, JsonSchema, SimpleObject)]
#[graphql(name = "OrderStatusChange")]
#[serde(rename_all = "camelCase")]
pub struct StatusChange {
    at: DateTime,
    actor: OrderActor,
    /// The id of the user, if the actor is a user.
    actor_id: Option<Id>,
    /// Null for the placement of the order.
    from: Option<OrderStatus>,
    to: OrderStatus,
    note: Option<String>,
}

/// The kind of actor that changed an order.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, JsonSchema, Enum)]
#[serde(rename_all = "kebab-case")]
#[schemars(transform = names_only)]
pub enum OrderActor {
    /// The customer.
    Customer,
    /// A user with the role ADMIN.
    Admin,
    /// A caller with the API key.
    ApiKey,
    /// The shop itself, such as when a time limit passed.
    Shop,
}

/// An order to place.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewOrder {
    pub products: Vec<NewLine>,
    pub discount_code: Option<String>,
    /// The destination, which determines the tax: an ISO 3166 code such as DE or US-CA.
    pub region: Option<String>,
}

/// Units of a product to order.
#[derive(Deserialize, JsonSchema, InputObject)]
#[graphql(name = "OrderProductInput")]
#[serde(deny_unknown_fields)]
pub struct NewLine {
    /// The product's id.
    #[graphql(name = "_id")]
    #[serde(rename = "_id")]
    id: String,
    quantity: Int,
}

/// A new status of an order.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "StatusWanted")]
pub struct StatusUpdate {
    pub status: OrderStatus,
    /// For the timeline. At most 500 characters.
    pub note: Option<String>,
    /// The version that the change is based on. The header `If-Match` takes precedence.
    pub version: Option<u64>,
}

/// Why an order is cancelled.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cancellation {
    /// For the timeline. At most 500 characters.
    pub reason: Option<String>,
}

/// Why an order is cancelled, and in which version.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderDeletion {
    /// Takes precedence over the `reason` in the URL.
    pub reason: Option<String>,
    /// The version of the order. The header `If-Match` takes precedence.
    pub version: Option<u64>,
}

/// Which orders to list. All conditions must hold.
#[derive(Default, Deserialize, JsonSchema, InputObject)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrderFilter {
    /// The number of items. The default is 20.
    #[graphql(skip)]
    #[schemars(range(min = 1, max = 100))]
    pub first: Option<u32>,
    /// The `endCursor` of the previous page.
    #[graphql(skip)]
    pub after: Option<String>,
    status: Option<OrderStatus>,
    /// Inclusive.
    created_from: Option<DateTime>,
    /// Exclusive.
    created_before: Option<DateTime>,
    /// Customers can list only their own orders. REST also takes `me`.
    pub user_id: Option<String>,
    /// The sort order: `-created`, the default, lists the newest first, `created` the oldest.
    #[graphql(skip)]
    #[serde(default)]
    pub sort: OrdersOrder,
}

/// The sort order of orders.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema, PartialEq, Eq)]
pub enum OrdersOrder {
    #[serde(rename = "created")]
    Created,
    #[default]
    #[serde(rename = "-created")]
    CreatedDescending,
}

/// The field that orders are sorted by.
#[derive(Clone, Copy, Default, PartialEq, Eq, Enum)]
pub enum OrderSortKey {
    /// The time of the placement.
    #[default]
    Created,
}

/// The sort order of orders.
#[derive(InputObject)]
pub struct OrderSort {
    #[graphql(default)]
    key: OrderSortKey,
    #[graphql(default)]
    descending: bool,
}

impl OrderSort {
    /// Returns whether the oldest order comes first.
    pub const fn is_oldest_first(&self) -> bool {
        match self.key {
            OrderSortKey::Created => !self.descending,
        }
    }
}

convert!(orders::Status => OrderStatus, OrderStatus => orders::Status);
convert!(orders::Order => Order {
    id, user_id, products: lines, status, subtotal: amounts.subtotal, discount: amounts.discount, tax:
    amounts.tax, total: amounts.total, currency, discount_code, region, version, timeline, created_at,
});
convert!(orders::OrderLine => OrderProduct {
    id: product_id, name, quantity, unit_price, subtotal: amounts.subtotal, discount: amounts.discount, tax:
    amounts.tax, total: amounts.total,
});
convert!(OrderFilter => orders::OrderFilter { status, created_from, created_before, user_id });
convert!(NewOrder => orders::NewOrder { lines: products, discount_code, region });

impl Convert<StatusChange> for orders::StatusChange {
    fn convert(self) -> StatusChange {
        let (actor, actor_id) = match self.actor {
            Actor::Customer(id) => (OrderActor::Customer, Some(id)),
            Actor::Admin(id) => (OrderActor::Admin, Some(id)),
            Actor::ApiKey => (OrderActor::ApiKey, None),
            Actor::Shop => (OrderActor::Shop, None),
        };
        StatusChange {
            at: self.at.convert(),
            actor,
            actor_id: actor_id.convert(),
            from: self.before.convert(),
            to: self.after.convert(),
            note: self.note,
        }
    }
}

impl Convert<Line> for NewLine {
    fn convert(self) -> Line {
        Line {
            product_id: self.id,
            // The service refuses 0. A number out of range becomes 0, so that the service refuses it too.
            quantity: u32::try_from(self.quantity.0).unwrap_or(0),
        }
    }
}
