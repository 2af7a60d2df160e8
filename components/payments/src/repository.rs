//! The documents of the payments service: their bodies, how they are read and changed, and the API types that
//! they become.

use mercato_ports::documents::{CommitFailure, Write};
use mercato_ports::events::Event;
use mercato_shop::collection::{Collection, Stored};
use mercato_shop::payments::{Payment, PaymentStatus, Refund, RefundStatus};
use mercato_shop::ports::Ports;
use mercato_shop::query::equal;
use mercato_shop::retry::retry_on_conflict;
use mercato_shop::types::{Error, Money};
use serde::{Deserialize, Serialize};

/// Payments, by order id.
pub const PAYMENTS: Collection<PaymentBody> = Collection::new("payments.payments");

/// The webhook events that were handled, by Stripe's id.
pub const WEBHOOK_EVENTS: Collection<WebhookEventBody> = Collection::new("payments.webhook-events");

/// The payment of an order: its last attempt, and its refunds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentBody {
    pub user_id: String,
    /// In minor units.
    pub amount: i64,
    /// The amount in the unit of the gateway's API. Earlier versions sent `amount`, and stored none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charged: Option<i64>,
    pub currency: String,
    /// The name of the gateway.
    pub gateway: String,
    /// The status of the last attempt.
    #[serde(rename = "stage", with = "StoredPaymentStatus")]
    pub status: PaymentStatus,
    pub attempt: u32,
    /// The token of the payment method. It is kept until the outcome of the attempt is known, since the
    /// request may have to be repeated.
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
    /// How often the gateway was asked for the outcome of the attempt.
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
    #[serde(rename = "stage", with = "StoredRefundStatus")]
    pub status: RefundStatus,
    /// When a refund failed that the gateway had accepted. The gateway's earlier totals include it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_at: Option<u64>,
    pub created_at: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "PaymentStatus", rename_all = "kebab-case")]
enum StoredPaymentStatus {
    Pending,
    RequiresAction,
    Succeeded,
    Failed,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "RefundStatus", rename_all = "kebab-case")]
enum StoredRefundStatus {
    Pending,
    Succeeded,
    Failed,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WebhookEventBody {
    pub kind: String,
    #[serde(rename = "heardAt")]
    pub received_at: u64,
}

impl PaymentBody {
    /// Converts an amount in minor units to the unit of the gateway's API.
    pub fn in_gateway_units(&self, amount: i64) -> i64 {
        scale(amount, self.charged_amount(), self.amount)
    }

    /// Converts an amount in the unit of the gateway's API to minor units. Rounds down.
    pub fn in_minor_units(&self, amount: i64) -> i64 {
        scale(amount, self.amount, self.charged_amount())
    }

    /// Returns the amount of the payment in the unit of the gateway's API.
    pub fn charged_amount(&self) -> i64 {
        self.charged.unwrap_or(self.amount)
    }

    pub fn money(&self) -> Money {
        Money {
            amount: self.amount,
            currency: self.currency.clone(),
        }
    }

    /// Whether the last attempt has an outcome.
    pub const fn is_final(&self) -> bool {
        matches!(self.status, PaymentStatus::Succeeded | PaymentStatus::Failed)
    }

    /// Returns the sum of the refunds that have succeeded or may succeed.
    pub fn claimed(&self) -> i64 {
        self.sum(|status| status != RefundStatus::Failed)
    }

    /// Returns the sum of the refunds that have succeeded.
    pub fn refunded(&self) -> i64 {
        self.sum(|status| status == RefundStatus::Succeeded)
    }

    /// Returns what can still be refunded, which is 0 for a payment that has not succeeded.
    pub fn refundable(&self) -> i64 {
        match self.status {
            PaymentStatus::Succeeded => self.amount.saturating_sub(self.claimed()),
            PaymentStatus::Pending | PaymentStatus::RequiresAction | PaymentStatus::Failed => 0,
        }
    }

    /// Whether all of the payment is refunded. A payment of 0 never is.
    pub fn is_refunded(&self) -> bool {
        self.amount > 0 && self.refunded() >= self.amount
    }

    fn sum(&self, counts: impl Fn(RefundStatus) -> bool) -> i64 {
        self.refunds
            .iter()
            .filter(|refund| counts(refund.status))
            .fold(0, |sum, refund| sum.saturating_add(refund.amount))
    }
}

/// Multiplies an amount by the ratio of two amounts. Rounds down.
fn scale(amount: i64, numerator: i64, denominator: i64) -> i64 {
    if denominator == 0 {
        return amount;
    }
    let scaled = (i128::from(amount) * i128::from(numerator)).div_euclid(i128::from(denominator));
    i64::try_from(scaled).unwrap_or(i64::MAX)
}

/// Reads a payment.
///
/// # Errors
/// [`Error::NotFound`] if there is no such payment.
pub fn get_payment(ports: &impl Ports, id: &str) -> Result<Stored<PaymentBody>, Error> {
    PAYMENTS
        .get(ports, id)?
        .ok_or_else(|| Error::NotFound(format!("There is no payment {id}.")))
}

/// Finds the payment whose attempt has this id at the gateway.
pub fn find_by_reference(ports: &impl Ports, reference: &str) -> Result<Option<Stored<PaymentBody>>, Error> {
    let mut query = PAYMENTS.query(1);
    query.conditions.push(equal("reference", reference));
    Ok(PAYMENTS.find(ports, &query)?.pop())
}

/// Changes a payment, and repeats the change if another request was faster. `change` returns the events of
/// the change, or `None` if there is nothing to change. The claims are inserts: if the id of one is taken,
/// the change was made before.
pub fn change_payment(
    ports: &impl Ports,
    id: &str,
    claims: &[Write],
    change: impl Fn(&mut PaymentBody) -> Result<Option<Vec<Event>>, Error>,
) -> Result<Stored<PaymentBody>, Error> {
    retry_on_conflict(too_many_changes, || {
        let mut payment = get_payment(ports, id)?;
        let Some(events) = change(&mut payment.body)? else {
            claim(ports, claims)?;
            return Ok(get_payment(ports, id)?);
        };
        let mut writes = vec![PAYMENTS.replace(&payment)?];
        writes.extend_from_slice(claims);
        match ports.commit(&writes, &events) {
            Err(CommitFailure::Refused(refusals)) if refusals.iter().any(|refusal| refusal.write > 0) => {
                Ok(get_payment(ports, id)?)
            }
            committed => {
                committed?;
                payment.version += 1;
                Ok(payment)
            }
        }
    })
}

/// Inserts claims, unless another request has inserted them.
fn claim(ports: &impl Ports, claims: &[Write]) -> Result<(), Error> {
    if claims.is_empty() {
        return Ok(());
    }
    match ports.commit(claims, &[]) {
        Ok(()) | Err(CommitFailure::Refused(_)) => Ok(()),
        Err(failure) => Err(failure.into()),
    }
}

/// Returns the error of a change that other requests overtook too often.
pub fn too_many_changes() -> Error {
    Error::Unavailable("Too many requests change this payment. Try again in a moment.".into())
}

pub fn to_payment(stored: Stored<PaymentBody>) -> Payment {
    let body = stored.body;
    Payment {
        id: stored.id,
        amount: body.amount,
        status: body.status,
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
        status: body.status,
        created_at: body.created_at,
    }
}
