//! Who moves the money: one trait, Stripe and a gateway that plays behind it.

pub mod stripe;
pub mod test;

use mercato_shop::types::Money;

/// An attempt to take money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge<'a> {
    /// The order that is paid, which is the payment's id as well.
    pub order_id: &'a str,
    /// Which attempt it is; with the order it makes the idempotency key.
    pub attempt: u32,
    pub amount: &'a Money,
    /// The token of what it is paid with.
    pub method: &'a str,
    /// Whether the same was asked for before and nobody knows what came of it.
    pub again: bool,
}

/// Money to be given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repayment<'a> {
    pub payment_id: &'a str,
    /// The refund's own id, which is its idempotency key.
    pub refund_id: &'a str,
    /// The gateway's id of the attempt that took the money.
    pub reference: &'a str,
    /// In minor units.
    pub amount: i64,
    /// Whether it was asked for so long ago that the gateway may have forgotten the key.
    pub late: bool,
}

/// How an attempt stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charged {
    /// The gateway's id of it; none where it made none.
    pub reference: Option<String>,
    pub state: State,
}

/// See [`Charged`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The money is taken.
    Succeeded,
    /// Not known yet.
    Processing,
    /// The customer has to confirm it with this secret.
    RequiresAction(String),
    /// No money was taken; what to tell the customer.
    Failed(String),
    /// No money was taken, and none can be.
    Cancelled,
}

/// How a refund stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repaid {
    Succeeded,
    /// On its way; it may yet fail.
    Pending,
    Failed,
}

/// Why a gateway gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing was done: it was not reached, or it is too busy. For the customer.
    NotDone(String),
    /// It may have been done: the same request tells, by its idempotency key.
    Unknown(String),
    /// The gateway will never do it. For the operator.
    Refused(String),
}

/// For how long the same request is the same to a gateway, in milliseconds: Stripe knows an idempotency key for at least 24 hours, and would
/// charge again after that.
pub const KEYS_LAST: u64 = 23 * 3_600_000;

/// A payment gateway. All requests can be repeated for as long as [`KEYS_LAST`].
pub trait PaymentGateway {
    /// Its name in documents.
    fn name(&self) -> &'static str;

    /// Takes money.
    fn charge(&self, charge: &Charge<'_>) -> Result<Charged, Trouble>;

    /// How an attempt stands that was asked for longer ago than [`KEYS_LAST`], and whose answer was lost; none where it was never made.
    fn find(&self, charge: &Charge<'_>) -> Result<Option<Charged>, Trouble>;

    /// How an attempt stands now.
    fn look(&self, reference: &str) -> Result<Charged, Trouble>;

    /// Sees to it that an attempt takes no money any more; where it has, it answers that.
    fn cancel(&self, reference: &str) -> Result<Charged, Trouble>;

    /// Gives money back.
    fn repay(&self, repayment: &Repayment<'_>) -> Result<Repaid, Trouble>;
}

impl Charge<'_> {
    /// The idempotency key.
    pub fn key(&self) -> String {
        format!("{}/{}", self.order_id, self.attempt)
    }
}
