//! What the carts service does for guests and users.

use mercato_shop::carts::{Cart, Terms, Whose};
use mercato_shop::id;
use mercato_shop::orders::Order;
use mercato_shop::ports::Ports;
use mercato_shop::services::{Carts, Placement};
use mercato_shop::types::{Caller, Error};

use crate::cart::{MOST_PIECES, too_many_pieces};
use crate::holder::Holder;
use crate::products::ProductSource;
use crate::store::existing;

/// The carts service over its ports, the catalog and the placement of orders.
#[derive(Clone, Copy, Debug)]
pub struct CartsService<P, C, O> {
    pub(crate) ports: P,
    pub(crate) catalog: C,
    pub(crate) placement: O,
}

impl<P: Ports, C: ProductSource, O: Placement> CartsService<P, C, O> {
    /// The service over these ports and services.
    pub const fn new(ports: P, catalog: C, placement: O) -> Self {
        Self {
            ports,
            catalog,
            placement,
        }
    }
}

impl<P: Ports, C: ProductSource, O: Placement> Carts for CartsService<P, C, O> {
    fn view(&self, caller: &Caller, whose: &Whose) -> Result<Cart, Error> {
        let holder = Holder::of(caller, whose)?;
        let cart = self.load(holder.as_ref())?;
        self.shown(&cart)
    }

    fn add(&self, caller: &Caller, whose: &Whose, product_id: &str, quantity: u32) -> Result<Cart, Error> {
        check_product(product_id)?;
        if quantity == 0 {
            return Err(Error::invalid(
                "quantity",
                format!("A quantity is a whole number from 1 to {MOST_PIECES}."),
            ));
        }
        if quantity > MOST_PIECES {
            return Err(too_many_pieces("quantity"));
        }
        self.edit(caller, whose, Some(product_id), |cart, products| {
            cart.add(existing(products.get(product_id), product_id)?, quantity)
        })
    }

    fn update(&self, caller: &Caller, whose: &Whose, product_id: &str, quantity: u32) -> Result<Cart, Error> {
        check_product(product_id)?;
        if quantity > MOST_PIECES {
            return Err(too_many_pieces("quantity"));
        }
        self.edit(caller, whose, Some(product_id), |cart, _| {
            if quantity == 0 {
                cart.lines.retain(|line| line.product_id != product_id);
                return Ok(());
            }
            let line = cart.line_mut(product_id).ok_or_else(|| {
                Error::NotFound(format!("The product {product_id} is not in the cart. Add it."))
            })?;
            line.quantity = quantity;
            Ok(())
        })
    }

    fn clear(&self, caller: &Caller, whose: &Whose) -> Result<Cart, Error> {
        self.edit(caller, whose, None, |cart, _| {
            cart.lines.clear();
            Ok(())
        })
    }

    fn merge(&self, caller: &Caller, guest: &str) -> Result<Cart, Error> {
        self.merge_into_own(caller, guest)
    }

    fn forget(&self, caller: &Caller, user_id: &str) -> Result<(), Error> {
        self.take_away(caller, user_id)
    }

    fn checkout(&self, caller: &Caller, user_id: Option<&str>, terms: &Terms) -> Result<Order, Error> {
        self.order(caller, user_id, terms)
    }
}

fn check_product(id: &str) -> Result<(), Error> {
    if id::is_valid(id) {
        return Ok(());
    }
    Err(Error::invalid(
        "productId",
        "This is no product id. Take it from a product's _id.",
    ))
}
