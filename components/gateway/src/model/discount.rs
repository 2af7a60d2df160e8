//! Discount codes.

use async_graphql::{InputObject, SimpleObject};
use mercato_shop::discounts::{self, Reduction};
use mercato_shop::types::Error;

use crate::model::convert::Convert;
use crate::model::scalar::{Amount, DateTime, Id, Int, IntAmount};

/// The basis points of one percent.
const PERCENT: u32 = 100;

/// The beginning of the id of a discount code. The code follows in upper case.
pub const DISCOUNT: &str = "discount.";

/// A discount code.
#[derive(SimpleObject)]
pub struct Discount {
    /// Unique among all entities of the shop: `discount.` and the code.
    pub id: Id,
    /// In upper case. Orders may write it in lower case.
    code: String,
    /// The percentage of the subtotal. Null for a percentage that is not a whole number, and for a discount
    /// with an amount.
    percent: Option<Int<u32>>,
    /// The percentage of the subtotal, in hundredths of a percent: 620 is 6.2 %. Null for a discount with an
    /// amount.
    basis_points: Option<Int<u32>>,
    /// The reduction, at most the subtotal. In minor units (cents) of `currency`. Null for a discount with a
    /// percentage.
    #[graphql(derived(
        name = "exact_amount",
        into = "Option<Amount>",
        owned = true,
        with = "Amount::optional"
    ))]
    amount: Option<IntAmount>,
    /// ISO 4217. Null if the code is valid for orders in any currency.
    currency: Option<String>,
    /// The smallest subtotal of an order, in minor units (cents) of `currency`.
    #[graphql(derived(
        name = "minimum_amount",
        into = "Option<Amount>",
        owned = true,
        with = "Amount::optional"
    ))]
    minimum: Option<IntAmount>,
    /// How many orders can use the code.
    limit: Option<Int<u32>>,
    /// How many orders of one customer can use the code.
    limit_per_customer: Option<Int<u32>>,
    /// When the code begins to be valid.
    starts_at: Option<DateTime>,
    /// When the code stops being valid.
    ends_at: Option<DateTime>,
    /// Whether orders can use the code. A disabled code stays disabled.
    enabled: bool,
    /// How many orders have used the code. Cancelled orders do not count.
    used: Int<u64>,
    /// When the code was created.
    created_at: DateTime,
}

/// A discount code to create, with one of `percent`, `basisPoints`, `amount` and `exactAmount`. Amounts are
/// in minor units (cents).
#[derive(InputObject)]
#[graphql(name = "CreateDiscountInput")]
pub struct NewDiscount {
    /// 3 to 40 letters (A to Z), digits and hyphens. Upper and lower case are the same.
    code: String,
    /// The percentage of the subtotal, 1 to 100.
    percent: Option<Int<u32>>,
    /// The percentage of the subtotal, in hundredths of a percent: 1 to 10000. 620 is 6.2 %.
    basis_points: Option<Int<u32>>,
    /// The reduction.
    amount: Option<Int>,
    /// The reduction. Like `amount`, for all amounts.
    exact_amount: Option<Amount>,
    /// The currency of the amounts, in ISO 4217. The default is the shop's.
    currency: Option<String>,
    /// The smallest subtotal of an order.
    minimum: Option<Int>,
    /// The smallest subtotal of an order. Like `minimum`, for all amounts.
    minimum_amount: Option<Amount>,
    /// How many orders can use the code.
    limit: Option<i32>,
    /// How many orders of one customer can use the code.
    limit_per_customer: Option<i32>,
    /// When the code begins to be valid. The default is now.
    starts_at: Option<DateTime>,
    /// When the code stops being valid.
    ends_at: Option<DateTime>,
}

impl Convert<Discount> for discounts::Discount {
    fn convert(self) -> Discount {
        let (points, amount) = match self.reduction {
            Reduction::BasisPoints(points) => (Some(points), None),
            Reduction::Amount(amount) => (None, Some(amount)),
        };
        let percent = points.filter(|points| points.is_multiple_of(PERCENT));
        Discount {
            id: format!("{DISCOUNT}{}", self.code).into(),
            code: self.code,
            percent: percent.map(|points| points / PERCENT).convert(),
            basis_points: points.convert(),
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
        let amount = Amount::of_input("amount", input.amount, input.exact_amount)?;
        let points = |percent: Int<u32>| Reduction::BasisPoints(percent.0.saturating_mul(PERCENT));
        let reduction = match (input.percent, input.basis_points, amount) {
            (Some(percent), None, None) => points(percent),
            (None, Some(Int(points)), None) => Reduction::BasisPoints(points),
            (None, None, Some(amount)) => Reduction::Amount(amount),
            _ => {
                let message = "Send one of `percent`, `basisPoints`, `amount` and `exactAmount`.";
                return Err(Error::invalid("percent", message));
            }
        };
        Ok(Self {
            code: input.code,
            reduction,
            currency: input.currency,
            minimum: Amount::of_input("minimum", input.minimum, input.minimum_amount)?,
            limit: input.limit.map(count),
            limit_per_customer: input.limit_per_customer.map(count),
            starts_at: input.starts_at.convert(),
            ends_at: input.ends_at.convert(),
        })
    }
}

/// Returns a limit. A negative one becomes 0, which the service refuses by the name of its field.
fn count(limit: i32) -> u32 {
    u32::try_from(limit).unwrap_or(0)
}
