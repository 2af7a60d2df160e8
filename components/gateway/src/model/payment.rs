//! Payments and refunds.

use async_graphql::{Enum, SimpleObject};
use mercato_shop::payments;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::convert::convert;
use crate::model::scalar::{DateTime, Id, Int};

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

/// The payment of an order. An order has at most one payment, which may take several attempts.
#[derive(Serialize, JsonSchema, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct Payment {
    /// The id of the payment, and also of its order.
    #[graphql(name = "_id")]
    #[serde(rename = "_id")]
    pub id: Id,
    user_id: Id,
    status: PaymentStatus,
    /// In minor units (cents) of `currency`.
    amount: Int,
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
    refunded: Int,
    /// Oldest first.
    #[graphql(complexity = "5 * child_complexity")]
    refunds: Vec<Refund>,
    /// Increases with each change of the payment.
    pub version: Int<u64>,
    created_at: DateTime,
}

/// A refund of a payment or of a part of it.
#[derive(Serialize, JsonSchema, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct Refund {
    #[graphql(name = "_id")]
    #[serde(rename = "_id")]
    id: Id,
    status: RefundStatus,
    /// In minor units (cents) of the payment's currency.
    amount: Int,
    reason: Option<String>,
    created_at: DateTime,
}

/// How to pay an order.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewPayment {
    /// A token of the payment gateway. Never send a card number.
    pub payment_method: String,
}

/// How much to refund.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "RefundWanted")]
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
