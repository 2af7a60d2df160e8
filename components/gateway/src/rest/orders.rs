//! Orders.

use http::{Method, StatusCode};
use mercato_common::orders::{
    Actor, Amounts, NewOrder as New, Order as Found, OrderFilter, OrderLine, OrderQuery, Status,
    StatusChange as Change,
};
use mercato_common::types::{Error, Line};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rest::answer::Answer;
use crate::rest::call::Call;
use crate::rest::operation::{Access, Operation, Refusal};
use crate::rest::page::{self, Page};
use crate::rest::precondition::{self, tag};
use crate::schema::datetime::DateTime;

const ORDERS: &[&str] = &["/api/orders", "/orders"];
const ORDER: &[&str] = &["/api/orders/{id}"];
const STATUS: &[&str] = &["/api/orders/{id}/status", "/orders/{id}/status"];

/// What there is to do with orders.
pub fn operations() -> Vec<Operation> {
    use Access::{Known, Staff};
    let moves = |method, name| {
        Operation::new(method, STATUS, name, "Move an order on", Staff, update_status)
            .versioned()
            .takes::<StatusWanted>()
            .answers::<Order>(StatusCode::OK)
    };
    vec![
        Operation::new(
            Method::GET,
            ORDERS,
            "listOrders",
            "The own orders, newest first; everyone's for an ADMIN or the API key",
            Known,
            list,
        )
        .asks::<OrdersWanted>()
        .answers::<Page<Order>>(StatusCode::OK),
        Operation::new(
            Method::POST,
            ORDERS,
            "placeOrder",
            "Buy: all lines or none",
            Known,
            place,
        )
        .takes::<NewOrder>()
        .answers::<Order>(StatusCode::CREATED),
        Operation::new(Method::GET, ORDER, "getOrder", "One order", Known, get)
            .answers::<Order>(StatusCode::OK),
        Operation::new(
            Method::DELETE,
            ORDER,
            "cancelOrder",
            "Give an order up that has not been shipped; what it took goes back in stock",
            Known,
            cancel,
        )
        .versioned()
        .asks::<Cancellation>()
        .answers::<Order>(StatusCode::OK),
        moves(Method::PATCH, "updateOrderStatus"),
        moves(Method::PUT, "replaceOrderStatus"),
    ]
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum OrderStatus {
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
struct Order {
    #[serde(rename = "_id")]
    id: String,
    user_id: String,
    products: Vec<OrderProduct>,
    status: OrderStatus,
    #[serde(flatten)]
    amounts: OrderAmounts,
    /// ISO 4217.
    currency: String,
    discount_code: Option<String>,
    /// Where it goes to, as ISO 3166 names it.
    region: Option<String>,
    /// Counts the changes of the order.
    version: u64,
    /// Who did what with it, from its placement on.
    timeline: Vec<StatusChange>,
    created_at: DateTime,
}

/// What an order or one of its lines comes to, in minor units (cents): `total = subtotal - discount + tax`.
#[derive(Debug, Serialize, JsonSchema)]
struct OrderAmounts {
    subtotal: i64,
    discount: i64,
    tax: i64,
    /// What is to be paid.
    total: i64,
}

/// A product as it was sold.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct OrderProduct {
    /// The product's id.
    #[serde(rename = "_id")]
    id: String,
    name: String,
    quantity: u32,
    /// Of one piece, in minor units (cents).
    unit_price: i64,
    #[serde(flatten)]
    amounts: OrderAmounts,
}

/// A change of an order's status.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct StatusChange {
    at: DateTime,
    actor: OrderActor,
    /// The user's id, where it was a user.
    actor_id: Option<String>,
    /// Null where the order began.
    from: Option<OrderStatus>,
    to: OrderStatus,
    note: Option<String>,
}

/// Who did something with an order.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum OrderActor {
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
struct NewOrder {
    products: Vec<NewLine>,
    discount_code: Option<String>,
    /// Where it goes to, and is taxed: an ISO 3166 code such as DE or US-CA.
    region: Option<String>,
}

/// So many of one product.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewLine {
    /// The product's id.
    #[serde(rename = "_id")]
    id: String,
    quantity: i64,
}

/// Where an order is to stand.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StatusWanted {
    status: OrderStatus,
    /// For the timeline; at most 500 characters.
    note: Option<String>,
    /// The version that the change is made of, where `If-Match` does not tell it.
    version: Option<u64>,
}

/// Why an order is given up.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Cancellation {
    /// For the timeline; at most 500 characters.
    reason: Option<String>,
}

/// Which orders.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OrdersWanted {
    /// How many, 1 to 100; 20 where it is left out.
    first: Option<u32>,
    /// The `endCursor` of the page before.
    after: Option<String>,
    status: Option<OrderStatus>,
    /// Inclusive.
    created_from: Option<DateTime>,
    /// Exclusive.
    created_before: Option<DateTime>,
    /// For an ADMIN or the API key; a customer sees only the own orders.
    user_id: Option<String>,
    /// There is one order: newest first.
    #[serde(default, rename = "sort")]
    _sort: OrdersOrder,
}

/// The order of orders.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
enum OrdersOrder {
    #[default]
    #[serde(rename = "-created")]
    CreatedDown,
}

fn list(call: &Call<'_>) -> Result<Answer, Refusal> {
    let wanted: OrdersWanted = call.query()?;
    let query = OrderQuery {
        filter: OrderFilter {
            status: wanted.status.map(Into::into),
            created_from: wanted.created_from.map(|time| time.0),
            created_before: wanted.created_before.map(|time| time.0),
            user_id: wanted.user_id,
        },
        page: page::wanted(wanted.first, wanted.after)?,
    };
    let found = call.services().orders.list(call.caller(), &query)?;
    let edges = found
        .edges
        .into_iter()
        .map(|edge| (edge.cursor, Order::from(edge.order)));
    Ok(Answer::own(&page::page(edges, found.has_next))?)
}

fn get(call: &Call<'_>) -> Result<Answer, Refusal> {
    let order = found(call, &call.id()?)?;
    let tag = tag(order.version);
    Ok(Answer::own(&Order::from(order))?.tagged(tag))
}

fn place(call: &Call<'_>) -> Result<Answer, Refusal> {
    let input: NewOrder = call.body()?;
    // The service refuses 0, and so everything below it.
    let line = |line: NewLine| Line {
        product_id: line.id,
        quantity: u32::try_from(line.quantity).unwrap_or(0),
    };
    let input = New {
        lines: input.products.into_iter().map(line).collect(),
        discount_code: input.discount_code,
        region: input.region,
    };
    let order = call.services().orders.place(call.caller(), &input)?;
    let (location, tag) = (format!("/api/orders/{}", order.id), tag(order.version));
    Ok(Answer::created(location, &Order::from(order))?.tagged(tag))
}

fn update_status(call: &Call<'_>) -> Result<Answer, Refusal> {
    let id = call.id()?;
    let wanted: StatusWanted = call.body()?;
    let current = || Ok(found(call, &id)?.version);
    let version = match precondition::expected(call, wanted.version)? {
        precondition::Expected::Any => None,
        expected => Some(expected.version(current)?),
    };
    let orders = &call.services().orders;
    let order = orders
        .update_status(
            call.caller(),
            &id,
            wanted.status.into(),
            version,
            wanted.note.as_deref(),
        )
        .map_err(|error| match version {
            Some(version) => precondition::conflict(error, version, current),
            None => error.into(),
        })?;
    changed(order)
}

fn cancel(call: &Call<'_>) -> Result<Answer, Refusal> {
    let id = call.id()?;
    let cancellation: Cancellation = call.query()?;
    match precondition::expected(call, None)? {
        precondition::Expected::Any => {}
        expected => expected.check(found(call, &id)?.version)?,
    }
    let orders = &call.services().orders;
    changed(orders.cancel(call.caller(), &id, cancellation.reason.as_deref())?)
}

fn changed(order: Found) -> Result<Answer, Refusal> {
    let tag = tag(order.version);
    Ok(Answer::changed(&Order::from(order))?.tagged(tag))
}

fn found(call: &Call<'_>, id: &str) -> Result<Found, Refusal> {
    let mut answers = call.services().orders.get_many(call.caller(), &[id.to_owned()])?;
    let missing = || {
        Err(Error::Internal(
            "orders answered fewer values than it was asked for".into(),
        ))
    };
    Ok(answers.pop().unwrap_or_else(missing)?)
}
