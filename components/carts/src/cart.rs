//! Carts: adding, changing, merging and erasing.
//!
//! Each change reads the cart and writes it at the version that was read. If a concurrent change came first,
//! the change is made again on the new cart.

use std::mem::take;

use mercato_shop::carts::{Cart, Owner};
use mercato_shop::catalog::Offer;
use mercato_shop::id;
use mercato_shop::lines::{MAX_LINES, QUANTITY};
use mercato_shop::ports::Ports;
use mercato_shop::retry::retry_on_conflict;
use mercato_shop::types::{Caller, Error};

use crate::events;
use crate::key::{CartKey, GuestId, own_user_id};
use crate::products::{ProductSource, Products};
use crate::repository::{CARTS, CartBody, LineBody, LoadedCart, busy, load, load_both, save};
use crate::view::{id_of, to_cart};

/// The most units of a line.
const MAX_QUANTITY: u32 = *QUANTITY.end();

/// The operations on carts.
#[derive(Clone, Copy, Debug)]
pub struct CartOperations<P, C> {
    pub ports: P,
    pub catalog: C,
}

impl<P: Ports, C: ProductSource> CartOperations<P, C> {
    /// Returns a cart.
    pub fn view(&self, caller: &Caller, owner: &Owner) -> Result<Cart, Error> {
        let key = CartKey::of(caller, owner)?;
        self.to_cart(&load(&self.ports, key.as_ref())?)
    }

    /// Adds units of a product. Creates the cart if there is none.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an invalid product id or quantity, or if the cart is full. [`Error::NotFound`]
    /// if the product is not sold.
    pub fn add(
        &self,
        caller: &Caller,
        owner: &Owner,
        product_id: &str,
        quantity: u32,
    ) -> Result<Cart, Error> {
        check_line(product_id, 1, quantity)?;
        self.edit(caller, owner, Some(product_id), |cart, products| {
            cart.add(product_id, require_orderable(products, product_id)?, quantity)
        })
    }

    /// Sets the quantity of a product in the cart. 0 removes the product, even if it is not in the cart.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an invalid product id or quantity. [`Error::NotFound`] if the product is not in
    /// the cart.
    pub fn update(
        &self,
        caller: &Caller,
        owner: &Owner,
        product_id: &str,
        quantity: u32,
    ) -> Result<Cart, Error> {
        check_line(product_id, 0, quantity)?;
        self.edit(caller, owner, Some(product_id), |cart, _| {
            if quantity == 0 {
                cart.lines.retain(|line| line.product_id != product_id);
                return Ok(());
            }
            let line = cart.line_mut(product_id).ok_or_else(|| {
                Error::NotFound(format!(
                    "The product {product_id} is not in the cart. Add it first."
                ))
            })?;
            line.quantity = quantity;
            Ok(())
        })
    }

    /// Removes all lines.
    pub fn clear(&self, caller: &Caller, owner: &Owner) -> Result<Cart, Error> {
        self.edit(caller, owner, None, |cart, _| {
            cart.lines.clear();
            Ok(())
        })
    }

    /// Moves all lines of a guest's cart to the caller's cart. One commit also deletes the guest's cart, so
    /// that nothing is moved twice.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an invalid cart id, or if the carts have too many products together.
    pub fn merge(&self, caller: &Caller, guest: &str) -> Result<Cart, Error> {
        let own_key = CartKey::User(own_user_id(caller)?.into());
        let guest_key = CartKey::Guest(GuestId::parse(guest)?);
        let mut prunes = true;
        retry_on_conflict(busy, || {
            let (mut own, guests) = load_both(&self.ports, &own_key, &guest_key)?;
            if let Some(guests) = guests.stored().filter(|cart| !cart.body.lines.is_empty()) {
                own.body.merge(&guests.body)?;
                let writes = vec![CARTS.delete(&guests)];
                save(&self.ports, &mut own, writes, &[], take(&mut prunes))?;
            }
            Ok(self.to_cart(&own)?)
        })
    }

    /// Deletes a user's cart, even an expired one. The orders of the user are kept.
    ///
    /// # Errors
    /// [`Error::Forbidden`] or [`Error::Unauthenticated`] for other callers than the user and staff.
    pub fn erase(&self, caller: &Caller, user_id: &str) -> Result<(), Error> {
        caller.require_admin_or(user_id, "You can erase only your own data.")?;
        let key = CartKey::User(user_id.into());
        let audited = events::audited(caller, &key)?;
        retry_on_conflict(busy, || {
            if let Some(cart) = CARTS.get(&self.ports, &key.document_id())? {
                self.ports.commit(&[CARTS.delete(&cart)], audited.as_slice())?;
            }
            Ok(())
        })
    }

    /// Changes a cart, and the line of `product_id` if one is given. The returned cart has the changes of the
    /// product since it was last seen. The stored cart then marks its present state as seen.
    fn edit(
        &self,
        caller: &Caller,
        owner: &Owner,
        product_id: Option<&str>,
        change: impl Fn(&mut CartBody, &Products) -> Result<(), Error>,
    ) -> Result<Cart, Error> {
        let key = CartKey::of(caller, owner)?;
        let audited = key
            .as_ref()
            .map(|key| events::audited(caller, key))
            .transpose()?
            .flatten();
        let mut products = Products::default();
        let mut prunes = true;
        retry_on_conflict(busy, || {
            let mut cart = load(&self.ports, key.as_ref())?;
            products.fetch(&self.catalog, cart.body.product_ids().chain(product_id))?;
            let before = cart.body.clone();
            change(&mut cart.body, &products)?;
            let mut answer = to_cart(&cart, &products);
            if let Some(id) = product_id
                && let (Some(line), Some(product)) = (cart.body.line_mut(id), products.get(id))
            {
                line.seen = product.into();
            }
            if cart.body == before {
                return Ok(answer);
            }
            cart.body.remove_done_checkout();
            save(
                &self.ports,
                &mut cart,
                Vec::new(),
                audited.as_slice(),
                take(&mut prunes),
            )?;
            answer.id = id_of(&cart);
            answer.expires_at = Some(cart.body.expires_at);
            Ok(answer)
        })
    }

    fn to_cart(&self, cart: &LoadedCart) -> Result<Cart, Error> {
        let mut products = Products::default();
        products.fetch(&self.catalog, cart.body.product_ids())?;
        Ok(to_cart(cart, &products))
    }
}

impl CartBody {
    fn product_ids(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(|line| line.product_id.as_str())
    }

    fn line_mut(&mut self, product_id: &str) -> Option<&mut LineBody> {
        self.lines.iter_mut().find(|line| line.product_id == product_id)
    }

    /// Adds units to the line of a product, or a new line.
    fn add(&mut self, product_id: &str, product: &Offer, quantity: u32) -> Result<(), Error> {
        if let Some(line) = self.line_mut(product_id) {
            let sum = line.quantity.saturating_add(quantity);
            if sum > MAX_QUANTITY {
                return Err(Error::invalid(
                    "quantity",
                    format!(
                        "A cart can have at most {MAX_QUANTITY} units of one product. It has {} of this one.",
                        line.quantity
                    ),
                ));
            }
            line.quantity = sum;
        } else if self.lines.len() < MAX_LINES {
            self.lines.push(LineBody {
                product_id: product_id.to_owned(),
                quantity,
                seen: product.into(),
            });
        } else {
            return Err(Error::invalid(
                "productId",
                format!("A cart can have at most {MAX_LINES} different products. Remove one first."),
            ));
        }
        Ok(())
    }

    /// Adds the lines of another cart, with the states of their products that were seen there.
    fn merge(&mut self, other: &Self) -> Result<(), Error> {
        for line in &other.lines {
            match self.line_mut(&line.product_id) {
                Some(own) => own.quantity = own.quantity.saturating_add(line.quantity).min(MAX_QUANTITY),
                None => self.lines.push(line.clone()),
            }
        }
        let count = self.lines.len();
        if count > MAX_LINES {
            return Err(Error::invalid(
                "cartId",
                format!(
                    "A cart can have at most {MAX_LINES} different products. These carts have {count} together. \
                     Remove some of them first."
                ),
            ));
        }
        self.remove_done_checkout();
        Ok(())
    }

    /// Removes a checkout that is done, because the content of the cart has changed since.
    fn remove_done_checkout(&mut self) {
        self.checkout.take_if(|checkout| checkout.done);
    }
}

fn check_line(product_id: &str, min: u32, quantity: u32) -> Result<(), Error> {
    if !id::is_valid(product_id) {
        return Err(Error::invalid(
            "productId",
            "`productId` must be the `_id` of a product.",
        ));
    }
    if !(min..=MAX_QUANTITY).contains(&quantity) {
        return Err(Error::invalid(
            "quantity",
            format!("`quantity` must be a whole number from {min} to {MAX_QUANTITY}."),
        ));
    }
    Ok(())
}

fn require_orderable<'a>(products: &'a Products, id: &str) -> Result<&'a Offer, Error> {
    let product = products.get(id);
    let product = product.ok_or_else(|| Error::NotFound(format!("There is no product {id}.")))?;
    if !product.has_variants {
        return Ok(product);
    }
    Err(Error::invalid(
        "productId",
        format!("{} has variants. Add one of them instead.", product.name),
    ))
}
