//! A guest signs in: what is in the guest's cart goes to the user's.

use mercato_shop::carts::Cart;
use mercato_shop::ports::Ports;
use mercato_shop::services::Placement;
use mercato_shop::types::{Caller, Error};

use crate::cart::{CARTS, CartBody, MOST_LINES, MOST_PIECES};
use crate::holder::{GuestId, Holder};
use crate::products::{ProductSource, Products};
use crate::service::CartsService;
use crate::store::{Loaded, Saved, TRIES, busy};
use crate::view::show;

impl<P: Ports, C: ProductSource, O: Placement> CartsService<P, C, O> {
    /// Moves all lines from one cart to the other in one commit, in which the first one ends: there is nothing to be moved twice.
    pub(crate) fn merge_into_own(&self, caller: &Caller, guest: &str) -> Result<Cart, Error> {
        let user = Holder::own(caller)?;
        let guest = Holder::Guest(GuestId::parse(guest)?);
        for attempt in 0..TRIES {
            let (mut own, other) = self.load_both(&user, &guest)?;
            let Some(ended) = other.stored() else {
                return self.shown(&own);
            };
            if ended.body.lines.is_empty() {
                return self.shown(&own);
            }
            own.body.take_in(&ended.body)?;
            if self.save(&mut own, vec![CARTS.delete(&ended)], &[], attempt == 0)? == Saved::Yes {
                return self.shown(&own);
            }
        }
        Err(busy())
    }

    pub(crate) fn shown(&self, cart: &Loaded) -> Result<Cart, Error> {
        let mut products = Products::default();
        let lines = cart.body.lines.iter().map(|line| line.product_id.as_str());
        products.fetch(&self.catalog, lines)?;
        Ok(show(cart, &products))
    }
}

impl CartBody {
    /// Adds the lines of another cart, with what was known of their products.
    fn take_in(&mut self, other: &Self) -> Result<(), Error> {
        for line in &other.lines {
            match self.line_mut(&line.product_id) {
                Some(own) => own.quantity = own.quantity.saturating_add(line.quantity).min(MOST_PIECES),
                None => self.lines.push(line.clone()),
            }
        }
        if self.lines.len() > MOST_LINES {
            return Err(Error::invalid(
                "cartId",
                format!(
                    "Together these carts have more than {MOST_LINES} different products. Remove some of them first."
                ),
            ));
        }
        self.checkout = self.checkout.take().filter(|checkout| !checkout.done);
        Ok(())
    }
}
