//! `Discount`, and what it takes to make one.

pub mod operations;

use async_graphql::{InputObject, Object};
use mercato_shop::discounts::{Discount, NewDiscount, Reduction};
use mercato_shop::types::Error;

use crate::schema::datetime::DateTime;
use crate::schema::product::int;

/// A code that takes something off an order.
pub struct DiscountObject(pub Discount);

/// A code that takes something off an order.
#[Object(name = "Discount")]
impl DiscountObject {
    /// In upper case; orders may write it in lower case, too.
    async fn code(&self) -> &str {
        &self.0.code
    }

    /// How much of the subtotal it takes off; null where it takes off an amount.
    async fn percent(&self) -> Option<i32> {
        match self.0.reduction {
            Reduction::Percent(percent) => Some(int(i64::from(percent))),
            Reduction::Amount(_) => None,
        }
    }

    /// What it takes off at the most, in minor units (cents) of `currency`; null where it takes off a percentage.
    async fn amount(&self) -> Option<i32> {
        match self.0.reduction {
            Reduction::Percent(_) => None,
            Reduction::Amount(amount) => Some(int(amount)),
        }
    }

    /// ISO 4217; null where it is good for orders in any.
    async fn currency(&self) -> Option<&str> {
        self.0.currency.as_deref()
    }

    /// The least subtotal of an order, in minor units (cents) of `currency`.
    async fn minimum(&self) -> Option<i32> {
        self.0.minimum.map(int)
    }

    /// How many orders it is good for.
    async fn limit(&self) -> Option<i32> {
        self.0.limit.map(|limit| int(i64::from(limit)))
    }

    /// How many orders of one customer it is good for.
    async fn limit_per_customer(&self) -> Option<i32> {
        self.0.limit_per_customer.map(|limit| int(i64::from(limit)))
    }

    async fn starts_at(&self) -> Option<DateTime> {
        self.0.starts_at.map(DateTime)
    }

    /// The first moment at which it is no longer good.
    async fn ends_at(&self) -> Option<DateTime> {
        self.0.ends_at.map(DateTime)
    }

    async fn enabled(&self) -> bool {
        self.0.enabled
    }

    /// How many orders that were not cancelled have used it.
    async fn used(&self) -> i32 {
        int(i64::try_from(self.0.used).unwrap_or(i64::MAX))
    }

    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}

/// A code to be made: either `percent` or `amount`. Amounts in minor units (cents); the shop's own currency where none is named.
#[derive(InputObject)]
pub struct CreateDiscountInput {
    /// 3 to 40 letters (A to Z), digits and hyphens; upper and lower case are the same.
    code: String,
    /// Of the subtotal, 1 to 100.
    percent: Option<i32>,
    amount: Option<i32>,
    currency: Option<String>,
    /// The least subtotal of an order.
    minimum: Option<i32>,
    /// How many orders it is good for.
    limit: Option<i32>,
    /// How many orders of one customer it is good for.
    limit_per_customer: Option<i32>,
    starts_at: Option<DateTime>,
    /// The first moment at which it is no longer good.
    ends_at: Option<DateTime>,
}

impl TryFrom<CreateDiscountInput> for NewDiscount {
    type Error = Error;

    fn try_from(input: CreateDiscountInput) -> Result<Self, Error> {
        // The service refuses 0, and so everything below it.
        let count = |number: i32| u32::try_from(number).unwrap_or(0);
        let reduction = match (input.percent, input.amount) {
            (Some(percent), None) => Reduction::Percent(count(percent)),
            (None, Some(amount)) => Reduction::Amount(i64::from(amount)),
            _ => return Err(Error::invalid("percent", "Give either percent or amount.")),
        };
        Ok(Self {
            code: input.code,
            reduction,
            currency: input.currency,
            minimum: input.minimum.map(i64::from),
            limit: input.limit.map(count),
            limit_per_customer: input.limit_per_customer.map(count),
            starts_at: input.starts_at.map(|time| time.0),
            ends_at: input.ends_at.map(|time| time.0),
        })
    }
}
