//! The checkout: places one order of a cart.
//!
//! 1. The lines to order are written into the cart as a [`Checkout`], together with the id of the future
//!    order.
//! 2. The order with that id is placed. This can be repeated: there is at most one order with an id.
//! 3. The ordered lines are removed from the cart. If the order was refused for good, the checkout is removed
//!    instead.
//!
//! A checkout that finds an earlier one with the same lines and terms continues with step 2. So an
//! interrupted checkout is finished by the next one, and concurrent checkouts return the same order. A
//! checkout with other lines or terms first withdraws the earlier placement; if its order exists already,
//! that order is returned. Lines that are added between steps 1 and 3 stay in the cart.
//!
//! A repeated checkout returns the same order for ten seconds. After that, it finds an empty cart.

use mercato_shop::carts::Terms;
use mercato_shop::id;
use mercato_shop::orders::{NewOrder, Order, Status};
use mercato_shop::ports::Ports;
use mercato_shop::retry::{AttemptError, retry_on_conflict};
use mercato_shop::services::Placement;
use mercato_shop::types::{Caller, Error};

use crate::key::{CartKey, allowed_user_id, own_user_id};
use crate::repository::{CartBody, Checkout, LineBody, LoadedCart, OrderedLine, busy, load, save};

/// How long a repeated checkout, such as a double click, returns the same order, in milliseconds.
const REPETITION: u64 = 10_000;

/// Places the orders of one user.
struct Orders<'a, O> {
    placement: &'a O,
    caller: &'a Caller,
    user_id: &'a str,
}

/// Orders the content of the user's cart, or of the caller's.
///
/// # Errors
/// [`Error::Invalid`] for an empty cart. Otherwise as `mercato:shop/placement.place`.
pub fn checkout<O: Placement>(
    ports: &impl Ports,
    placement: &O,
    caller: &Caller,
    user_id: Option<&str>,
    terms: &Terms,
) -> Result<Order, Error> {
    let user_id = match user_id {
        Some(id) => allowed_user_id(caller, id)?,
        None => own_user_id(caller)?,
    };
    let orders = Orders {
        placement,
        caller,
        user_id,
    };
    let key = CartKey::User(user_id.into());
    retry_on_conflict(busy, || {
        let mut cart = load(ports, Some(&key))?;
        if let Some(earlier) = cart.body.earlier_checkout(terms, id::now()).cloned()
            && let Some(order) = orders.outcome(&earlier, earlier.is_of(&cart.body, terms))?
        {
            finish(ports, cart, &earlier, |body| body.complete(&earlier));
            return Ok(order);
        }
        let checkout = cart.body.begin_checkout(terms)?;
        cart.body.checkout = Some(checkout.clone());
        save(ports, &mut cart, Vec::new(), &[], false)?;
        let placed = orders.place(&checkout);
        match &placed {
            Ok(_) => finish(ports, cart, &checkout, |body| body.complete(&checkout)),
            Err(error) if is_final(error) => finish(ports, cart, &checkout, |body| body.checkout = None),
            // It is unknown whether the order was placed. The next checkout places it again.
            Err(_) => {}
        }
        Ok(placed?)
    })
}

impl<O: Placement> Orders<'_, O> {
    /// Returns the order of an earlier checkout, or nothing if there is none and never will be. The order is
    /// placed only if the checkout is current. Otherwise its placement is withdrawn.
    fn outcome(&self, earlier: &Checkout, is_current: bool) -> Result<Option<Order>, Error> {
        if !is_current {
            return self
                .placement
                .withdraw(self.caller, &earlier.order_id, self.user_id);
        }
        match self.place(earlier) {
            Err(error) if is_final(&error) => Ok(None),
            Ok(order) if earlier.done && order.status == Status::Cancelled => Ok(None),
            placed => placed.map(Some),
        }
    }

    fn place(&self, checkout: &Checkout) -> Result<Order, Error> {
        let input = NewOrder {
            lines: checkout.lines.iter().map(Into::into).collect(),
            discount_code: checkout.discount_code.clone(),
            region: checkout.region.clone(),
        };
        self.placement.place(
            self.caller,
            &checkout.order_id,
            self.user_id,
            &input,
            checkout.expected_total,
        )
    }
}

/// Ends a checkout in the cart, unless a concurrent request has ended it. A failure does no harm: the next
/// checkout ends it.
fn finish(ports: &impl Ports, mut cart: LoadedCart, checkout: &Checkout, end: impl Fn(&mut CartBody)) {
    let _ = retry_on_conflict(busy, || {
        if !cart.body.is_checking_out(&checkout.order_id) {
            return Ok(());
        }
        end(&mut cart.body);
        let saved = save(ports, &mut cart, Vec::new(), &[], false);
        if saved == Err(AttemptError::Conflict) {
            cart = load(ports, cart.key.as_ref())?;
        }
        saved
    });
}

/// Returns whether the order will never be placed, as `mercato:shop/placement` defines it.
const fn is_final(error: &Error) -> bool {
    matches!(
        error,
        Error::OutOfStock(_)
            | Error::Invalid(_)
            | Error::NotFound(_)
            | Error::Conflict(_)
            | Error::InvalidTransition(_)
    )
}

impl Checkout {
    fn has_terms(&self, terms: &Terms) -> bool {
        self.discount_code == terms.discount_code
            && self.region == terms.region
            && self.expected_total == terms.expected_total
    }

    /// Returns whether the checkout orders the content of the cart, or did so before the cart was emptied.
    fn is_of(&self, body: &CartBody, terms: &Terms) -> bool {
        (self.done || self.lines == body.ordered_lines()) && self.has_terms(terms)
    }
}

impl CartBody {
    fn ordered_lines(&self) -> Vec<OrderedLine> {
        let line = |line: &LineBody| OrderedLine {
            product_id: line.product_id.clone(),
            quantity: line.quantity,
        };
        self.lines.iter().map(line).collect()
    }

    fn begin_checkout(&self, terms: &Terms) -> Result<Checkout, Error> {
        if self.lines.is_empty() {
            return Err(Error::invalid(
                "products",
                "The cart is empty. Add a product first.",
            ));
        }
        Ok(Checkout {
            order_id: id::new(),
            lines: self.ordered_lines(),
            discount_code: terms.discount_code.clone(),
            region: terms.region.clone(),
            expected_total: terms.expected_total,
            done: false,
            done_at: 0,
        })
    }

    /// Returns the earlier checkout whose order may answer a checkout with these terms. The earlier one was
    /// interrupted, or it had the same terms and has just emptied the cart.
    fn earlier_checkout(&self, terms: &Terms, now: u64) -> Option<&Checkout> {
        self.checkout.as_ref().filter(|checkout| {
            !checkout.done
                || (self.lines.is_empty()
                    && checkout.has_terms(terms)
                    && now.saturating_sub(checkout.done_at) < REPETITION)
        })
    }

    fn is_checking_out(&self, order_id: &str) -> bool {
        self.checkout
            .as_ref()
            .is_some_and(|checkout| checkout.order_id == order_id && !checkout.done)
    }

    /// Completes a checkout whose order was placed.
    fn complete(&mut self, checkout: &Checkout) {
        self.remove(&checkout.lines);
        self.checkout = Some(Checkout {
            done: true,
            done_at: id::now(),
            ..checkout.clone()
        });
    }

    /// Removes the ordered units. Units that were added later stay.
    fn remove(&mut self, ordered: &[OrderedLine]) {
        for line in &mut self.lines {
            let ordered = ordered
                .iter()
                .find(|ordered| ordered.product_id == line.product_id);
            let quantity = ordered.map_or(0, |ordered| ordered.quantity);
            line.quantity = line.quantity.saturating_sub(quantity);
        }
        self.lines.retain(|line| line.quantity > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::SeenProduct;

    fn line(id: &str, quantity: u32) -> LineBody {
        LineBody {
            product_id: id.into(),
            quantity,
            seen: SeenProduct {
                name: "Sock".into(),
                price: 5,
                currency: "USD".into(),
                available: 9,
            },
        }
    }

    #[test]
    fn only_refusals_are_final() {
        let text = String::new;
        for error in [
            Error::OutOfStock(Vec::new()),
            Error::invalid("region", ""),
            Error::NotFound(text()),
            Error::Conflict(text()),
            Error::InvalidTransition(text()),
        ] {
            assert!(is_final(&error), "{error:?}");
        }
        for error in [
            Error::Unavailable(text()),
            Error::Internal(text()),
            Error::RateLimited(1),
            Error::Unauthenticated(text()),
            Error::Forbidden(text()),
        ] {
            assert!(!is_final(&error), "{error:?}");
        }
    }

    #[test]
    fn removes_only_the_ordered_units() {
        let mut cart = CartBody {
            lines: vec![line("a", 3), line("b", 1), line("c", 1), line("d", 7)],
            ..CartBody::default()
        };
        let ordered = [("a", 2), ("b", 1), ("c", 5), ("e", 1)].map(|(id, quantity)| OrderedLine {
            product_id: id.into(),
            quantity,
        });
        cart.remove(&ordered);
        assert_eq!(cart.lines, [line("a", 1), line("d", 7)]);
    }

    #[test]
    fn a_completed_checkout_answers_repetitions_for_a_few_seconds() {
        let terms = |expected_total| Terms {
            discount_code: None,
            region: None,
            expected_total,
        };
        let mut cart = CartBody {
            checkout: Some(Checkout {
                order_id: "o".into(),
                lines: Vec::new(),
                discount_code: None,
                region: None,
                expected_total: Some(5),
                done: true,
                done_at: 1_000,
            }),
            ..CartBody::default()
        };
        let answers = |cart: &CartBody, total, now| cart.earlier_checkout(&terms(Some(total)), now).is_some();
        assert!(answers(&cart, 5, 1_000) && answers(&cart, 5, 10_999));
        assert!(answers(&cart, 5, 999), "the clocks of two servers differ");
        assert!(!answers(&cart, 5, 11_000), "too late");
        assert!(!answers(&cart, 6, 1_000), "other terms");
        cart.lines.push(line("a", 1));
        assert!(!answers(&cart, 5, 1_000), "the cart has changed");
        cart.checkout.as_mut().unwrap().done = false;
        assert!(answers(&cart, 6, 99_999), "the checkout is not completed");
    }
}
