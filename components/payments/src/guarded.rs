//! A payment gateway behind a circuit breaker.

use mercato_shop::breaker::Breaker;
use mercato_shop::cache::Cache;

use crate::gateway::{Charge, Charged, PaymentGateway, Repaid, Repayment, Trouble};

/// A gateway behind a breaker.
pub struct Guarded<'a, C, G> {
    breaker: Breaker<'a, C>,
    gateway: G,
}

impl<'a, C: Cache, G: PaymentGateway> Guarded<'a, C, G> {
    /// This gateway, behind a breaker that is shared with all that have the same cache.
    pub fn new(cache: &'a C, gateway: G) -> Self {
        Self {
            breaker: Breaker::new(cache, &format!("payments.{}", gateway.name())),
            gateway,
        }
    }

    fn through<T>(&self, request: impl FnOnce(&G) -> Result<T, Trouble>) -> Result<T, Trouble> {
        self.breaker.through(
            || request(&self.gateway),
            |trouble| matches!(trouble, Trouble::NotDone(_) | Trouble::Unknown(_)),
            |_| {
                let message =
                    "The payment gateway fails at the moment. Nothing was paid; try again in a moment.";
                Trouble::NotDone(message.into())
            },
        )
    }
}

impl<C: Cache, G: PaymentGateway> PaymentGateway for Guarded<'_, C, G> {
    fn name(&self) -> &'static str {
        self.gateway.name()
    }

    fn charge(&self, charge: &Charge<'_>) -> Result<Charged, Trouble> {
        self.through(|gateway| gateway.charge(charge))
    }

    fn find(&self, charge: &Charge<'_>) -> Result<Option<Charged>, Trouble> {
        self.through(|gateway| gateway.find(charge))
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
