//! Payment gateways: the interface, Stripe, and a test gateway.

pub mod stripe;
pub mod test;

use mercato_shop::currency;
use mercato_shop::types::Error;

/// How long a gateway recognises a repeated request, in milliseconds. Stripe keeps idempotency keys for at
/// least 24 hours, and charges again after that.
pub const IDEMPOTENCY_WINDOW: u64 = 23 * 3_600_000;

/// The name of Stripe in documents.
pub const STRIPE: &str = "stripe";

/// A payment gateway. Each request can be repeated within the [`IDEMPOTENCY_WINDOW`].
pub trait PaymentGateway {
    /// Returns the name of the gateway in documents.
    fn name(&self) -> &'static str;

    /// Charges the customer.
    fn charge(&self, charge: &Charge<'_>) -> Result<Charged, GatewayError>;

    /// Finds an attempt whose answer was lost and whose idempotency key has expired. Returns `None` if it was
    /// never made.
    fn find(&self, charge: &Charge<'_>) -> Result<Option<Charged>, GatewayError>;

    /// Returns the current state of an attempt.
    fn get(&self, reference: &str) -> Result<Charged, GatewayError>;

    /// Cancels an attempt, and returns its state. An attempt that has succeeded stays succeeded.
    fn cancel(&self, reference: &str) -> Result<Charged, GatewayError>;

    /// Refunds a payment, in whole or in part.
    fn refund(&self, request: &RefundRequest<'_>) -> Result<RefundState, GatewayError>;
}

/// Converts an amount in minor units to the unit of a gateway's API.
///
/// # Errors
/// Why the gateway can't charge the amount, as a sentence.
pub fn amount_at(gateway: &str, amount: i64, code: &str) -> Result<i64, String> {
    match gateway {
        STRIPE => currency::to_stripe(amount, code),
        _ => Ok(amount),
    }
}

/// A request to charge a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge<'a> {
    /// The id of the order and of its payment.
    pub order_id: &'a str,
    pub attempt: u32,
    /// In the unit of the gateway's API.
    pub amount: i64,
    pub currency: &'a str,
    /// The token of the payment method.
    pub method: &'a str,
    /// Whether the request was made before, and its outcome is unknown.
    pub is_repeated: bool,
}

impl Charge<'_> {
    /// Returns the idempotency key.
    pub fn key(&self) -> String {
        format!("{}/{}", self.order_id, self.attempt)
    }
}

/// The answer to a [`Charge`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charged {
    /// The gateway's id of the attempt, if the gateway created one.
    pub reference: Option<String>,
    pub state: ChargeState,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChargeState {
    Succeeded,
    /// The outcome is not known yet.
    Processing,
    /// The customer must confirm the payment with this client secret.
    RequiresAction(String),
    /// Nothing was paid, for this reason. The reason is written for the customer.
    Failed(String),
    /// Nothing was paid, and the attempt can't succeed any more.
    Cancelled,
}

/// A request to refund a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundRequest<'a> {
    pub payment_id: &'a str,
    /// The id of the refund, which is its idempotency key.
    pub refund_id: &'a str,
    /// The gateway's id of the attempt that succeeded.
    pub reference: &'a str,
    /// In the unit of the gateway's API.
    pub amount: i64,
    /// Whether the refund was requested longer ago than the [`IDEMPOTENCY_WINDOW`].
    pub is_late: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundState {
    Succeeded,
    /// The gateway has accepted the refund, which can still fail.
    Pending,
    Failed,
}

/// Why a gateway gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatewayError {
    /// Nothing was done: the gateway is unreachable or too busy. The message is written for the customer.
    NotDone(String),
    /// The request may have been executed. A repetition shows whether it was.
    Unknown(String),
    /// The gateway will never execute the request. The message is written for the operator.
    Rejected(String),
}

impl From<GatewayError> for Error {
    fn from(error: GatewayError) -> Self {
        match error {
            GatewayError::NotDone(message) => Self::Unavailable(message),
            GatewayError::Unknown(reason) => {
                eprintln!("the payment gateway gave no answer: {reason}");
                Self::Unavailable("The payment gateway gave no answer. Try again in a moment.".into())
            }
            GatewayError::Rejected(reason) => Self::Internal(reason),
        }
    }
}
