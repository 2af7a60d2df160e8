//! The list of orders: filters and pages.

use mercato_ports::documents::{Comparison, Condition, Direction, Query, Scalar, Sort};
use mercato_shop::cursor;
use mercato_shop::orders::{Order, OrderEdge, OrderFilter, OrderPage, OrderQuery};
use mercato_shop::ports::Ports;
use mercato_shop::types::{Caller, Error};

use crate::order::{ORDERS, to_order};
use crate::status;

/// One page of the orders that a caller may see.
pub fn list(ports: &impl Ports, caller: &Caller, query: &OrderQuery) -> Result<OrderPage, Error> {
    caller.require_known()?;
    let mut find = ORDERS.query(0);
    let user = whose(caller, query.filter.user_id.as_deref())?;
    filter(&query.filter, user, &mut find);
    let (sort, direction) = if query.oldest_first {
        ("created", Direction::Ascending)
    } else {
        ("-created", Direction::Descending)
    };
    find.sort = Some(Sort {
        field: "createdAt".into(),
        direction,
    });
    cursor::apply(&query.page, sort, &mut find)?;
    let mut orders = ORDERS.find(ports, &find)?;
    let has_next = cursor::split(&query.page, &mut orders);
    let edge = |order: Order| {
        Ok(OrderEdge {
            cursor: cursor::encode(sort, Some(time(order.created_at)), &order.id)?,
            order,
        })
    };
    let edges = orders
        .into_iter()
        .filter_map(to_order)
        .map(edge)
        .collect::<Result<_, Error>>()?;
    Ok(OrderPage { edges, has_next })
}

/// The user whose orders are listed; none for everyone's.
fn whose<'a>(caller: &'a Caller, wanted: Option<&'a str>) -> Result<Option<&'a str>, Error> {
    if caller.is_admin() {
        return Ok(wanted);
    }
    let own = caller.user_id();
    if wanted.is_some() && wanted != own {
        return Err(Error::Forbidden("A customer sees only the own orders.".into()));
    }
    Ok(own)
}

fn filter(filter: &OrderFilter, user: Option<&str>, find: &mut Query) {
    let mut condition = |field: &str, comparison, value| {
        find.conditions.push(Condition {
            field: field.into(),
            comparison,
            value,
        });
    };
    if let Some(user) = user {
        condition("userId", Comparison::Equal, Scalar::Text(user.into()));
    }
    if let Some(status) = filter.status {
        let name = status::name(status).into();
        condition("status", Comparison::Equal, Scalar::Text(name));
    }
    // Every order has a time, and no tombstone.
    let from = time(filter.created_from.unwrap_or(0));
    condition("createdAt", Comparison::AtLeast, from);
    if let Some(before) = filter.created_before {
        condition("createdAt", Comparison::Less, time(before));
    }
}

fn time(milliseconds: u64) -> Scalar {
    Scalar::Integer(i64::try_from(milliseconds).unwrap_or(i64::MAX))
}
