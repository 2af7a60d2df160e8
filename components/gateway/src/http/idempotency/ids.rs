//! The ids of what is made under an `Idempotency-Key`.

use std::sync::atomic::{AtomicU32, Ordering};

use mercato_common::id;

/// The same ids in the same order, however often a request is executed.
#[derive(Debug)]
pub struct Ids {
    first: String,
    given: AtomicU32,
}

impl Ids {
    /// Those that begin with this one.
    pub const fn new(first: String) -> Self {
        Self {
            first,
            given: AtomicU32::new(0),
        }
    }

    /// The next one.
    pub fn next(&self) -> String {
        let place = self.given.fetch_add(1, Ordering::Relaxed);
        match id::after(&self.first, place) {
            Some(id) => id,
            None => id::new(),
        }
    }
}
