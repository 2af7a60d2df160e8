//! A circuit breaker, so that callers do not wait for a server that is unavailable.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Lets all calls through until one fails. Then it lets one call through after each interval, until one
/// succeeds.
pub(crate) struct Breaker {
    retry_interval: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When the next call may try, or `None` without an outage.
    next: Option<Instant>,
    failures: u64,
}

/// The permission for one call.
#[derive(Clone, Copy)]
pub(crate) struct Permit {
    failures: u64,
}

impl Breaker {
    pub fn new(retry_interval: Duration) -> Self {
        let state = Mutex::default();
        Self {
            retry_interval,
            state,
        }
    }

    /// Returns a permit if a call may try. During an outage one caller gets a permit after each interval.
    pub fn permit(&self) -> Option<Permit> {
        let mut state = self.state();
        if let Some(next) = state.next {
            let now = Instant::now();
            if next > now {
                return None;
            }
            state.next = Some(now + self.retry_interval);
        }
        Some(Permit {
            failures: state.failures,
        })
    }

    /// Returns whether no call has failed since the permit was given.
    pub fn is_valid(&self, permit: Permit) -> bool {
        self.state().failures == permit.failures
    }

    /// Records a failure. Returns whether it is the first one of an outage.
    pub fn failed(&self) -> bool {
        let mut state = self.state();
        state.failures += 1;
        state.next.replace(Instant::now() + self.retry_interval).is_none()
    }

    /// Records a success. Returns whether it ends an outage.
    pub fn succeeded(&self) -> bool {
        self.state().next.take().is_some()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_calls_after_a_failure_until_one_succeeds() {
        let breaker = Breaker::new(Duration::from_hours(1));
        let permit = breaker.permit().unwrap();
        assert!(breaker.permit().is_some() && breaker.is_valid(permit));
        assert!(breaker.failed());
        assert!(!breaker.is_valid(permit));
        assert!(!breaker.failed() && breaker.permit().is_none());
        assert!(breaker.succeeded());
        assert!(!breaker.succeeded() && breaker.permit().is_some());
    }

    #[test]
    fn permits_a_call_after_the_interval() {
        let breaker = Breaker::new(Duration::ZERO);
        breaker.failed();
        assert!(breaker.permit().is_some_and(|permit| breaker.is_valid(permit)));
    }
}
