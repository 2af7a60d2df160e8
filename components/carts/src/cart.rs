//! The cart as it is stored.

use mercato_shop::carts::Terms;
use mercato_shop::catalog::Product;
use mercato_shop::collection::Collection;
use mercato_shop::types::{Error, Line};
use serde::{Deserialize, Serialize};

/// All carts; the id says whose.
pub const CARTS: Collection<CartBody> = Collection::new("carts.carts");

/// What one order may have, too.
pub const MOST_LINES: usize = 100;
/// For how long the order of a checkout answers another one of the emptied cart, in milliseconds: who asks twice at once, by a double click,
/// does so within it.
const REPEATED: u64 = 10_000;
/// The most pieces of a line: what one of an order may have, too.
pub const MOST_PIECES: u32 = 1_000_000;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CartBody {
    pub lines: Vec<LineBody>,
    /// The checkout that is under way, or the last one, as long as nothing was changed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkout: Option<Checkout>,
    /// From when on there is nothing in it any more, in milliseconds since the Unix epoch, UTC.
    pub expires_at: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LineBody {
    pub product_id: String,
    pub quantity: u32,
    pub seen: Seen,
}

/// What a product was like when somebody last put a hand on its line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    pub name: String,
    /// In minor units.
    pub price: i64,
    pub currency: String,
    pub available: u32,
}

/// What was sent to be ordered: written before it is, so that a checkout that is interrupted goes on with the same order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Checkout {
    pub order_id: String,
    pub lines: Vec<SentLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_total: Option<i64>,
    /// Whether the order was placed, and its lines taken out of the cart.
    pub done: bool,
    /// When that was, in milliseconds since the Unix epoch, UTC; 0 while it is not done.
    #[serde(default)]
    pub done_at: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SentLine {
    pub product_id: String,
    pub quantity: u32,
}

impl From<&Product> for Seen {
    fn from(product: &Product) -> Self {
        Self {
            name: product.name.clone(),
            price: product.price.amount,
            currency: product.price.currency.clone(),
            available: product.quantity,
        }
    }
}

impl From<&SentLine> for Line {
    fn from(line: &SentLine) -> Self {
        Self {
            product_id: line.product_id.clone(),
            quantity: line.quantity,
        }
    }
}

impl Checkout {
    /// Whether it is on these terms.
    pub fn is_on(&self, terms: &Terms) -> bool {
        self.discount_code == terms.discount_code
            && self.region == terms.region
            && self.expected_total == terms.expected_total
    }
}

impl CartBody {
    pub fn line_mut(&mut self, product_id: &str) -> Option<&mut LineBody> {
        self.lines.iter_mut().find(|line| line.product_id == product_id)
    }

    /// Adds so many of a product; to what is there, or as a line of its own.
    pub fn add(&mut self, product: &Product, quantity: u32) -> Result<(), Error> {
        if let Some(line) = self.line_mut(&product.id) {
            line.quantity = line
                .quantity
                .checked_add(quantity)
                .filter(|sum| *sum <= MOST_PIECES)
                .ok_or_else(|| too_many_pieces("quantity"))?;
        } else if self.lines.len() < MOST_LINES {
            self.lines.push(LineBody {
                product_id: product.id.clone(),
                quantity,
                seen: product.into(),
            });
        } else {
            return Err(Error::invalid(
                "productId",
                format!("A cart has at most {MOST_LINES} different products. Remove one first."),
            ));
        }
        Ok(())
    }

    /// Takes what was ordered out; what was added meanwhile stays.
    pub fn take_out(&mut self, sent: &[SentLine]) {
        for line in &mut self.lines {
            let taken = sent.iter().find(|sent| sent.product_id == line.product_id);
            line.quantity = line
                .quantity
                .saturating_sub(taken.map_or(0, |sent| sent.quantity));
        }
        self.lines.retain(|line| line.quantity > 0);
    }

    /// The checkout whose order may be the answer to another one on these terms: one that was interrupted, or that on the same terms
    /// which has emptied the cart a moment ago.
    pub fn earlier(&self, terms: &Terms, now: u64) -> Option<&Checkout> {
        self.checkout.as_ref().filter(|checkout| {
            !checkout.done
                || (self.lines.is_empty()
                    && checkout.is_on(terms)
                    && now.saturating_sub(checkout.done_at) < REPEATED)
        })
    }

    /// Whether this is the checkout that is under way.
    pub fn is_checking_out(&self, order_id: &str) -> bool {
        self.checkout
            .as_ref()
            .is_some_and(|checkout| checkout.order_id == order_id && !checkout.done)
    }
}

/// A line can't have so many.
pub fn too_many_pieces(field: &str) -> Error {
    Error::invalid(
        field,
        format!("A cart has at most {MOST_PIECES} pieces of one product."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str, quantity: u32) -> LineBody {
        LineBody {
            product_id: id.into(),
            quantity,
            seen: Seen {
                name: "Sock".into(),
                price: 5,
                currency: "USD".into(),
                available: 9,
            },
        }
    }

    #[test]
    fn only_what_was_sent_is_taken_out() {
        let mut cart = CartBody {
            lines: vec![line("a", 3), line("b", 1), line("c", 1), line("d", 7)],
            ..CartBody::default()
        };
        let sent = [("a", 2), ("b", 1), ("c", 5), ("e", 1)].map(|(id, quantity)| SentLine {
            product_id: id.into(),
            quantity,
        });
        cart.take_out(&sent);
        assert_eq!(cart.lines, [line("a", 1), line("d", 7)]);
    }

    #[test]
    fn a_checkout_that_is_done_answers_the_same_one_for_a_moment() {
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
        let earlier = |cart: &CartBody, total, now| cart.earlier(&terms(Some(total)), now).is_some();
        assert!(earlier(&cart, 5, 1_000) && earlier(&cart, 5, 10_999));
        assert!(earlier(&cart, 5, 999), "clocks differ");
        assert!(!earlier(&cart, 5, 11_000), "that is long ago");
        assert!(!earlier(&cart, 6, 1_000), "that is not the same");
        cart.lines.push(line("a", 1));
        assert!(!earlier(&cart, 5, 1_000), "that is another cart");
        cart.checkout.as_mut().unwrap().done = false;
        assert!(earlier(&cart, 6, 99_999), "it is not finished");
    }
}
