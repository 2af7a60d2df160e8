//! The shapes of JSON that tell of orders.

use mercato_shop::orders::{Actor, Amounts, Order as Found, OrderLine, Status, StatusChange as Change};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::datetime::DateTime;

/// Where an order stands.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OrderStatus {
    #[serde(alias = "PENDING")]
    Pending,
    #[serde(alias = "PAID")]
    Paid,
    #[serde(alias = "PROCESSING")]
    Processing,
    #[serde(alias = "SHIPPED")]
    Shipped,
    #[serde(alias = "DELIVERED")]
    Delivered,
    #[serde(alias = "CANCELLED")]
    Cancelled,
    #[serde(alias = "REFUNDED")]
    Refunded,
}

impl From<Status> for OrderStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Pending => Self::Pending,
            Status::Paid => Self::Paid,
            Status::Processing => Self::Processing,
            Status::Shipped => Self::Shipped,
            Status::Delivered => Self::Delivered,
            Status::Cancelled => Self::Cancelled,
            Status::Refunded => Self::Refunded,
        }
    }
}

impl From<OrderStatus> for Status {
    fn from(status: OrderStatus) -> Self {
        match status {
            OrderStatus::Pending => Self::Pending,
            OrderStatus::Paid => Self::Paid,
            OrderStatus::Processing => Self::Processing,
            OrderStatus::Shipped => Self::Shipped,
            OrderStatus::Delivered => Self::Delivered,
            OrderStatus::Cancelled => Self::Cancelled,
            OrderStatus::Refunded => Self::Refunded,
        }
    }
}

/// What a customer bought.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    #[serde(rename = "_id")]
    pub id: String,
    pub user_id: String,
    pub products: Vec<OrderProduct>,
    pub status: OrderStatus,
    #[serde(flatten)]
    pub amounts: OrderAmounts,
    /// ISO 4217.
    pub currency: String,
    pub discount_code: Option<String>,
    /// Where it goes to, as ISO 3166 names it.
    pub region: Option<String>,
    /// Counts the changes of the order.
    pub version: u64,
    /// Who did what with it, from its placement on.
    pub timeline: Vec<StatusChange>,
    pub created_at: DateTime,
}

/// What an order or one of its lines comes to, in minor units (cents): `total = subtotal - discount + tax`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OrderAmounts {
    pub subtotal: i64,
    pub discount: i64,
    pub tax: i64,
    /// What is to be paid.
    pub total: i64,
}

/// A product as it was sold.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderProduct {
    /// The product's id.
    #[serde(rename = "_id")]
    pub id: String,
    pub name: String,
    pub quantity: u32,
    /// Of one piece, in minor units (cents).
    pub unit_price: i64,
    #[serde(flatten)]
    pub amounts: OrderAmounts,
}

/// A change of an order's status.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatusChange {
    pub at: DateTime,
    pub actor: OrderActor,
    /// The user's id, where it was a user.
    pub actor_id: Option<String>,
    /// Null where the order began.
    pub from: Option<OrderStatus>,
    pub to: OrderStatus,
    pub note: Option<String>,
}

/// Who did something with an order.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OrderActor {
    Customer,
    Admin,
    ApiKey,
    Shop,
}

impl From<Found> for Order {
    fn from(order: Found) -> Self {
        Self {
            id: order.id,
            user_id: order.user_id,
            products: order.lines.into_iter().map(OrderProduct::from).collect(),
            status: order.status.into(),
            amounts: order.amounts.into(),
            currency: order.currency,
            discount_code: order.discount_code,
            region: order.region,
            version: order.version,
            timeline: order.timeline.into_iter().map(StatusChange::from).collect(),
            created_at: DateTime(order.created_at),
        }
    }
}

impl From<Amounts> for OrderAmounts {
    fn from(amounts: Amounts) -> Self {
        Self {
            subtotal: amounts.subtotal,
            discount: amounts.discount,
            tax: amounts.tax,
            total: amounts.total,
        }
    }
}

impl From<OrderLine> for OrderProduct {
    fn from(line: OrderLine) -> Self {
        Self {
            id: line.product_id,
            name: line.name,
            quantity: line.quantity,
            unit_price: line.unit_price,
            amounts: line.amounts.into(),
        }
    }
}

impl From<Change> for StatusChange {
    fn from(change: Change) -> Self {
        let (actor, actor_id) = match change.actor {
            Actor::Customer(id) => (OrderActor::Customer, Some(id)),
            Actor::Admin(id) => (OrderActor::Admin, Some(id)),
            Actor::ApiKey => (OrderActor::ApiKey, None),
            Actor::Shop => (OrderActor::Shop, None),
        };
        Self {
            at: DateTime(change.at),
            actor,
            actor_id,
            from: change.before.map(Into::into),
            to: change.after.into(),
            note: change.note,
        }
    }
}

/// An order to be placed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewOrder {
    pub products: Vec<NewLine>,
    pub discount_code: Option<String>,
    /// Where it goes to, and is taxed: an ISO 3166 code such as DE or US-CA.
    pub region: Option<String>,
}

/// So many of one product.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLine {
    /// The product's id.
    #[serde(rename = "_id")]
    pub id: String,
    pub quantity: i64,
}

/// Where an order is to stand.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StatusWanted {
    pub status: OrderStatus,
    /// For the timeline; at most 500 characters.
    pub note: Option<String>,
    /// The version that the change is made of, where `If-Match` does not tell it.
    pub version: Option<u64>,
}

/// Why an order is given up.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cancellation {
    /// For the timeline; at most 500 characters.
    pub reason: Option<String>,
}

/// What is to be known of an order that is given up.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderDeletion {
    /// As in the URL, and before that.
    pub reason: Option<String>,
    /// The version that is meant, where `If-Match` does not tell it.
    pub version: Option<u64>,
}

/// Which orders.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrdersWanted {
    /// How many; 20 where it is left out.
    #[schemars(range(min = 1, max = 100))]
    pub first: Option<u32>,
    /// The `endCursor` of the page before.
    pub after: Option<String>,
    pub status: Option<OrderStatus>,
    /// Inclusive.
    pub created_from: Option<DateTime>,
    /// Exclusive.
    pub created_before: Option<DateTime>,
    /// For an ADMIN or the API key; a customer sees only the own orders. `me` stands for the caller.
    pub user_id: Option<String>,
    /// Newest first, `-created`, where it is left out; `created` is oldest first.
    #[serde(default)]
    pub sort: OrdersOrder,
}

/// The order of orders.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
pub enum OrdersOrder {
    #[serde(rename = "created")]
    Created,
    #[default]
    #[serde(rename = "-created")]
    CreatedDown,
}

impl OrdersOrder {
    /// Whether it goes from the oldest to the newest.
    pub fn is_upwards(self) -> bool {
        self == Self::Created
    }
}
