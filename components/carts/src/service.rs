//! The carts service: one function for each function of `mercato:shop/carts`.

use mercato_shop::carts::{Cart, Owner, Terms};
use mercato_shop::orders::Order;
use mercato_shop::ports::Ports;
use mercato_shop::services::{Carts, Placement};
use mercato_shop::types::{Caller, Error};

use crate::cart::CartOperations;
use crate::checkout;
use crate::products::ProductSource;

/// The carts service over its ports, the catalog and the placement of orders.
#[derive(Clone, Copy, Debug)]
pub struct CartsService<P, C, O> {
    carts: CartOperations<P, C>,
    placement: O,
}

impl<P: Ports, C: ProductSource, O: Placement> CartsService<P, C, O> {
    /// Returns a service over these ports and services.
    pub const fn new(ports: P, catalog: C, placement: O) -> Self {
        Self {
            carts: CartOperations { ports, catalog },
            placement,
        }
    }
}

impl<P: Ports, C: ProductSource, O: Placement> Carts for CartsService<P, C, O> {
    fn view(&self, caller: &Caller, owner: &Owner) -> Result<Cart, Error> {
        self.carts.view(caller, owner)
    }

    fn add(&self, caller: &Caller, owner: &Owner, product_id: &str, quantity: u32) -> Result<Cart, Error> {
        self.carts.add(caller, owner, product_id, quantity)
    }

    fn update(&self, caller: &Caller, owner: &Owner, product_id: &str, quantity: u32) -> Result<Cart, Error> {
        self.carts.update(caller, owner, product_id, quantity)
    }

    fn clear(&self, caller: &Caller, owner: &Owner) -> Result<Cart, Error> {
        self.carts.clear(caller, owner)
    }

    fn merge(&self, caller: &Caller, guest: &str) -> Result<Cart, Error> {
        self.carts.merge(caller, guest)
    }

    fn erase(&self, caller: &Caller, user_id: &str) -> Result<(), Error> {
        self.carts.erase(caller, user_id)
    }

    fn checkout(&self, caller: &Caller, user_id: Option<&str>, terms: &Terms) -> Result<Order, Error> {
        checkout::checkout(&self.carts.ports, &self.placement, caller, user_id, terms)
    }
}
