//! What the orders service does for those who buy, and for those who keep the shop.

use mercato_common::collection::Stored;
use mercato_common::orders::{Order, OrderEdge, OrderPage};
use mercato_common::ports::Ports;
use mercato_common::services::{Inventory, Orders};
use mercato_common::types::{Caller, Error, Line, Page};
use mercato_common::{cursor, id};
use mercato_ports::documents::{Comparison, Condition, Direction, Scalar, Sort};

use crate::lines;
use crate::order::{ORDERS, Record, to_order};

/// The name of the only sort that the list of orders has.
const NEWEST_FIRST: &str = "-created";

/// The orders service over its ports and the inventory.
#[derive(Clone, Copy, Debug)]
pub struct OrdersService<P, I> {
    pub(crate) ports: P,
    pub(crate) inventory: I,
}

impl<P: Ports, I: Inventory> OrdersService<P, I> {
    /// The service over these ports and this inventory.
    pub const fn new(ports: P, inventory: I) -> Self {
        Self { ports, inventory }
    }
}

impl<P: Ports, I: Inventory> Orders for OrdersService<P, I> {
    fn place(&self, caller: &Caller, lines: &[Line]) -> Result<Order, Error> {
        caller.require_known()?;
        let Some(user_id) = caller.user_id() else {
            return Err(Error::Forbidden(
                "An order belongs to a user: sign in instead of using the API key.".into(),
            ));
        };
        lines::check(lines)?;
        self.place_for(user_id, lines)
    }

    fn get_many(&self, caller: &Caller, ids: &[String]) -> Result<Vec<Result<Order, Error>>, Error> {
        caller.require_known()?;
        let orders = ORDERS.get_many(&self.ports, ids)?;
        let answer = |(id, stored): (&String, Option<Stored<Record>>)| {
            let order = stored
                .and_then(to_order)
                .ok_or_else(|| Error::NotFound(format!("There is no order {id}.")))?;
            if caller.is_admin() || caller.user_id() == Some(&order.user_id) {
                Ok(order)
            } else {
                Err(Error::Forbidden("A customer sees only the own orders.".into()))
            }
        };
        Ok(ids.iter().zip(orders).map(answer).collect())
    }

    fn list(&self, caller: &Caller, page: &Page) -> Result<OrderPage, Error> {
        caller.require_known()?;
        let mut query = ORDERS.query(0);
        query.conditions.push(match caller.user_id() {
            Some(own) if !caller.is_admin() => Condition {
                field: "userId".into(),
                comparison: Comparison::Equal,
                value: Scalar::Text(own.into()),
            },
            // Every order has it, and no tombstone.
            _ => Condition {
                field: "createdAt".into(),
                comparison: Comparison::AtLeast,
                value: Scalar::Integer(0),
            },
        });
        query.sort = Some(Sort {
            field: "createdAt".into(),
            direction: Direction::Descending,
        });
        cursor::apply(page, NEWEST_FIRST, &mut query)?;
        let mut orders = ORDERS.find(&self.ports, &query)?;
        let has_next = cursor::split(page, &mut orders);
        let edge = |order: Order| {
            let created_at = Scalar::Integer(i64::try_from(order.created_at).unwrap_or(i64::MAX));
            Ok(OrderEdge {
                cursor: cursor::encode(NEWEST_FIRST, Some(created_at), &order.id)?,
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
}

/// The time from which on a reservation that is made now is looked at again.
pub fn due(ports: &impl Ports) -> Result<u64, Error> {
    const DEFAULT_SECONDS: u64 = 60;
    let seconds = match ports.config("RESERVATION_SECONDS") {
        None => DEFAULT_SECONDS,
        Some(text) => text
            .parse()
            .map_err(|_| Error::Internal("RESERVATION_SECONDS is no whole number of seconds".into()))?,
    };
    Ok(id::now().saturating_add(seconds.saturating_mul(1_000)))
}
