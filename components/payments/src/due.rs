//! The timer of an attempt: it rings until the outcome is known.

use mercato_shop::cache::Cache;
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::ports::{HttpClient, Ports};
use mercato_shop::services::{Orders, Settlement};
use mercato_shop::types::Error;

use crate::events;
use crate::gateway::KEYS_LAST;
use crate::handling::Failure;
use crate::payment::{PAYMENTS, PaymentBody, Stage};
use crate::service::PaymentsService;

/// When it rings first, in milliseconds; each time after, it waits twice as long.
const FIRST: u64 = 60_000;
const LONGEST: u64 = 3_600_000;

/// When a timer rings that has rung so often.
pub fn next(now: u64, checks: u32) -> u64 {
    let wait = FIRST.saturating_mul(2_u64.saturating_pow(checks)).min(LONGEST);
    now.saturating_add(wait)
}

impl<P: Ports + Cache + HttpClient, O: Orders + Settlement> PaymentsService<P, O> {
    /// Looks at an attempt. The next timer is set first: a crash between loses nothing.
    pub(crate) fn look(&self, order_id: &str, attempt: u32) -> Result<(), Failure> {
        let Some(stored) = PAYMENTS.get(&self.ports, order_id)? else {
            return Ok(());
        };
        let body = &stored.body;
        if body.attempt != attempt || matches!(body.stage, Stage::Succeeded | Stage::Failed) {
            return Ok(());
        }
        let now = id::now();
        if now.saturating_sub(body.attempted_at) > KEYS_LAST {
            return self.end(&stored);
        }
        let armed = self.change(order_id, &[], |body| {
            if body.attempt != attempt || matches!(body.stage, Stage::Succeeded | Stage::Failed) {
                return Ok(None);
            }
            let due = next(now, body.checks.saturating_add(1));
            Ok(Some(vec![events::timer(order_id, attempt, due)?]))
        })?;
        match self.resolve(&armed) {
            // The next timer asks again.
            Err(Error::Unavailable(reason)) => {
                eprintln!("the payment of order {order_id} can't be looked at: {reason}");
                Ok(())
            }
            resolved => Ok(resolved.map(drop)?),
        }
    }

    /// The last look at an attempt: what waits for the customer is taken back, and what nobody knows of is for a person.
    fn end(&self, stored: &Stored<PaymentBody>) -> Result<(), Failure> {
        match &stored.body.reference {
            Some(reference) if stored.body.stage == Stage::RequiresAction => {
                self.withdraw(stored, reference)?
            }
            _ => {
                if let Some(reason) = self.resolve(stored)?.unheard {
                    return Err(Failure::Retry(reason));
                }
            }
        }
        let body = self.existing(&stored.id)?.body;
        if body.attempt == stored.body.attempt && body.stage == Stage::Pending {
            return Err(Failure::Reject(format!(
                "nobody knows whether order {} was paid in attempt {}: look for it at the gateway",
                stored.id, body.attempt
            )));
        }
        Ok(())
    }
}
