//! What a request that came with an `Idempotency-Key` may make, and under which ids.

use std::sync::atomic::{AtomicU32, Ordering};

use mercato_shop::id;
use mercato_shop::types::Error;

/// The same ids in the same order, however often a request is executed.
#[derive(Debug)]
pub struct Ids {
    first: String,
    given: AtomicU32,
    until: u64,
}

impl Ids {
    /// Those that begin with this one, of a request that may begin to do something until then (milliseconds since the Unix epoch, UTC).
    pub const fn new(first: String, until: u64) -> Self {
        Self {
            first,
            given: AtomicU32::new(0),
            until,
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

    /// Passes who may still begin to do something: later, another request with the key might do it at the same time.
    ///
    /// # Errors
    /// [`Error::Unavailable`] where it is too late.
    pub fn check(&self) -> Result<(), Error> {
        if id::now() < self.until {
            return Ok(());
        }
        Err(Error::Unavailable(
            "The request takes too long. This was not begun any more: send it alone, with a key of its own."
                .into(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_begun_after_its_time() {
        let now = id::now();
        assert!(Ids::new(id::new(), now + 60_000).check().is_ok());
        for until in [0, now] {
            let refused = Ids::new(id::new(), until).check();
            assert!(matches!(refused, Err(Error::Unavailable(_))));
        }
    }
}
