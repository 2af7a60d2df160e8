//! Discount codes.

use async_graphql::{InputObject, SimpleObject};
use mercato_shop::discounts::{self, Reduction};
use mercato_shop::types::Error;

use crate::model::convert::Convert;
use crate::model::scalar::{DateTime, Int};

/// A discount code.
#[derive(SimpleObject)]
pub struct Discount {
    /// In upper case. Orders may write it in lower case.
    code: String,
    /// The percentage of the subtotal. Null for a discount with an amount.
    percent: Option<Int<u32>>,
    /// The reduction, at most the subtotal. In minor units (cents) of `currency`. Null for a discount with a
    /// percentage.
    amount: Option<Int>,
    /// ISO 4217. Null if the code is valid for orders in any currency.
    currency: Option<String>,
    /// The smallest subtotal of an order, in minor units (cents) of `currency`.
    minimum: Option<Int>,
    /// How many orders can use the code.
    limit: Option<Int<u32>>,
    /// How many orders of one customer can use the code.
    limit_per_customer: Option<Int<u32>>,
    starts_at: Option<DateTime>,
    /// When the code stops being valid.
    ends_at: Option<DateTime>,
    enabled: bool,
    /// How many orders have used the code. Cancelled orders do not count.
    used: Int<u64>,
    created_at: DateTime,
}

/// A discount code to create, with either `percent` or `amount`. Amounts are in minor units (cents). The
/// default currency is the shop's.
#[derive(InputObject)]
#[graphql(name = "CreateDiscountInput")]
pub struct NewDiscount {
    /// 3 to 40 letters (A to Z), digits and hyphens. Upper and lower case are the same.
    code: String,
    /// The percentage of the subtotal, 1 to 100.
    percent: Option<i32>,
    amount: Option<Int>,
    currency: Option<String>,
    /// The smallest subtotal of an order.
    minimum: Option<Int>,
    /// How many orders can use the code.
    limit: Option<i32>,
    /// How many orders of one customer can use the code.
    limit_per_customer: Option<i32>,
    starts_at: Option<DateTime>,
    /// When the code stops being valid.
    ends_at: Option<DateTime>,
}

impl Convert<Discount> for discounts::Discount {
    fn convert(self) -> Discount {
        let (percent, amount) = match self.reduction {
            Reduction::Percent(percent) => (Some(percent), None),
            Reduction::Amount(amount) => (None, Some(amount)),
        };
        Discount {
            code: self.code,
            percent: percent.convert(),
            amount: amount.convert(),
            currency: self.currency,
            minimum: self.minimum.convert(),
            limit: self.limit.convert(),
            limit_per_customer: self.limit_per_customer.convert(),
            starts_at: self.starts_at.convert(),
            ends_at: self.ends_at.convert(),
            enabled: self.enabled,
            used: self.used.convert(),
            created_at: self.created_at.convert(),
        }
    }
}

impl TryFrom<NewDiscount> for discounts::NewDiscount {
    type Error = Error;

    fn try_from(input: NewDiscount) -> Result<Self, Error> {
        // The service refuses 0. A negative number becomes 0, so that the service refuses it too.
        let count = |number: i32| u32::try_from(number).unwrap_or(0);
        let reduction = match (input.percent, input.amount) {
            (Some(percent), None) => Reduction::Percent(count(percent)),
            (None, Some(amount)) => Reduction::Amount(amount.0),
            _ => return Err(Error::invalid("percent", "Send either `percent` or `amount`.")),
        };
        Ok(Self {
            code: input.code,
            reduction,
            currency: input.currency,
            minimum: input.minimum.convert(),
            limit: input.limit.map(count),
            limit_per_customer: input.limit_per_customer.map(count),
            starts_at: input.starts_at.convert(),
            ends_at: input.ends_at.convert(),
        })
    }
}
