//! The use of a discount by an order. The commit that inserts the order counts the use, and the commit that
//! cancels the order gives it back.

use mercato_ports::documents::{Change, Write};
use mercato_shop::collection::Stored;
use mercato_shop::currency;
use mercato_shop::discounts::Reduction;
use mercato_shop::ports::Ports;
use mercato_shop::types::Error;

use crate::repository::{CUSTOMER_USES, CustomerUses, DISCOUNTS, DiscountBody, Redemption};

/// A discount that an order is about to use.
#[derive(Debug)]
pub struct DiscountUse {
    discount: Stored<DiscountBody>,
    user_id: String,
    /// Whether the remaining uses of the customer are stored already.
    has_customer_uses: bool,
}

impl DiscountUse {
    /// Reads a discount that can be used now. A concurrent order may still use it up: the commit decides.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the discount does not exist or can't be used.
    pub fn find(ports: &impl Ports, code: &str, user_id: &str, now: u64) -> Result<Self, Error> {
        let unknown = || invalid("There is no such discount code.");
        let code = normalize(code).ok_or_else(unknown)?;
        let discount = DISCOUNTS.get(ports, &code)?.ok_or_else(unknown)?;
        discount.body.check(now)?;
        let customer_uses = match discount.body.limit_per_customer {
            Some(_) => CUSTOMER_USES.get(ports, &customer_uses_id(&code, user_id))?,
            None => None,
        };
        if let Some(limit) = discount.body.limit_per_customer
            && customer_uses.as_ref().is_some_and(|uses| uses.body.left < 1)
        {
            return Err(invalid(format!(
                "Each customer can use this discount code for {}, and this customer has. Order without it.",
                orders(limit)
            )));
        }
        Ok(Self {
            discount,
            user_id: user_id.into(),
            has_customer_uses: customer_uses.is_some(),
        })
    }

    /// Returns the reduction of a subtotal, which is never more than the subtotal. It is rounded down to a
    /// multiple of the unit, unless it is the whole subtotal.
    pub fn reduction(&self, subtotal: i64, currency: &str, unit: i64) -> Result<i64, Error> {
        let body = &self.discount.body;
        if let Some(own) = body.currency.as_deref().filter(|own| *own != currency) {
            return Err(invalid(format!(
                "This discount code is for orders in {own}. This order is in {currency}."
            )));
        }
        if let Some(minimum) = body.minimum.filter(|minimum| subtotal < *minimum) {
            return Err(invalid(format!(
                "This discount code is for orders of at least {}. The products cost {}.",
                currency::with_code(minimum, currency),
                currency::with_code(subtotal, currency)
            )));
        }
        let reduction = match body.reduction {
            Reduction::BasisPoints(points) => percentage(subtotal, points),
            Reduction::Amount(amount) => amount.min(subtotal),
        };
        Ok(if reduction == subtotal {
            subtotal
        } else {
            reduction - reduction % unit
        })
    }

    /// Returns the part of the use that the order stores.
    pub fn redemption(&self) -> Redemption {
        Redemption {
            code: self.discount.id.clone(),
            limited: self.discount.body.limit.is_some(),
            limited_per_customer: self.discount.body.limit_per_customer.is_some(),
        }
    }

    /// Returns the writes that count the use. The store refuses them if the discount is used up or disabled.
    pub fn redeem(&self) -> Result<Vec<Write>, Error> {
        let mut changes = vec![change("used", 1, None), change("enabled", 0, Some(1))];
        if self.discount.body.limit.is_some() {
            changes.push(change("left", -1, Some(0)));
        }
        let mut writes = vec![DISCOUNTS.adjust(&self.discount.id, changes)];
        if let Some(limit) = self.discount.body.limit_per_customer {
            let id = customer_uses_id(&self.discount.id, &self.user_id);
            writes.push(if self.has_customer_uses {
                CUSTOMER_USES.adjust(&id, vec![change("left", -1, Some(0))])
            } else {
                let left = i64::from(limit).saturating_sub(1);
                CUSTOMER_USES.insert(&id, &CustomerUses { left })?
            });
        }
        Ok(writes)
    }
}

impl DiscountBody {
    /// Checks whether the discount can be used at a time.
    fn check(&self, now: u64) -> Result<(), Error> {
        if self.enabled < 1 {
            Err(invalid("This discount code is no longer valid."))
        } else if self.starts_at.is_some_and(|start| now < start) {
            Err(invalid("This discount code is not valid yet."))
        } else if self.ends_at.is_some_and(|end| now >= end) {
            Err(invalid("This discount code has expired."))
        } else if let Some(limit) = self.limit
            && self.left.is_some_and(|left| left < 1)
        {
            Err(invalid(format!(
                "This discount code was for {}, and all of them were placed. Order without it.",
                orders(limit)
            )))
        } else {
            Ok(())
        }
    }
}

impl Redemption {
    /// Returns the writes that give the use back to a customer.
    pub fn give_back(&self, user_id: &str) -> Vec<Write> {
        let mut changes = vec![change("used", -1, None)];
        if self.limited {
            changes.push(change("left", 1, None));
        }
        let mut writes = vec![DISCOUNTS.adjust(&self.code, changes)];
        if self.limited_per_customer {
            let id = customer_uses_id(&self.code, user_id);
            writes.push(CUSTOMER_USES.adjust(&id, vec![change("left", 1, None)]));
        }
        writes
    }
}

/// Returns the code as the id of its document, in upper case. `None` if the text can't be a code.
pub fn normalize(text: &str) -> Option<String> {
    let code = text.trim().to_ascii_uppercase();
    let is_allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
    ((3..=40).contains(&code.len()) && code.bytes().all(is_allowed)).then_some(code)
}

fn change(field: &str, by: i64, floor: Option<i64>) -> Change {
    Change {
        field: field.into(),
        by,
        floor,
    }
}

fn customer_uses_id(code: &str, user_id: &str) -> String {
    format!("{code}/{user_id}")
}

fn invalid(message: impl Into<String>) -> Error {
    Error::invalid("discountCode", message)
}

/// Returns a number of orders as text.
fn orders(count: u32) -> String {
    format!("{count} order{}", if count == 1 { "" } else { "s" })
}

/// Returns a part of an amount, in hundredths of a percent. Rounds down.
fn percentage(amount: i64, points: u32) -> i64 {
    let part = i128::from(amount) * i128::from(points) / 10_000;
    i64::try_from(part).unwrap_or(amount)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_discount_is_valid_from_its_start_until_before_its_end() {
        let discount = DiscountBody {
            reduction: Reduction::Amount(1),
            currency: None,
            minimum: None,
            limit: None,
            limit_per_customer: None,
            starts_at: Some(1_000),
            ends_at: Some(2_000),
            enabled: 1,
            left: None,
            used: 0,
            created_at: 0,
        };
        let message = |now| match discount.check(now) {
            Err(Error::Invalid(violation)) => violation.message,
            valid => format!("{valid:?}"),
        };
        for (now, expected) in [
            (999, "not valid yet"),
            (1_000, "Ok"),
            (1_999, "Ok"),
            (2_000, "has expired"),
        ] {
            assert!(message(now).contains(expected), "{now}: {}", message(now));
        }
    }
}
