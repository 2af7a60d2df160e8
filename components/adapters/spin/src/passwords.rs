//! The port `passwords`, computed in the instance of the request.
//!
//! Spin offers no threads and no queue to share. A counter in the key-value store bounds how many instances
//! compute at once, and further calls are busy.

use mercato_passwords::{Cost, Memory};
use mercato_ports::passwords::PasswordFailure;

/// How many hashes are computed at once. Each takes 19 MiB.
const MAX_RUNNING: i64 = 16;

/// How long a counter counts, in milliseconds. An instance that is stopped while it computes stays counted for
/// no longer.
const WINDOW: u64 = 10_000;

/// Adds to a counter of the cache and returns its new value: a key, a number, and the time to live in
/// milliseconds. Without a value, nothing is bounded.
pub type Increment<'a> = &'a dyn Fn(String, i64, u64) -> Option<i64>;

/// Implements `mercato:platform/passwords.hash`.
///
/// # Errors
/// See [`PasswordFailure`].
pub fn hash(increment: Increment<'_>, password: &str, now: u64) -> Result<String, PasswordFailure> {
    bounded(increment, now, || {
        mercato_passwords::hash(&mut Memory::default(), password, Cost::RECOMMENDED)
    })
}

/// Implements `mercato:platform/passwords.verify`.
///
/// # Errors
/// See [`PasswordFailure`].
pub fn verify(
    increment: Increment<'_>,
    password: &str,
    hash: Option<&str>,
    now: u64,
) -> Result<bool, PasswordFailure> {
    bounded(increment, now, || {
        mercato_passwords::verify(&mut Memory::default(), password, hash, Cost::RECOMMENDED)
    })
}

fn bounded<T>(
    increment: Increment<'_>,
    now: u64,
    compute: impl FnOnce() -> Result<T, PasswordFailure>,
) -> Result<T, PasswordFailure> {
    let count = |by| increment(format!("passwords.{}", now / WINDOW), by, 2 * WINDOW);
    let result = match count(1) {
        Some(running) if running > MAX_RUNNING => Err(PasswordFailure::Busy),
        _ => compute(),
    };
    count(-1);
    result
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::HashMap;

    use super::*;

    #[derive(Default)]
    struct Counters(RefCell<HashMap<String, i64>>);

    impl Counters {
        fn run(&self, now: u64, compute: &dyn Fn()) -> Result<(), PasswordFailure> {
            let increment = |key, by, _| {
                let mut counters = self.0.borrow_mut();
                let count = counters.entry(key).or_default();
                *count += by;
                Some(*count)
            };
            bounded(&increment, now, || {
                compute();
                Ok(())
            })
        }

        /// Starts a number of computations, each while the last one runs, and then another one.
        fn nested(&self, now: u64, running: i64) -> Result<(), PasswordFailure> {
            let result = RefCell::new(Ok(()));
            self.run(now, &|| {
                *result.borrow_mut() = match running {
                    1 => self.run(now, &|| ()),
                    _ => self.nested(now, running - 1),
                };
            })?;
            result.into_inner()
        }
    }

    #[test]
    fn is_busy_while_the_maximum_runs() {
        let counters = Counters::default();
        assert_eq!(counters.nested(0, MAX_RUNNING - 1), Ok(()));
        assert_eq!(counters.nested(0, MAX_RUNNING), Err(PasswordFailure::Busy));
        assert_eq!(counters.run(0, &|| ()), Ok(()));
    }

    #[test]
    fn forgets_stopped_instances_after_the_window() {
        let counters = Counters::default();
        counters.0.borrow_mut().insert("passwords.0".into(), MAX_RUNNING);
        assert_eq!(counters.run(WINDOW - 1, &|| ()), Err(PasswordFailure::Busy));
        assert_eq!(counters.run(WINDOW, &|| ()), Ok(()));
    }

    #[test]
    fn computes_without_a_store() {
        assert_eq!(bounded(&|_, _, _| None, 0, || Ok(1)), Ok(1));
    }
}
