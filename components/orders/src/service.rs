//! The service: one function for each function of its interfaces.

use mercato_ports::events::{Event, HandlerFailure};
use mercato_shop::discounts::{Discount, DiscountPage, NewDiscount};
use mercato_shop::orders::{NewOrder, Order, OrderChanges, OrderPage, OrderQuery, Status};
use mercato_shop::ports::Ports;
use mercato_shop::services::{Discounts, Inventory, Orders, Placement, Settlement};
use mercato_shop::types::{Caller, Error, Money, Page};

use crate::discount;
use crate::order::{changes, placement, read, saga, settlement, transition};

/// The orders service over its ports and the inventory.
#[derive(Clone, Copy, Debug)]
pub struct OrdersService<P, I> {
    ports: P,
    inventory: I,
}

impl<P: Ports, I: Inventory> OrdersService<P, I> {
    /// Creates the service over these ports and this inventory.
    pub const fn new(ports: P, inventory: I) -> Self {
        Self { ports, inventory }
    }

    /// Handles events: continues the sagas of their orders. Returns a result for each event.
    ///
    /// # Errors
    /// [`HandlerFailure::Retry`] if the event can be handled later, [`HandlerFailure::Reject`] if it never
    /// can.
    pub fn handle(&self, events: &[Event]) -> Vec<Result<(), HandlerFailure>> {
        saga::handle(&self.ports, &self.inventory, events)
    }
}

impl<P: Ports, I: Inventory> Orders for OrdersService<P, I> {
    fn place(&self, caller: &Caller, input: &NewOrder) -> Result<Order, Error> {
        placement::place_new(&self.ports, &self.inventory, caller, input)
    }

    fn update_status(
        &self,
        caller: &Caller,
        id: &str,
        status: Status,
        version: Option<u64>,
        note: Option<&str>,
    ) -> Result<Order, Error> {
        transition::update_status(&self.ports, caller, id, status, version, note)
    }

    fn cancel(&self, caller: &Caller, id: &str, reason: Option<&str>) -> Result<Order, Error> {
        transition::cancel(&self.ports, caller, id, reason)
    }

    fn get_many(&self, caller: &Caller, ids: &[String]) -> Result<Vec<Result<Order, Error>>, Error> {
        read::get_many(&self.ports, caller, ids)
    }

    fn list(&self, caller: &Caller, query: &OrderQuery) -> Result<OrderPage, Error> {
        read::list(&self.ports, caller, query)
    }

    fn changes(&self, caller: &Caller, id: Option<&str>, after: Option<&str>) -> Result<OrderChanges, Error> {
        changes::changes(&self.ports, caller, id, after)
    }
}

impl<P: Ports, I: Inventory> Placement for OrdersService<P, I> {
    fn place(
        &self,
        caller: &Caller,
        order_id: &str,
        user_id: &str,
        input: &NewOrder,
        expected_subtotal: Option<i64>,
    ) -> Result<Order, Error> {
        let (ports, inventory) = (&self.ports, &self.inventory);
        placement::place(
            ports,
            inventory,
            caller,
            order_id,
            user_id,
            input,
            expected_subtotal,
        )
    }

    fn withdraw(&self, caller: &Caller, order_id: &str, user_id: &str) -> Result<Option<Order>, Error> {
        placement::withdraw(&self.ports, &self.inventory, caller, order_id, user_id)
    }
}

impl<P: Ports, I: Inventory> Settlement for OrdersService<P, I> {
    fn mark_paid(&self, order_id: &str, amount: &Money) -> Result<(), Error> {
        settlement::mark_paid(&self.ports, order_id, amount)
    }

    fn mark_refunded(&self, order_id: &str) -> Result<(), Error> {
        settlement::mark_refunded(&self.ports, order_id)
    }
}

impl<P: Ports, I: Inventory> Discounts for OrdersService<P, I> {
    fn create(&self, caller: &Caller, input: &NewDiscount) -> Result<Discount, Error> {
        discount::create(&self.ports, caller, input)
    }

    fn disable(&self, caller: &Caller, code: &str) -> Result<Discount, Error> {
        discount::disable(&self.ports, caller, code)
    }

    fn get_many(&self, caller: &Caller, codes: &[String]) -> Result<Vec<Result<Discount, Error>>, Error> {
        discount::get_many(&self.ports, caller, codes)
    }

    fn list(&self, caller: &Caller, page: &Page) -> Result<DiscountPage, Error> {
        discount::list(&self.ports, caller, page)
    }
}
