//! The payment as it is stored.

use mercato_shop::collection::{Collection, Stored};
use mercato_shop::payments::{Payment, PaymentStatus, Refund, RefundStatus};
use mercato_shop::types::Money;
use serde::{Deserialize, Serialize};

/// All payments; the id is the order's.
pub const PAYMENTS: Collection<PaymentBody> = Collection::new("payments.payments");

/// How the last attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    Pending,
    RequiresAction,
    Succeeded,
    Failed,
}

/// An order's payment: its last attempt, and what was paid back of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentBody {
    pub user_id: String,
    pub amount: i64,
    pub currency: String,
    /// The name of the gateway that it went to.
    pub gateway: String,
    pub stage: Stage,
    pub attempt: u32,
    /// What the attempt is paid with, until its outcome is known: it may have to be asked for again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The gateway's id of the attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The client's idempotency key of the attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Why the attempt failed, for the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// How often the timer of the attempt has rung.
    #[serde(default)]
    pub checks: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refunds: Vec<RefundBody>,
    pub attempted_at: u64,
    pub created_at: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefundBody {
    pub id: String,
    pub amount: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    pub stage: RefundStage,
    /// When it failed that the gateway had taken: what the gateway had given back in all by then counts it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_at: Option<u64>,
    pub created_at: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefundStage {
    Pending,
    Succeeded,
    Failed,
}

impl PaymentBody {
    /// What was taken.
    pub fn money(&self) -> Money {
        Money {
            amount: self.amount,
            currency: self.currency.clone(),
        }
    }

    /// What is paid back or about to be.
    pub fn claimed(&self) -> i64 {
        self.sum(|stage| stage != RefundStage::Failed)
    }

    /// What is paid back.
    pub fn refunded(&self) -> i64 {
        self.sum(|stage| stage == RefundStage::Succeeded)
    }

    /// What could still be paid back; 0 of a payment that has not succeeded.
    pub fn left(&self) -> i64 {
        match self.stage {
            Stage::Succeeded => self.amount.saturating_sub(self.claimed()),
            Stage::Pending | Stage::RequiresAction | Stage::Failed => 0,
        }
    }

    /// Whether all that was paid has been paid back. What cost nothing never is.
    pub fn is_refunded(&self) -> bool {
        self.amount > 0 && self.refunded() >= self.amount
    }

    fn sum(&self, counts: impl Fn(RefundStage) -> bool) -> i64 {
        self.refunds
            .iter()
            .filter(|refund| counts(refund.stage))
            .fold(0, |sum, refund| sum.saturating_add(refund.amount))
    }
}

/// What is told of a payment.
pub fn to_payment(stored: Stored<PaymentBody>) -> Payment {
    let body = stored.body;
    Payment {
        id: stored.id,
        amount: body.amount,
        status: match body.stage {
            Stage::Pending => PaymentStatus::Pending,
            Stage::RequiresAction => PaymentStatus::RequiresAction,
            Stage::Succeeded => PaymentStatus::Succeeded,
            Stage::Failed => PaymentStatus::Failed,
        },
        attempt: body.attempt,
        client_secret: None,
        refunded: body.refunded(),
        refunds: body.refunds.into_iter().map(to_refund).collect(),
        user_id: body.user_id,
        currency: body.currency,
        failure: body.failure,
        version: stored.version,
        created_at: body.created_at,
    }
}

fn to_refund(body: RefundBody) -> Refund {
    Refund {
        id: body.id,
        amount: body.amount,
        reason: body.reason,
        status: match body.stage {
            RefundStage::Pending => RefundStatus::Pending,
            RefundStage::Succeeded => RefundStatus::Succeeded,
            RefundStage::Failed => RefundStatus::Failed,
        },
        created_at: body.created_at,
    }
}
