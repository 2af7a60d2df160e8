//! The checkout: a cart becomes an order, once.
//!
//! 1. What is to be ordered is written into the cart, together with the id that the order is going to have.
//! 2. The order of that id is placed, which can be repeated: there is one order of an id, or a refusal that is final.
//! 3. What was ordered is taken out of the cart; or, after a refusal, the note of 1 is.
//!
//! Whoever finds the note of 1 and wants the same goes on with 2. So a checkout that a crash has cut in two is finished by the next
//! one, and of two at once both answer the same order. Who wants something else takes the earlier placement back first: where
//! its order is there already, it is the answer. What is added between 1 and 3 stays in the cart.
//!
//! The note of a checkout that is done still answers who asked for the same at the same moment and comes a little later; after that,
//! there is nothing in the cart.

use mercato_shop::carts::Terms;
use mercato_shop::id;
use mercato_shop::orders::{NewOrder, Order, Status};
use mercato_shop::ports::Ports;
use mercato_shop::services::Placement;
use mercato_shop::types::{Caller, Error};

use crate::cart::{CartBody, Checkout, SentLine};
use crate::holder::Holder;
use crate::products::ProductSource;
use crate::service::CartsService;
use crate::store::{Loaded, Saved, TRIES, busy};

impl<P: Ports, C: ProductSource, O: Placement> CartsService<P, C, O> {
    pub(crate) fn order(
        &self,
        caller: &Caller,
        user_id: Option<&str>,
        terms: &Terms,
    ) -> Result<Order, Error> {
        let holder = match user_id {
            Some(id) => Holder::user(caller, id)?,
            None => Holder::own(caller)?,
        };
        for _ in 0..TRIES {
            let mut cart = self.load(Some(&holder))?;
            if let Some(earlier) = cart.body.earlier(terms, id::now()).cloned()
                && let Some(order) =
                    self.outcome(caller, &holder, &earlier, earlier.is_of(&cart.body, terms))?
            {
                self.finish(cart, &earlier, |body| body.conclude(&earlier));
                return Ok(order);
            }
            let checkout = begin(&cart.body, terms)?;
            cart.body.checkout = Some(checkout.clone());
            if self.save(&mut cart, Vec::new(), &[], false)? == Saved::Overtaken {
                continue;
            }
            let placed = self.place(caller, &holder, &checkout);
            match &placed {
                Ok(_) => self.finish(cart, &checkout, |body| body.conclude(&checkout)),
                Err(refusal) if is_final(refusal) => {
                    self.finish(cart, &checkout, |body| body.checkout = None);
                }
                // Nobody knows whether there is an order: the next checkout asks again.
                Err(_) => {}
            }
            return placed;
        }
        Err(busy())
    }

    /// What becomes of an earlier checkout: its order, or none and never one.
    fn outcome(
        &self,
        caller: &Caller,
        holder: &Holder,
        earlier: &Checkout,
        wanted: bool,
    ) -> Result<Option<Order>, Error> {
        if !wanted {
            return self
                .placement
                .withdraw(caller, &earlier.order_id, user_id(holder)?);
        }
        match self.place(caller, holder, earlier) {
            Err(refusal) if is_final(&refusal) => Ok(None),
            Ok(order) if earlier.done && order.status == Status::Cancelled => Ok(None),
            placed => placed.map(Some),
        }
    }

    fn place(&self, caller: &Caller, holder: &Holder, checkout: &Checkout) -> Result<Order, Error> {
        let input = NewOrder {
            lines: checkout.lines.iter().map(Into::into).collect(),
            discount_code: checkout.discount_code.clone(),
            region: checkout.region.clone(),
        };
        self.placement.place(
            caller,
            &checkout.order_id,
            user_id(holder)?,
            &input,
            checkout.expected_total,
        )
    }

    /// Ends a checkout, unless somebody else has. Its outcome stands in any case: where this fails, the next checkout does it.
    fn finish(&self, mut cart: Loaded, checkout: &Checkout, end: impl Fn(&mut CartBody)) {
        for _ in 0..TRIES {
            if !cart.body.is_checking_out(&checkout.order_id) {
                return;
            }
            end(&mut cart.body);
            match self.save(&mut cart, Vec::new(), &[], false) {
                Ok(Saved::Yes) | Err(_) => return,
                Ok(Saved::Overtaken) => {}
            }
            let Ok(current) = self.load(cart.holder.as_ref()) else {
                return;
            };
            cart = current;
        }
    }
}

impl Checkout {
    /// Whether it is of what is in the cart, or was in it before it was emptied, on these terms.
    fn is_of(&self, body: &CartBody, terms: &Terms) -> bool {
        (self.done || self.lines == body.sent()) && self.is_on(terms)
    }
}

impl CartBody {
    /// All that is in the cart, to be ordered.
    fn sent(&self) -> Vec<SentLine> {
        let sent = self.lines.iter().map(|line| SentLine {
            product_id: line.product_id.clone(),
            quantity: line.quantity,
        });
        sent.collect()
    }

    /// The order was placed.
    fn conclude(&mut self, checkout: &Checkout) {
        self.take_out(&checkout.lines);
        self.checkout = Some(Checkout {
            done: true,
            done_at: id::now(),
            ..checkout.clone()
        });
    }
}

fn user_id(holder: &Holder) -> Result<&str, Error> {
    match holder {
        Holder::User(id) => Ok(id),
        Holder::Guest(_) => Err(Error::Internal("a guest's cart was checked out".into())),
    }
}

/// The checkout of all that is in a cart.
fn begin(body: &CartBody, terms: &Terms) -> Result<Checkout, Error> {
    if body.lines.is_empty() {
        return Err(Error::invalid(
            "products",
            "There is nothing in the cart. Add something first.",
        ));
    }
    Ok(Checkout {
        order_id: id::new(),
        lines: body.sent(),
        discount_code: terms.discount_code.clone(),
        region: terms.region.clone(),
        expected_total: terms.expected_total,
        done: false,
        done_at: 0,
    })
}

/// Whether there will never be an order: what `mercato:shop/placement` promises.
const fn is_final(refusal: &Error) -> bool {
    matches!(
        refusal,
        Error::OutOfStock(_)
            | Error::Invalid(_)
            | Error::NotFound(_)
            | Error::Conflict(_)
            | Error::InvalidTransition(_)
    )
}
