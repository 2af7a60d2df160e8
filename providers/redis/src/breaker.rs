//! Keeps callers from waiting for a server that is away.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Lets calls through while all is well; after a failure only one after each pause, until one succeeds.
pub(crate) struct Breaker {
    pause: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When the next call may try; none while all is well.
    next: Option<Instant>,
    failures: u64,
}

/// Allows one call.
#[derive(Clone, Copy)]
pub(crate) struct Pass {
    failures: u64,
}

impl Breaker {
    pub fn new(pause: Duration) -> Self {
        let state = Mutex::default();
        Self { pause, state }
    }

    /// A pass, where a call may try. While the server is away one caller gets it after each pause.
    pub fn enter(&self) -> Option<Pass> {
        let mut state = self.state();
        if let Some(next) = state.next {
            let now = Instant::now();
            if next > now {
                return None;
            }
            state.next = Some(now + self.pause);
        }
        Some(Pass {
            failures: state.failures,
        })
    }

    /// Whether no call has failed since the pass was given.
    pub fn holds(&self, pass: Pass) -> bool {
        self.state().failures == pass.failures
    }

    /// Notes a failure; whether it is the first one of an outage.
    pub fn failed(&self) -> bool {
        let mut state = self.state();
        state.failures += 1;
        state.next.replace(Instant::now() + self.pause).is_none()
    }

    /// Notes a success; whether it ends an outage.
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
    fn calls_are_held_off_until_one_succeeds() {
        let breaker = Breaker::new(Duration::from_hours(1));
        let pass = breaker.enter().unwrap();
        assert!(breaker.enter().is_some() && breaker.holds(pass));
        assert!(breaker.failed());
        assert!(!breaker.holds(pass));
        assert!(!breaker.failed() && breaker.enter().is_none());
        assert!(breaker.succeeded());
        assert!(!breaker.succeeded() && breaker.enter().is_some());
    }

    #[test]
    fn after_the_pause_one_call_may_try() {
        let breaker = Breaker::new(Duration::ZERO);
        breaker.failed();
        assert!(breaker.enter().is_some_and(|pass| breaker.holds(pass)));
    }
}
