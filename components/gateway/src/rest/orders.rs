//! Orders.

use http::{Method, StatusCode};
use mercato_shop::orders::{self, OrderQuery};
use mercato_shop::types::Error;

use crate::model::convert::Convert;
use crate::model::order::{
    Cancellation, NewOrder, Order, OrderDeletion, OrderFilter, OrdersOrder, StatusUpdate,
};
use crate::model::page::Page;
use crate::rest::answer::Answer;
use crate::rest::body::BodyKind;
use crate::rest::call::{Call, only, page};
use crate::rest::operation::{Access, Operation, Outcome};
use crate::rest::precondition::{self, Expected};
use crate::rest::versioned::Versioned;

const ORDERS: &[&str] = &["/api/orders", "/orders"];
const ORDER: &[&str] = &["/api/orders/{id}"];
const STATUS: &[&str] = &["/api/orders/{id}/status", "/orders/{id}/status"];

/// Returns the operations of orders.
pub fn operations() -> Vec<Operation> {
    use Access::{Authenticated, Staff};
    let update = |method, name| {
        let summary = "Change the status of an order";
        Operation::new(method, STATUS, name, summary, Staff, update_status)
            .versioned()
            .body::<StatusUpdate>(BodyKind::Required)
            .answers::<Order>(StatusCode::OK)
    };
    vec![
        Operation::new(
            Method::GET,
            ORDERS,
            "listOrders",
            "List the caller's orders. With the role ADMIN or the API key: all orders",
            Authenticated,
            list,
        )
        .query::<OrderFilter>()
        .answers::<Page<Order>>(StatusCode::OK),
        Operation::new(
            Method::POST,
            ORDERS,
            "placeOrder",
            "Place an order of all lines, or of none",
            Authenticated,
            place,
        )
        .answers::<Order>(StatusCode::CREATED)
        .body::<NewOrder>(BodyKind::Required),
        Operation::new(
            Method::GET,
            ORDER,
            "getOrder",
            "Read an order",
            Authenticated,
            get,
        )
        .answers::<Order>(StatusCode::OK),
        Operation::new(
            Method::DELETE,
            ORDER,
            "cancelOrder",
            "Cancel an order that has not been shipped. Its products go back in stock",
            Authenticated,
            cancel,
        )
        .versioned()
        .query::<Cancellation>()
        .body::<OrderDeletion>(BodyKind::Optional)
        .answers::<Order>(StatusCode::OK),
        update(Method::PATCH, "updateOrderStatus"),
        update(Method::PUT, "replaceOrderStatus"),
    ]
}

fn list(call: &Call<'_>) -> Outcome {
    let mut filter: OrderFilter = call.query()?;
    if let Some(id) = filter.user_id.take() {
        filter.user_id = Some(call.resolve_user("userId", id)?);
    }
    let query = OrderQuery {
        oldest_first: filter.sort == OrdersOrder::Created,
        page: page(filter.first, filter.after.take())?,
        filter: filter.convert(),
    };
    let found: Page<Order> = call.services().orders.list(call.caller(), &query)?.convert();
    Ok(Answer::private(&found)?)
}

fn get(call: &Call<'_>) -> Outcome {
    let order: Order = find(call, &call.id()?)?.convert();
    Ok(Answer::private(&order)?.tagged(order.tag()))
}

fn place(call: &Call<'_>) -> Outcome {
    let input: NewOrder = call.body()?;
    let order: Order = call.session.place_order(&input.convert())?.convert();
    Ok(Answer::created(&order)?)
}

fn update_status(call: &Call<'_>) -> Outcome {
    let id = call.id()?;
    let update: StatusUpdate = call.body()?;
    let current = || Ok(find(call, &id)?.version);
    let version = match precondition::expected(call.request.headers(), update.version)? {
        Expected::Any => None,
        expected => Some(expected.version(current)?),
    };
    let (orders, note) = (&call.services().orders, update.note.as_deref());
    let order = orders
        .update_status(call.caller(), &id, update.status.into(), version, note)
        .map_err(|error| match version {
            Some(version) => precondition::conflict(error, version, current),
            None => error,
        })?;
    changed(order)
}

fn cancel(call: &Call<'_>) -> Outcome {
    let id = call.id()?;
    let cancellation: Cancellation = call.query()?;
    let deletion: OrderDeletion = call.body_or_default()?;
    precondition::expected(call.request.headers(), deletion.version)?
        .check(|| Ok(find(call, &id)?.version))?;
    let reason = deletion.reason.or(cancellation.reason);
    let orders = &call.services().orders;
    changed(orders.cancel(call.caller(), &id, reason.as_deref())?)
}

fn changed(order: orders::Order) -> Outcome {
    let order: Order = order.convert();
    Ok(Answer::changed(&order)?)
}

fn find(call: &Call<'_>, id: &str) -> Result<orders::Order, Error> {
    only(call.services().orders.get_many(call.caller(), &[id.to_owned()])?)
}
