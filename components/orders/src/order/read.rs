//! Reads orders and lists them.

use mercato_ports::documents::Comparison;
use mercato_shop::collection::Stored;
use mercato_shop::orders::{Order, OrderEdge, OrderPage, OrderQuery};
use mercato_shop::ports::Ports;
use mercato_shop::query::{self, ascending, compare, descending, equal, time};
use mercato_shop::types::{Caller, Error};

use crate::repository::{ORDERS, Record, order_not_found, to_order};
use crate::status;

const OWN_ORDERS: &str = "You can see only your own orders.";

/// Reads orders: the caller's own, or everyone's for an ADMIN or the API key. Orders of others are
/// [`Error::NotFound`], like orders that do not exist.
pub fn get_many(
    ports: &impl Ports,
    caller: &Caller,
    ids: &[String],
) -> Result<Vec<Result<Order, Error>>, Error> {
    caller.require_authenticated()?;
    let orders = ORDERS.get_many(ports, ids)?;
    let answer = |(id, stored): (&String, Option<Stored<Record>>)| {
        let order = stored.and_then(to_order);
        let visible = order.filter(|order| caller.may_see(&order.user_id));
        visible.ok_or_else(|| order_not_found(id))
    };
    Ok(ids.iter().zip(orders).map(answer).collect())
}

/// Lists orders: the caller's own, or everyone's for an ADMIN or the API key.
pub fn list(ports: &impl Ports, caller: &Caller, order_query: &OrderQuery) -> Result<OrderPage, Error> {
    caller.require_authenticated()?;
    let filter = &order_query.filter;
    let user_id = match (caller.user_id(), filter.user_id.as_deref()) {
        (Some(own), None) if !caller.is_admin() => Some(own),
        (_, None) => None,
        (_, Some(user_id)) => {
            caller.require_admin_or(user_id, OWN_ORDERS)?;
            Some(user_id)
        }
    };
    let mut query = ORDERS.query(0);
    // The lower bound excludes tombstones, which have no such field.
    let from = time(filter.created_from.unwrap_or(0));
    query
        .conditions
        .push(compare("createdAt", Comparison::AtLeast, from));
    let conditions = [
        user_id.map(|id| equal("userId", id)),
        filter.status.map(|status| equal("status", status::name(status))),
        filter
            .created_before
            .map(|end| compare("createdAt", Comparison::Less, time(end))),
    ];
    query.conditions.extend(conditions.into_iter().flatten());
    let (name, sort) = if order_query.oldest_first {
        ("created", ascending("createdAt"))
    } else {
        ("-created", descending("createdAt"))
    };
    query.sort = Some(sort);
    let created_at = |record: &Record| match record {
        Record::Order(body) => Some(time(body.created_at)),
        Record::Abandoned(_) => None,
    };
    let found = query::page(ports, &ORDERS, query, &order_query.page, name, created_at)?;
    let edge = |(cursor, stored)| to_order(stored).map(|order| OrderEdge { cursor, order });
    Ok(OrderPage {
        has_next: found.has_next,
        has_previous: found.has_previous,
        total: found.total,
        edges: found.edges.into_iter().filter_map(edge).collect(),
    })
}
