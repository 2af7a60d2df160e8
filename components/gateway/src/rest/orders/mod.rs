//! Orders.

pub mod shapes;

use http::{Method, StatusCode};
use mercato_shop::orders::{NewOrder as New, Order as Found, OrderFilter, OrderQuery};
use mercato_shop::types::{Error, Line};

use crate::rest::answer::Answer;
use crate::rest::call::Call;
use crate::rest::operation::{Access, Operation, Refusal};
use crate::rest::page::{self, Page};
use crate::rest::precondition::{self, tag};
use shapes::{Cancellation, NewLine, NewOrder, Order, OrderDeletion, OrdersWanted, StatusWanted};

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
            "The own orders; everyone's for an ADMIN or the API key",
            Known,
            list,
        )
        .asks::<OrdersWanted>()
        .answers::<Page<Order>>(StatusCode::OK),
        answering(
            Operation::new(
                Method::POST,
                ORDERS,
                "placeOrder",
                "Buy: all lines or none",
                Known,
                place,
            )
            .takes::<NewOrder>(),
        ),
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
        .may_take::<OrderDeletion>()
        .answers::<Order>(StatusCode::OK),
        moves(Method::PATCH, "updateOrderStatus"),
        moves(Method::PUT, "replaceOrderStatus"),
    ]
}

fn list(call: &Call<'_>) -> Result<Answer, Refusal> {
    let wanted: OrdersWanted = call.query()?;
    let user_id = wanted.user_id.map(|id| call.whose("userId", id)).transpose()?;
    let query = OrderQuery {
        filter: OrderFilter {
            status: wanted.status.map(Into::into),
            created_from: wanted.created_from.map(|time| time.0),
            created_before: wanted.created_before.map(|time| time.0),
            user_id,
        },
        oldest_first: wanted.sort.is_upwards(),
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
    placed(call.session.place(&input)?)
}

/// An operation that answers an order that was placed.
pub fn answering(operation: Operation) -> Operation {
    operation.answers::<Order>(StatusCode::CREATED)
}

/// The answer that an order was placed.
pub fn placed(order: Found) -> Result<Answer, Refusal> {
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
    let deletion: OrderDeletion = call.body_or_default()?;
    match precondition::expected(call, deletion.version)? {
        precondition::Expected::Any => {}
        expected => expected.check(found(call, &id)?.version)?,
    }
    let reason = deletion.reason.or(cancellation.reason);
    changed(
        call.services()
            .orders
            .cancel(call.caller(), &id, reason.as_deref())?,
    )
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
