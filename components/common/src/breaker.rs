//! A circuit breaker (M. Nygard, Release It!): a server elsewhere that fails again and again is left alone for a while, so that the
//! shop does not wait for it with each request. It is counted in the cache, for all instances together.

use crate::cache::Cache;
use crate::id;

/// So many failures in a row open it.
const FAILURES: i64 = 5;
/// How long failures count, in milliseconds.
const MEMORY: u64 = 60_000;
/// How long it stays open, in milliseconds. Then the next request is let through, and its failure opens it again.
const OPEN: u64 = 10_000;

/// A breaker before one server, shared by all that have the same cache.
#[derive(Clone, Debug)]
pub struct Breaker<'a, C> {
    cache: &'a C,
    failures: String,
    open: String,
}

impl<'a, C: Cache> Breaker<'a, C> {
    /// The breaker of this name, `service.server`, which is the prefix of its keys in the cache.
    pub fn new(cache: &'a C, name: &str) -> Self {
        Self {
            cache,
            failures: format!("{name}.failures"),
            open: format!("{name}.open"),
        }
    }

    /// Makes a request, unless the breaker is open: then the answer is `refused` for so many seconds. `is_failure` tells of an error
    /// whether it is the server's failure, and not the answer of one that works.
    ///
    /// # Errors
    /// Those of the request, and `refused`.
    pub fn through<T, E>(
        &self,
        request: impl FnOnce() -> Result<T, E>,
        is_failure: impl FnOnce(&E) -> bool,
        refused: impl FnOnce(i64) -> E,
    ) -> Result<T, E> {
        let keys = [self.failures.clone(), self.open.clone()];
        let mut kept = self.cache.cached(&keys).into_iter().map(number);
        let (failed, until) = (kept.next().flatten(), kept.next().flatten());
        let left = until.unwrap_or(0).saturating_sub(now());
        if left > 0 {
            return Err(refused(left.div_euclid(1_000).saturating_add(1)));
        }
        let answer = request();
        if answer.as_ref().err().is_some_and(is_failure) {
            self.count();
        } else if let Some(failed) = failed.filter(|failed| *failed > 0) {
            self.cache.increment(&self.failures, -failed, MEMORY);
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

fn number(value: Option<Vec<u8>>) -> Option<i64> {
    str::from_utf8(&value?).ok()?.parse().ok()
}

fn now() -> i64 {
    i64::try_from(id::now()).unwrap_or(i64::MAX)
}
