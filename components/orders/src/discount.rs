//! The discount code as it is stored, and what it takes off.

use mercato_ports::documents::Change;
use mercato_shop::collection::{Collection, Stored};
use mercato_shop::discounts::{Discount, Reduction};
use mercato_shop::types::Error;
use serde::{Deserialize, Serialize};

/// All discount codes; the id is the code.
pub const DISCOUNTS: Collection<DiscountBody> = Collection::new("orders.discounts");

/// The numbers change by adjustments alone, in the commits of the orders that use the code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscountBody {
    pub reduction: StoredReduction,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_per_customer: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<u64>,
    /// 1, or 0 once it is disabled.
    pub enabled: i64,
    /// How many uses are left; only where there is a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<i64>,
    pub used: i64,
    pub created_at: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StoredReduction {
    Percent(u32),
    Amount(i64),
}

impl DiscountBody {
    /// What it takes off a subtotal, which is never more than the subtotal; percentages are rounded down.
    pub fn off(&self, subtotal: i64, currency: &str) -> Result<i64, Error> {
        if let Some(own) = self.currency.as_deref().filter(|own| *own != currency) {
            return Err(refused(format!("This discount code is for orders in {own}.")));
        }
        if let Some(minimum) = self.minimum.filter(|minimum| subtotal < *minimum) {
            return Err(refused(format!(
                "This discount code is for orders of at least {minimum} minor units of {currency}."
            )));
        }
        Ok(match self.reduction {
            StoredReduction::Percent(percent) => subtotal.saturating_mul(i64::from(percent)) / 100,
            StoredReduction::Amount(amount) => amount.min(subtotal),
        })
    }

    /// Whether it can be used at a time. Another order may be faster yet: the commit tells.
    pub fn check(&self, now: u64) -> Result<(), Error> {
        if self.enabled < 1 {
            Err(refused("This discount code is no longer valid."))
        } else if self.starts_at.is_some_and(|start| now < start) {
            Err(refused("This discount code is not valid yet."))
        } else if self.ends_at.is_some_and(|end| now >= end) {
            Err(refused("This discount code has expired."))
        } else if self.left.is_some_and(|left| left < 1) {
            Err(used_up())
        } else {
            Ok(())
        }
    }
}

/// A code as it is stored; none where it can't be one.
pub fn normalized(text: &str) -> Option<String> {
    let code = text.trim().to_ascii_uppercase();
    let fine = (3..=40).contains(&code.len())
        && code
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-');
    fine.then_some(code)
}

/// Why a code can't be used for an order.
pub fn refused(message: impl Into<String>) -> Error {
    Error::invalid("discountCode", message)
}

/// There is no use left, for this customer or for anyone.
pub fn used_up() -> Error {
    refused("This discount code has been used as often as it is good for. Order without it.")
}

/// The change that disables a code, once.
pub fn disabling() -> Vec<Change> {
    vec![change("enabled", -1, Some(0))]
}

/// One step of an adjustment.
pub fn change(field: &str, by: i64, floor: Option<i64>) -> Change {
    Change {
        field: field.into(),
        by,
        floor,
    }
}

/// What is told of a code.
pub fn to_discount(stored: Stored<DiscountBody>) -> Discount {
    let body = stored.body;
    Discount {
        code: stored.id,
        reduction: match body.reduction {
            StoredReduction::Percent(percent) => Reduction::Percent(percent),
            StoredReduction::Amount(amount) => Reduction::Amount(amount),
        },
        currency: body.currency,
        minimum: body.minimum,
        limit: body.limit,
        limit_per_customer: body.limit_per_customer,
        starts_at: body.starts_at,
        ends_at: body.ends_at,
        enabled: body.enabled > 0,
        used: u64::try_from(body.used).unwrap_or(0),
        created_at: body.created_at,
    }
}
