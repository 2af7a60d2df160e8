//! A circuit breaker (M. Nygard, Release It!): a gateway that fails again and again is left alone for a while, so that the shop
//! does not wait for it with each request. It is counted in the cache, for all instances together.

use mercato_common::cache::Cache;
use mercato_common::id;

use crate::gateway::{Charge, Charged, PaymentGateway, Repaid, Repayment, Trouble};

/// So many failures in a row open it.
const FAILURES: i64 = 5;
/// How long failures count, in milliseconds.
const MEMORY: u64 = 60_000;
/// How long it stays open, in milliseconds. Then the next request is let through, and its failure opens it again.
const OPEN: u64 = 10_000;

/// A gateway behind a breaker.
pub struct Breaker<'a, C, G> {
    cache: &'a C,
    gateway: G,
    failures: String,
    open: String,
}

impl<'a, C: Cache, G: PaymentGateway> Breaker<'a, C, G> {
    /// A breaker before this gateway, shared with all that have the same cache.
    pub fn new(cache: &'a C, gateway: G) -> Self {
        Self {
            cache,
            failures: format!("payments.{}.failures", gateway.name()),
            open: format!("payments.{}.open", gateway.name()),
            gateway,
        }
    }

    fn through<T>(&self, request: impl FnOnce(&G) -> Result<T, Trouble>) -> Result<T, Trouble> {
        let keys = [self.failures.clone(), self.open.clone()];
        let mut kept = self.cache.cached(&keys).into_iter().map(number);
        let (failed, until) = (kept.next().flatten(), kept.next().flatten());
        let left = until.unwrap_or(0).saturating_sub(now());
        if left > 0 {
            let seconds = left.div_euclid(1_000).saturating_add(1);
            return Err(Trouble::NotDone(format!(
                "The payment gateway fails at the moment. Nothing was paid; try again in {seconds} seconds."
            )));
        }
        let answer = request(&self.gateway);
        match &answer {
            Err(Trouble::NotDone(_) | Trouble::Unknown(_)) => self.count(),
            Ok(_) | Err(Trouble::Refused(_)) => {
                if let Some(failed) = failed.filter(|failed| *failed > 0) {
                    self.cache.increment(&self.failures, -failed, MEMORY);
                }
            }
        }
        answer
    }

    fn count(&self) {
        let failed = self.cache.increment(&self.failures, 1, MEMORY);
        if failed.is_some_and(|failed| failed >= FAILURES) {
            let until = now().saturating_add_unsigned(OPEN);
            self.cache.keep(&self.open, until.to_string().as_bytes(), OPEN);
        }
    }
}

impl<C: Cache, G: PaymentGateway> PaymentGateway for Breaker<'_, C, G> {
    fn name(&self) -> &'static str {
        self.gateway.name()
    }

    fn charge(&self, charge: &Charge<'_>) -> Result<Charged, Trouble> {
        self.through(|gateway| gateway.charge(charge))
    }

    fn look(&self, reference: &str) -> Result<Charged, Trouble> {
        self.through(|gateway| gateway.look(reference))
    }

    fn cancel(&self, reference: &str) -> Result<Charged, Trouble> {
        self.through(|gateway| gateway.cancel(reference))
    }

    fn repay(&self, repayment: &Repayment<'_>) -> Result<Repaid, Trouble> {
        self.through(|gateway| gateway.repay(repayment))
    }
}

fn number(value: Option<Vec<u8>>) -> Option<i64> {
    str::from_utf8(&value?).ok()?.parse().ok()
}

fn now() -> i64 {
    i64::try_from(id::now()).unwrap_or(i64::MAX)
}
