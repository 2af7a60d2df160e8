//! Money that is given back: claimed in the payment's document first, so that all refunds together are never more than was paid.

use mercato_common::accounts::AuditAction;
use mercato_common::audit::Act;
use mercato_common::cache::Cache;
use mercato_common::collection::Stored;
use mercato_common::id;
use mercato_common::payments::RefundInput;
use mercato_common::ports::{HttpClient, Ports};
use mercato_common::services::{Orders, Settlement};
use mercato_common::types::{Caller, Error};
use mercato_ports::documents::Write;

use crate::events;
use crate::gateway::{KEYS_LAST, Repaid, Repayment, Trouble};
use crate::payment::{PaymentBody, RefundBody, RefundStage, Stage};
use crate::service::{PaymentsService, text};

const LONGEST_REASON: usize = 500;
const LONGEST_KEY: usize = 100;
/// So many partial refunds fit into one payment.
const MOST: usize = 100;

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
                events::refund_requested(&input.payment_id, &refund_id)?,
                act.event("payments")?,
            ]))
        })?;
        if !claimed.body.refunds.iter().any(|refund| refund.id == refund_id) {
            return Ok(claimed);
        }
        match self.repay(claimed, &refund_id) {
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
            Ok(Some(vec![events::refund_requested(payment_id, &refund_id)?]))
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
        let stage = match repaid {
            Ok(Repaid::Succeeded) => RefundStage::Succeeded,
            Ok(Repaid::Failed) => RefundStage::Failed,
            // A webhook tells how it ends.
            Ok(Repaid::Pending) => return Ok(stored),
            Err(Trouble::Refused(reason)) => {
                eprintln!("the refund {refund_id} of payment {} failed: {reason}", stored.id);
                RefundStage::Failed
            }
            Err(trouble) => return Err(trouble.told()),
        };
        self.note_refund(&stored.id, refund_id, stage, &[])
    }

    /// Notes how a refund stands.
    pub(crate) fn note_refund(
        &self,
        payment_id: &str,
        refund_id: &str,
        stage: RefundStage,
        extra: &[Write],
    ) -> Result<Stored<PaymentBody>, Error> {
        self.change_refunds(payment_id, extra, |body| {
            let refund = body.refunds.iter_mut().find(|refund| refund.id == refund_id);
            if let Some(refund) = refund
                && refund.stage != RefundStage::Failed
            {
                refund.stage = stage;
            }
        })
    }

    /// Changes the refunds of a payment, and tells the order once all is paid back.
    pub(crate) fn change_refunds(
        &self,
        payment_id: &str,
        extra: &[Write],
        change: impl Fn(&mut PaymentBody),
    ) -> Result<Stored<PaymentBody>, Error> {
        let stored = self.change(payment_id, extra, |body| {
            let before = body.clone();
            change(body);
            if *body == before {
                return Ok(None);
            }
            if body.is_refunded() && !before.is_refunded() {
                return Ok(Some(vec![events::of_payment(events::REFUNDED, payment_id)?]));
            }
            Ok(Some(Vec::new()))
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
    /// How one of the refunds stands.
    pub fn refund_stage(&self, id: &str) -> Option<RefundStage> {
        self.refunds
            .iter()
            .find(|refund| refund.id == id)
            .map(|refund| refund.stage)
    }

    fn claim(&mut self, id: &str, amount: i64, reason: Option<&str>, key: Option<&str>) {
        self.refunds.push(RefundBody {
            id: id.into(),
            amount,
            reason: reason.map(Into::into),
            key: key.map(Into::into),
            stage: RefundStage::Pending,
            created_at: id::now(),
        });
    }

    /// Counts in what the gateway has given back in all, of which some may not have been asked for here.
    pub fn count_refunded(&mut self, total: i64, refund_id: &str) {
        let unknown = total.min(self.amount).saturating_sub(self.claimed());
        if unknown > 0 && self.stage == Stage::Succeeded {
            self.claim(
                refund_id,
                unknown,
                Some("Given back at the payment gateway."),
                None,
            );
            if let Some(refund) = self.refunds.last_mut() {
                refund.stage = RefundStage::Succeeded;
            }
        }
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
