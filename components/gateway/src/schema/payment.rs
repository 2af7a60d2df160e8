//! `Payment` and its refunds.

pub mod operations;

use async_graphql::{Enum, ID, Object};
use mercato_shop::payments::{Payment, PaymentStatus as Status, Refund, RefundStatus as RefundState};

use crate::schema::datetime::DateTime;
use crate::schema::product::int;

/// How a payment stands.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Status")]
pub enum PaymentStatus {
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
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "RefundState")]
pub enum RefundStatus {
    /// On its way.
    Pending,
    /// Given back.
    Succeeded,
    /// Refused by the payment gateway.
    Failed,
}

/// What is paid for an order.
pub struct PaymentObject(pub Payment);

/// What is paid for an order. An order has at most one payment, and its attempts follow one another.
#[Object(name = "Payment")]
impl PaymentObject {
    /// The id of its order, too.
    #[graphql(name = "_id")]
    async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    async fn user_id(&self) -> ID {
        ID(self.0.user_id.clone())
    }

    async fn status(&self) -> PaymentStatus {
        self.0.status.into()
    }

    /// In minor units (cents) of `currency`.
    async fn amount(&self) -> i32 {
        int(self.0.amount)
    }

    /// ISO 4217.
    async fn currency(&self) -> &str {
        &self.0.currency
    }

    /// Which attempt it is, from 1 on.
    async fn attempt(&self) -> i32 {
        int(i64::from(self.0.attempt))
    }

    /// Why the last attempt failed.
    async fn failure(&self) -> Option<&str> {
        self.0.failure.as_deref()
    }

    /// What the customer's browser confirms the payment with (Stripe.js); only in the answer to `payOrder`, while it
    /// REQUIRES_ACTION.
    async fn client_secret(&self) -> Option<&str> {
        self.0.client_secret.as_deref()
    }

    /// What was given back, in minor units (cents) of `currency`.
    async fn refunded(&self) -> i32 {
        int(self.0.refunded)
    }

    /// Oldest first.
    #[graphql(complexity = "5 * child_complexity")]
    async fn refunds(&self) -> Vec<RefundObject<'_>> {
        self.0.refunds.iter().map(RefundObject).collect()
    }

    /// Counts the changes of the payment.
    async fn version(&self) -> i32 {
        int(i64::try_from(self.0.version).unwrap_or(i64::MAX))
    }

    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}

/// Money that is given back.
pub struct RefundObject<'a>(&'a Refund);

/// Money that is given back.
#[Object(name = "Refund")]
impl RefundObject<'_> {
    #[graphql(name = "_id")]
    async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    async fn status(&self) -> RefundStatus {
        self.0.status.into()
    }

    /// In minor units (cents) of the payment's currency.
    async fn amount(&self) -> i32 {
        int(self.0.amount)
    }

    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}
