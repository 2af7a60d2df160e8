//! What the orders service does for those who buy, and for those who keep the shop.

use mercato_shop::accounts::AuditAction;
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::orders::{Actor, NewOrder, Order, OrderChanges, OrderPage, OrderQuery, Status};
use mercato_shop::ports::Ports;
use mercato_shop::services::{Inventory, Orders};
use mercato_shop::types::{Caller, Error};

use crate::order::{ORDERS, Record, to_order};
use crate::placement::Wanted;
use crate::timeline::actor;
use crate::transition::{Move, missing, note};
use crate::{changes, listing};

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
    fn place(&self, caller: &Caller, input: &NewOrder) -> Result<Order, Error> {
        caller.require_known()?;
        let Some(user_id) = caller.user_id() else {
            return Err(Error::Forbidden(
                "An order belongs to a user: sign in instead of using the API key.".into(),
            ));
        };
        self.place_new(&Wanted {
            order_id: &id::new(),
            user_id,
            actor: Actor::Customer(user_id.into()),
            input,
            expected_subtotal: None,
        })
    }

    fn update_status(
        &self,
        caller: &Caller,
        id: &str,
        status: Status,
        version: Option<u64>,
        text: Option<&str>,
    ) -> Result<Order, Error> {
        caller.require_admin()?;
        let wanted = Move {
            order_id: id,
            actor: actor(caller)?,
            action: Some(AuditAction::OrderStatus),
            after: status,
            version,
            note: note("note", text)?,
            settles: false,
        };
        self.make(&wanted, |_| Ok(()))
    }

    fn cancel(&self, caller: &Caller, id: &str, reason: Option<&str>) -> Result<Order, Error> {
        let wanted = Move {
            order_id: id,
            actor: actor(caller)?,
            action: Some(AuditAction::OrderCancel),
            after: Status::Cancelled,
            version: None,
            note: note("reason", reason)?,
            settles: false,
        };
        self.make(&wanted, |order| {
            if caller.is_admin() || caller.user_id() == Some(&order.user_id) {
                Ok(())
            } else {
                Err(Error::Forbidden("A customer cancels only the own orders.".into()))
            }
        })
    }

    fn get_many(&self, caller: &Caller, ids: &[String]) -> Result<Vec<Result<Order, Error>>, Error> {
        caller.require_known()?;
        let orders = ORDERS.get_many(&self.ports, ids)?;
        let answer = |(id, stored): (&String, Option<Stored<Record>>)| {
            let order = stored.and_then(to_order).ok_or_else(|| missing(id))?;
            if caller.is_admin() || caller.user_id() == Some(&order.user_id) {
                Ok(order)
            } else {
                Err(Error::Forbidden("A customer sees only the own orders.".into()))
            }
        };
        Ok(ids.iter().zip(orders).map(answer).collect())
    }

    fn list(&self, caller: &Caller, query: &OrderQuery) -> Result<OrderPage, Error> {
        listing::list(&self.ports, caller, query)
    }

    fn changes(&self, caller: &Caller, id: Option<&str>, after: Option<&str>) -> Result<OrderChanges, Error> {
        match id {
            Some(id) => changes::of_one(self, caller, id, after),
            None => changes::of_all(&self.ports, caller, after),
        }
    }
}
