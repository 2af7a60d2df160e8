//! Money that is given back: claimed in the payment's document first, so that all refunds together are never more than was paid.

use mercato_ports::documents::Write;
use mercato_ports::events::Event;
use mercato_shop::accounts::AuditAction;
use mercato_shop::audit::Act;
use mercato_shop::cache::Cache;
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::payments::RefundInput;
use mercato_shop::ports::{HttpClient, Ports};
use mercato_shop::services::{Orders, Settlement};
use mercato_shop::types::{Caller, Error};

use crate::events;
use crate::gateway::{KEYS_LAST, Repaid, Repayment, Trouble};
use crate::payment::{PaymentBody, RefundBody, RefundStage, Stage};
use crate::service::{PaymentsService, text};

const LONGEST_REASON: usize = 500;
const LONGEST_KEY: usize = 100;
/// So many partial refunds fit into one payment.
const MOST: usize = 100;

/// The reason of what was not asked for here.
const FOREIGN: &str = "Given back at the payment gateway.";

/// What became of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Succeeded,
    /// When it failed, where the gateway had counted it as given back before.
    Failed(Option<u64>),
}

/// Who hears at once what becomes of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearer {
    /// Whoever asked for it, from the answer.
    Caller,
    Nobody,
}

impl<P: Ports + Cache + HttpClient, O: Orders + Settlement> PaymentsService<P, O> {
    /// Gives back as somebody who keeps the shop asks.
    pub(crate) fn refund_of(
        &self,
        caller: &Caller,
        input: &RefundInput,
    ) -> Result<Stored<PaymentBody>, Error> {
        let refund_id = id::new();
        let reason = text("reason", input.reason.as_deref(), LONGEST_REASON)?;
        let key = text("idempotencyKey", input.idempotency_key.as_deref(), LONGEST_KEY)?;
        let claimed = self.change(&input.payment_id, &[], |body| {
            let before = body.refunds.iter().find(|refund| refund.key.as_deref() == key);
            if let Some(before) = before.filter(|_| key.is_some()) {
                return match input.amount {
                    Some(amount) if amount != before.amount => Err(Error::invalid(
                        "idempotencyKey",
                        "This key came with another amount before. Take a new one for each refund.",
                    )),
                    _ => Ok(None),
                };
            }
            let amount = checked(body, input.amount)?;
            body.claim(&refund_id, amount, reason, key);
            let act = Act::by(caller.actor(), AuditAction::PaymentRefund)
                .on(&input.payment_id)
                .detail(format!("{amount} minor units of {}", body.currency));
            Ok(Some(vec![
                events::of_refund(events::REFUND_REQUESTED, &input.payment_id, &refund_id)?,
                act.event("payments")?,
            ]))
        })?;
        if !claimed.body.refunds.iter().any(|refund| refund.id == refund_id) {
            return Ok(claimed);
        }
        match self.repay(claimed, &refund_id, Hearer::Caller) {
            // It stays claimed, and its event makes it.
            Err(Error::Unavailable(_)) => self.existing(&input.payment_id),
            repaid => repaid,
        }
    }

    /// Gives back whatever is left, since there is no order for it. The event of that makes it.
    pub(crate) fn give_back(&self, payment_id: &str, reason: &str) -> Result<(), Error> {
        let refund_id = id::new();
        self.change(payment_id, &[], |body| {
            let left = body.left();
            if left == 0 {
                return Ok(None);
            }
            body.claim(&refund_id, left, Some(reason), None);
            let requested = events::of_refund(events::REFUND_REQUESTED, payment_id, &refund_id)?;
            Ok(Some(vec![requested]))
        })
        .map(drop)
    }

    /// Makes a refund that is claimed.
    ///
    /// # Errors
    /// [`Error::Unavailable`] where it is to be made again.
    pub(crate) fn repay(
        &self,
        stored: Stored<PaymentBody>,
        refund_id: &str,
        hearer: Hearer,
    ) -> Result<Stored<PaymentBody>, Error> {
        let refund = stored.body.refunds.iter().find(|refund| refund.id == refund_id);
        let (Some(refund), Some(reference)) = (refund, &stored.body.reference) else {
            return Err(Error::Internal(format!(
                "the refund {refund_id} is of no payment"
            )));
        };
        if refund.stage != RefundStage::Pending {
            return Ok(stored);
        }
        let repaid = self.gateway_of(&stored.body)?.repay(&Repayment {
            payment_id: &stored.id,
            refund_id,
            reference,
            amount: refund.amount,
            late: id::now().saturating_sub(refund.created_at) > KEYS_LAST,
        });
        let outcome = match repaid {
            Ok(Repaid::Succeeded) => Outcome::Succeeded,
            Ok(Repaid::Failed) => Outcome::Failed(Some(id::now())),
            // A webhook tells how it ends.
            Ok(Repaid::Pending) => return Ok(stored),
            Err(Trouble::Refused(reason)) => {
                eprintln!("the refund {refund_id} of payment {} failed: {reason}", stored.id);
                Outcome::Failed(None)
            }
            Err(trouble) => return Err(trouble.told()),
        };
        self.note_refund(&stored.id, refund_id, outcome, hearer, &[])
    }

    /// Notes what became of a refund. Of a failure that nobody hears of otherwise an event tells.
    pub(crate) fn note_refund(
        &self,
        payment_id: &str,
        refund_id: &str,
        outcome: Outcome,
        hearer: Hearer,
        extra: &[Write],
    ) -> Result<Stored<PaymentBody>, Error> {
        self.change_refunds(payment_id, extra, |body| {
            let mut refunds = body.refunds.iter_mut();
            let Some(refund) = refunds.find(|refund| refund.id == refund_id) else {
                return Ok(Vec::new());
            };
            match outcome {
                Outcome::Succeeded if refund.stage == RefundStage::Pending => {
                    refund.stage = RefundStage::Succeeded;
                }
                Outcome::Failed(at) if refund.stage != RefundStage::Failed => {
                    refund.stage = RefundStage::Failed;
                    refund.failed_at = at;
                    if hearer == Hearer::Nobody {
                        return Ok(vec![events::of_refund(
                            events::REFUND_FAILED,
                            payment_id,
                            refund_id,
                        )?]);
                    }
                }
                Outcome::Succeeded | Outcome::Failed(_) => {}
            }
            Ok(Vec::new())
        })
    }

    /// Changes the refunds of a payment, which answers what events follow; of each that succeeds another one tells. Tells the order once
    /// all is paid back.
    pub(crate) fn change_refunds(
        &self,
        payment_id: &str,
        extra: &[Write],
        change: impl Fn(&mut PaymentBody) -> Result<Vec<Event>, Error>,
    ) -> Result<Stored<PaymentBody>, Error> {
        let stored = self.change(payment_id, extra, |body| {
            let before = body.clone();
            let mut events = change(body)?;
            if *body == before {
                return Ok(None);
            }
            events.extend(events::refunded(payment_id, &before.refunds, body)?);
            Ok(Some(events))
        })?;
        if stored.body.is_refunded()
            && let Err(error) = self.orders.refunded(payment_id)
        {
            eprintln!("the order {payment_id} is told later: {error:?}");
        }
        Ok(stored)
    }
}

impl PaymentBody {
    /// Whether a refund has failed and nothing has made up for it: neither is all of the payment given back, nor do the refunds after it
    /// come to as much.
    pub fn lacks(&self, refund_id: &str) -> bool {
        let mut refunds = self.refunds.iter();
        let Some(failed) = refunds.find(|refund| refund.id == refund_id) else {
            return false;
        };
        let since = refunds
            .filter(|refund| refund.stage != RefundStage::Failed)
            .fold(0_i64, |sum, refund| sum.saturating_add(refund.amount));
        failed.stage == RefundStage::Failed && self.left() > 0 && since < failed.amount
    }

    fn claim(&mut self, id: &str, amount: i64, reason: Option<&str>, key: Option<&str>) {
        self.refunds.push(RefundBody {
            id: id.into(),
            amount,
            reason: reason.map(Into::into),
            key: key.map(Into::into),
            stage: RefundStage::Pending,
            failed_at: None,
            created_at: id::now(),
        });
    }

    /// Counts in what the gateway had given back in all at a time, of which some may not have been asked for here. What failed only
    /// later is among it.
    pub fn count_refunded(&mut self, total: i64, at: u64, refund_id: &str) {
        let failed_since = self
            .refunds
            .iter()
            .filter(|refund| refund.failed_at.is_some_and(|failed| failed >= at))
            .fold(0_i64, |sum, refund| sum.saturating_add(refund.amount));
        let known = self.claimed().saturating_add(failed_since);
        let unknown = total.min(self.amount).saturating_sub(known);
        if unknown > 0 && self.stage == Stage::Succeeded {
            self.claim(refund_id, unknown, Some(FOREIGN), None);
            if let Some(refund) = self.refunds.last_mut() {
                refund.stage = RefundStage::Succeeded;
            }
        }
    }

    /// Counts out what the gateway was to give back without having been asked for it here, and could not after all; whether that is
    /// news. It is kept by the gateway's own id of it.
    pub fn count_failed(&mut self, amount: i64, at: u64, id: &str) -> bool {
        if self.stage != Stage::Succeeded || self.refunds.iter().any(|refund| refund.id == id) {
            return false;
        }
        let counted = |refund: &&mut RefundBody| {
            refund.reason.as_deref() == Some(FOREIGN)
                && refund.stage == RefundStage::Succeeded
                && refund.amount >= amount
        };
        // It may have been counted together with others, or not yet.
        if let Some(refund) = self.refunds.iter_mut().find(counted) {
            refund.amount = refund.amount.saturating_sub(amount);
        }
        self.refunds.retain(|refund| refund.amount > 0);
        self.claim(id, amount, Some(FOREIGN), None);
        if let Some(refund) = self.refunds.last_mut() {
            refund.stage = RefundStage::Failed;
            refund.failed_at = Some(at);
        }
        true
    }
}

/// The amount of a refund that a payment has left.
fn checked(body: &PaymentBody, amount: Option<i64>) -> Result<i64, Error> {
    if body.stage != Stage::Succeeded {
        return Err(Error::InvalidTransition(
            "Only a payment that succeeded can be given back.".into(),
        ));
    }
    let left = body.left();
    if left == 0 {
        return Err(Error::InvalidTransition(
            "All of this payment is given back already.".into(),
        ));
    }
    if body.refunds.len() >= MOST {
        return Err(Error::InvalidTransition(format!(
            "A payment is given back in at most {MOST} parts."
        )));
    }
    let amount = amount.unwrap_or(left);
    if amount < 1 || amount > left {
        return Err(Error::invalid(
            "amount",
            format!("Of this payment, 1 to {left} minor units can be given back."),
        ));
    }
    Ok(amount)
}
