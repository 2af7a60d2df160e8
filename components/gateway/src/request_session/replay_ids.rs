//! The ids of the things that a request with an `Idempotency-Key` creates.

use std::sync::atomic::{AtomicU32, Ordering};

use mercato_shop::id;
use mercato_shop::types::Error;

/// A sequence of ids that is the same each time a request is executed.
#[derive(Debug)]
pub struct ReplayIds {
    first: String,
    count: AtomicU32,
    deadline: u64,
}

impl ReplayIds {
    /// Returns the sequence that starts with this id. The deadline is in milliseconds since 1970.
    pub const fn new(first: String, deadline: u64) -> Self {
        Self {
            first,
            count: AtomicU32::new(0),
            deadline,
        }
    }

    /// Returns the next id.
    pub fn next(&self) -> String {
        let index = self.count.fetch_add(1, Ordering::Relaxed);
        match id::after(&self.first, index) {
            Some(id) => id,
            None => id::new(),
        }
    }

    /// Rejects a change after the deadline. Another request with the same key could make it at the same time.
    ///
    /// # Errors
    /// [`Error::Unavailable`] after the deadline.
    pub fn check_time(&self) -> Result<(), Error> {
        if id::now() < self.deadline {
            return Ok(());
        }
        let message =
            "The request takes too long, so this change was not made. Send it alone, with a key of its own.";
        Err(Error::Unavailable(message.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_changes_after_the_deadline() {
        let now = id::now();
        let ids = |deadline| ReplayIds::new(id::new(), deadline);
        assert!(ids(now + 60_000).check_time().is_ok());
        for deadline in [0, now] {
            assert!(matches!(ids(deadline).check_time(), Err(Error::Unavailable(_))));
        }
    }
}
