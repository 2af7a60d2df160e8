//! The shapes of JSON that tell of payments.

use mercato_shop::payments::{
    Payment as Found, PaymentStatus as Status, Refund as GivenBack, RefundStatus as RefundState,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::datetime::DateTime;

/// How a payment stands.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum PaymentStatus {
    /// What became of it is not known yet; the shop finds out by itself.
    Pending,
    /// The customer has to confirm it, with the help of `clientSecret`.
    RequiresAction,
    /// The money was taken.
    Succeeded,
    /// No money was taken; the order can be paid in another way.
    Failed,
}

/// How a refund stands.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum RefundStatus {
    /// On its way.
    Pending,
    /// Given back.
    Succeeded,
    /// Refused by the payment gateway.
    Failed,
}

/// What is paid for an order. An order has at most one payment, and its attempts follow one another.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Payment {
    /// The id of its order, too.
    #[serde(rename = "_id")]
    id: String,
    user_id: String,
    status: PaymentStatus,
    /// In minor units (cents) of `currency`.
    amount: i64,
    /// ISO 4217.
    currency: String,
    /// Which attempt it is, from 1 on.
    attempt: u32,
    /// Why the last attempt failed.
    failure: Option<String>,
    /// What the customer's browser confirms the payment with (Stripe.js); only in the answer to `payOrder`, while it is
    /// `requires-action`.
    client_secret: Option<String>,
    /// What was given back, in minor units (cents) of `currency`.
    refunded: i64,
    /// Oldest first.
    refunds: Vec<Refund>,
    /// Counts the changes of the payment.
    version: u64,
    created_at: DateTime,
}

/// Money that is given back.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Refund {
    #[serde(rename = "_id")]
    id: String,
    status: RefundStatus,
    /// In minor units (cents) of the payment's currency.
    amount: i64,
    reason: Option<String>,
    created_at: DateTime,
}

impl From<Found> for Payment {
    fn from(payment: Found) -> Self {
        Self {
            id: payment.id,
            user_id: payment.user_id,
            status: match payment.status {
                Status::Pending => PaymentStatus::Pending,
                Status::RequiresAction => PaymentStatus::RequiresAction,
                Status::Succeeded => PaymentStatus::Succeeded,
                Status::Failed => PaymentStatus::Failed,
            },
            amount: payment.amount,
            currency: payment.currency,
            attempt: payment.attempt,
            failure: payment.failure,
            client_secret: payment.client_secret,
            refunded: payment.refunded,
            refunds: payment.refunds.into_iter().map(Refund::from).collect(),
            version: payment.version,
            created_at: DateTime(payment.created_at),
        }
    }
}

impl From<GivenBack> for Refund {
    fn from(refund: GivenBack) -> Self {
        Self {
            id: refund.id,
            status: match refund.status {
                RefundState::Pending => RefundStatus::Pending,
                RefundState::Succeeded => RefundStatus::Succeeded,
                RefundState::Failed => RefundStatus::Failed,
            },
            amount: refund.amount,
            reason: refund.reason,
            created_at: DateTime(refund.created_at),
        }
    }
}

/// How an order is paid.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewPayment {
    /// A token of the payment gateway's, never the number of a card.
    pub payment_method: String,
}

/// What is to be given back.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RefundWanted {
    /// In minor units (cents); all that is left where there is none.
    pub amount: Option<i64>,
    /// At most 500 characters.
    pub reason: Option<String>,
}
