//! The use of a discount code by an order: counted in the commit that inserts the order, given back in the one that cancels it.

use mercato_ports::documents::Write;
use mercato_shop::collection::{Collection, Stored};
use mercato_shop::ports::Ports;
use mercato_shop::types::Error;
use serde::{Deserialize, Serialize};

use crate::discount::{DISCOUNTS, DiscountBody, change, normalized, refused, used_up};

/// What customers have left of codes that are limited for each of them; the id is `CODE/user id`.
const SHARES: Collection<Share> = Collection::new("orders.discount-shares");

/// What one customer has left of a code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Share {
    left: i64,
}

/// A code as an order has used it, with all that giving the use back takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Redeemed {
    pub code: String,
    limited: bool,
    limited_per_customer: bool,
}

/// A code that a customer's order is about to use.
#[derive(Debug)]
pub struct Use {
    discount: Stored<DiscountBody>,
    user_id: String,
    /// Whether the customer has a share already.
    again: bool,
}

impl Use {
    /// The use of a code that can be used at a time. Another order may be faster yet: the commit tells.
    pub fn find(ports: &impl Ports, code: &str, user_id: &str, now: u64) -> Result<Self, Error> {
        let unknown = || refused("There is no such discount code.");
        let code = normalized(code).ok_or_else(unknown)?;
        let discount = DISCOUNTS.get(ports, &code)?.ok_or_else(unknown)?;
        discount.body.check(now)?;
        let share = match discount.body.limit_per_customer {
            Some(_) => SHARES.get(ports, &share_id(&code, user_id))?,
            None => None,
        };
        if share.as_ref().is_some_and(|share| share.body.left < 1) {
            return Err(used_up());
        }
        Ok(Self {
            discount,
            user_id: user_id.into(),
            again: share.is_some(),
        })
    }

    /// What the code takes off a subtotal.
    pub fn off(&self, subtotal: i64, currency: &str) -> Result<i64, Error> {
        self.discount.body.off(subtotal, currency)
    }

    /// What the order keeps of it.
    pub fn redeemed(&self) -> Redeemed {
        Redeemed {
            code: self.discount.id.clone(),
            limited: self.discount.body.limit.is_some(),
            limited_per_customer: self.discount.body.limit_per_customer.is_some(),
        }
    }

    /// The writes that count the use, and are refused where the code is used up or disabled by then.
    pub fn count(&self) -> Result<Vec<Write>, Error> {
        let mut changes = vec![change("used", 1, None), change("enabled", 0, Some(1))];
        if self.discount.body.limit.is_some() {
            changes.push(change("left", -1, Some(0)));
        }
        let mut writes = vec![DISCOUNTS.adjust(&self.discount.id, changes)];
        if let Some(limit) = self.discount.body.limit_per_customer {
            let id = share_id(&self.discount.id, &self.user_id);
            writes.push(if self.again {
                SHARES.adjust(&id, vec![change("left", -1, Some(0))])
            } else {
                let left = i64::from(limit).saturating_sub(1);
                SHARES.insert(&id, &Share { left })?
            });
        }
        Ok(writes)
    }
}

impl Redeemed {
    /// The writes that give the use back to its customer.
    pub fn give_back(&self, user_id: &str) -> Vec<Write> {
        let mut changes = vec![change("used", -1, None)];
        if self.limited {
            changes.push(change("left", 1, None));
        }
        let mut writes = vec![DISCOUNTS.adjust(&self.code, changes)];
        if self.limited_per_customer {
            let id = share_id(&self.code, user_id);
            writes.push(SHARES.adjust(&id, vec![change("left", 1, None)]));
        }
        writes
    }
}

fn share_id(code: &str, user_id: &str) -> String {
    format!("{code}/{user_id}")
}
