//! Payments and refunds.

use async_graphql::{Enum, SimpleObject};
use mercato_shop::payments;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::model::convert::convert;
use crate::model::entity_id::EntityId;
use crate::model::scalar::{Amount, DateTime, Id, Int, IntAmount};

/// The status of a payment.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, JsonSchema, Enum)]
#[graphql(remote = "payments::PaymentStatus")]
#[serde(rename_all = "kebab-case")]
pub enum PaymentStatus {
    /// The outcome is not known yet. The shop keeps asking the payment gateway.
    Pending,
    /// The customer must confirm the payment with `clientSecret`.
    RequiresAction,
    /// The money was taken.
    Succeeded,
    /// No money was taken. The order can be paid in another way.
    Failed,
}

/// The status of a refund.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, JsonSchema, Enum)]
#[graphql(remote = "payments::RefundStatus")]
#[serde(rename_all = "kebab-case")]
pub enum RefundStatus {
    /// The payment gateway is processing the refund.
    Pending,
    /// The money was given back.
    Succeeded,
    /// The payment gateway refused the refund.
    Failed,
}

/// The end of the id of a payment in GraphQL, where an order and its payment have different ids. The id of
/// the order precedes it.
pub const PAYMENT: &str = ".payment";

/// The payment of an order. An order has at most one payment, which may take several attempts.
#[derive(Serialize, JsonSchema, SimpleObject)]
#[graphql(complex)]
#[serde(rename_all = "camelCase")]
pub struct Payment {
    /// The id of the payment, and also of its order.
    #[graphql(skip)]
    #[serde(flatten)]
    pub id: EntityId,
    /// The id of the customer.
    user_id: Id,
    /// The status of the current attempt.
    status: PaymentStatus,
    /// The amount of the order, in minor units (cents) of `currency`.
    #[graphql(derived(name = "exact_amount", into = "Amount", owned = true))]
    amount: IntAmount,
    /// ISO 4217.
    currency: String,
    /// The number of the current attempt, starting at 1.
    attempt: Int<u32>,
    /// Why the last attempt failed.
    failure: Option<String>,
    /// The secret that the customer's browser confirms the payment with (Stripe.js). Only `payOrder` returns
    /// it, while the status is `requires-action` (REQUIRES_ACTION in GraphQL).
    client_secret: Option<String>,
    /// The sum of all refunds, in minor units (cents) of `currency`.
    #[graphql(derived(name = "refunded_amount", into = "Amount", owned = true))]
    refunded: IntAmount,
    /// The refunds, oldest first.
    refunds: Vec<Refund>,
    /// Increases with each change of the payment.
    pub version: Int<u64>,
    /// When the first attempt was made.
    created_at: DateTime,
}

impl Payment {
    /// Returns the id in GraphQL, which differs from that of the order.
    pub fn graphql_id(&self) -> Id {
        format!("{}{PAYMENT}", &*self.id).into()
    }
}

/// A refund of a payment or of a part of it.
#[derive(Serialize, JsonSchema, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct Refund {
    #[graphql(flatten)]
    #[serde(flatten)]
    id: EntityId,
    /// The status of the refund.
    status: RefundStatus,
    /// In minor units (cents) of the payment's currency.
    #[graphql(derived(name = "exact_amount", into = "Amount", owned = true))]
    amount: IntAmount,
    /// The reason that was given for the refund.
    reason: Option<String>,
    /// When the refund was requested.
    created_at: DateTime,
}

/// How to pay an order.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "paymentMethod": "pm_card_visa" }))]
pub struct NewPayment {
    /// A token of the payment gateway. Never send a card number.
    pub payment_method: String,
}

/// How much to refund.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "RefundWanted", example = json!({ "amount": 500, "reason": "Too small" }))]
pub struct NewRefund {
    /// In minor units (cents). Unset means all that is left.
    pub amount: Option<i64>,
    /// At most 500 characters.
    pub reason: Option<String>,
}

convert!(
    payments::PaymentStatus => PaymentStatus,
    payments::RefundStatus => RefundStatus,
);
convert!(payments::Refund => Refund { id, status, amount, reason, created_at });
convert!(payments::Payment => Payment {
    id, user_id, status, amount, currency, attempt, failure, client_secret, refunded, refunds, version,
    created_at,
});
