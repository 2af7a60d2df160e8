//! Orders.

use http::{Method, StatusCode};
use mercato_shop::orders::{self, OrderQuery};
use mercato_shop::types::Error;

use crate::model::convert::Convert;
use crate::model::order::{
    Cancellation, NewOrder, NewOrderOfUser, Order, OrderDeletion, OrderFilter, OrderSource, OrdersOrder,
    StatusUpdate,
};
use crate::model::page::Page;
use crate::request_session::check_id;
use crate::rest::answer::Answer;
use crate::rest::body::BodyKind;
use crate::rest::call::{Call, only, page};
use crate::rest::operation::{Access, Operation, Outcome};
use crate::rest::precondition::{self, Expected};
use crate::rest::versioned::Versioned;

const ORDERS: &[&str] = &["/api/orders", "/orders"];
const ORDER: &[&str] = &["/api/orders/{id}"];
const ORDER_OF_USER: &[&str] = &["/api/orders/{id}/{orderId}"];
const ORDERS_OF_USER: &[&str] = &["/api/orders/user/{id}"];
const STATUS: &[&str] = &["/api/orders/{id}/status", "/orders/{id}/status"];

const OWN_ORDERS: &str = "You can see only your own orders.";

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
            "Read an order by its id, or list the orders of a user by the user's id",
            Authenticated,
            get_or_list,
        )
        .query::<OrderFilter>()
        .answers_either::<Order, Page<Order>>(StatusCode::OK),
        Operation::new(
            Method::POST,
            ORDER,
            "placeOrderFor",
            "Place an order for a user, of `products` or else of the user's cart. `id` is the user's id",
            Authenticated,
            place_for,
        )
        .answers::<Order>(StatusCode::CREATED)
        .body::<NewOrderOfUser>(BodyKind::Optional),
        Operation::new(
            Method::GET,
            ORDER_OF_USER,
            "getOrderOfUser",
            "Read an order of a user. `id` is the user's id",
            Authenticated,
            get_of_user,
        )
        .answers::<Order>(StatusCode::OK),
        Operation::new(
            Method::GET,
            ORDERS_OF_USER,
            "listOrdersOfUser",
            "List the orders of a user",
            Authenticated,
            list_of_user,
        )
        .query::<OrderFilter>()
        .answers::<Page<Order>>(StatusCode::OK),
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
    answer_list(call, filter)
}

fn list_of_user(call: &Call<'_>) -> Outcome {
    list_of(call, call.user_id()?)
}

/// Lists the orders of a user. The filter cannot name another one.
fn list_of(call: &Call<'_>, user_id: String) -> Outcome {
    let mut filter: OrderFilter = call.query()?;
    if filter.user_id.is_some() {
        let message = "The path has the user's id already. Leave out `userId`.";
        return Err(Error::invalid("userId", message).into());
    }
    filter.user_id = Some(user_id);
    answer_list(call, filter)
}

fn answer_list(call: &Call<'_>, mut filter: OrderFilter) -> Outcome {
    let query = OrderQuery {
        oldest_first: filter.sort == OrdersOrder::Created,
        page: page(filter.first, filter.after.take())?,
        filter: filter.convert(),
    };
    let found: Page<Order> = call.services().orders.list(call.caller(), &query)?.convert();
    Ok(Answer::private(&found)?)
}

/// Reads an order, or lists the orders of a user. No order and user have the same id.
fn get_or_list(call: &Call<'_>) -> Outcome {
    let id = call.user_id()?;
    if call.caller().user_id() == Some(&id) {
        return list_of(call, id);
    }
    // An order has no use for the filter of the list, but an invalid one is refused all the same.
    let filter: OrderFilter = call.query()?;
    page(filter.first, filter.after)?;
    match find(call, &id) {
        Ok(order) => answer(order),
        Err(Error::NotFound(_)) if call.caller().is_admin() => {
            let is_user = call.session.require_user(&id);
            is_user.map_err(|error| match error {
                Error::NotFound(_) => Error::NotFound(format!("There is no order and no user {id}.")),
                other => other,
            })?;
            list_of(call, id)
        }
        Err(error) => Err(error.into()),
    }
}

fn get_of_user(call: &Call<'_>) -> Outcome {
    let user_id = call.user_id()?;
    let order_id = call.parameter("orderId")?;
    check_id("orderId", &order_id)?;
    call.caller().require_admin_or(&user_id, OWN_ORDERS)?;
    let order = find(call, &order_id)?;
    if order.user_id != user_id {
        let message = format!("The user {user_id} has no order {order_id}.");
        return Err(Error::NotFound(message).into());
    }
    answer(order)
}

fn answer(order: orders::Order) -> Outcome {
    let order: Order = order.convert();
    Ok(Answer::private(&order)?.tagged(order.tag()))
}

fn place(call: &Call<'_>) -> Outcome {
    let input: NewOrder = call.body()?;
    placed(call.session.place_order(None, &input.try_into()?)?)
}

fn place_for(call: &Call<'_>) -> Outcome {
    let user_id = call.user_id()?;
    let input: NewOrderOfUser = call.body_or_default()?;
    let source: OrderSource = input.try_into()?;
    call.caller()
        .require_admin_or(&user_id, "You can place orders only for yourself.")?;
    call.session.require_user(&user_id)?;
    placed(match source {
        OrderSource::Products(input) => call.session.place_order(Some(&user_id), &input)?,
        OrderSource::Cart(terms) => {
            let carts = &call.services().carts;
            carts.checkout(call.caller(), Some(&user_id), &terms)?
        }
    })
}

fn placed(order: orders::Order) -> Outcome {
    let order: Order = order.convert();
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
