//! A circuit breaker (M. Nygard, Release It!): a server elsewhere that fails again and again is left alone for a while, so that the
//! shop does not wait for it with each request. It is counted in the cache, for all instances together.
//!
//! Closed, it lets everything through. So many failures in a row open it: nothing gets through. After a pause it is half open: one
//! request gets through, of all instances, and its success closes the breaker, its failure opens it again. Where the cache is away, it is
//! closed.

use crate::cache::Cache;
use crate::id;

/// So many failures in a row open it.
const FAILURES: i64 = 5;
/// How long failures count, in milliseconds.
const MEMORY: u64 = 60_000;
/// How long it stays open unless told otherwise, in milliseconds.
const PAUSE: u64 = 10_000;
/// How long it is half open at the most, in milliseconds: where nobody asks for so long, what was is forgotten.
const HALF_OPEN: u64 = 10 * 60_000;
/// For how long one request alone gets through a half open breaker, in milliseconds: longer than any takes. Then the next one does, since
/// the instance of the first must have ended before it could tell.
const PROBE: u64 = 30_000;
/// How long others wait meanwhile before they ask again, in milliseconds.
const MEANWHILE: u64 = 1_000;
/// What is kept of a breaker that was closed, until the cache drops it.
const CLOSED: &[u8] = b"0";

/// A breaker before one server, shared by all that have the same cache.
#[derive(Clone, Debug)]
pub struct Breaker<'a, C> {
    cache: &'a C,
    pause: u64,
    failures: String,
    open: String,
    probe: String,
}

/// A request that gets through. What comes of it is for [`Breaker::note`].
#[derive(Debug)]
#[must_use = "a breaker has to hear what came of the request"]
pub struct Pass {
    /// How many have failed before it in a row.
    failed: i64,
    /// Whether it is the one that a half open breaker lets through.
    is_probe: bool,
}

impl<'a, C: Cache> Breaker<'a, C> {
    /// The breaker of this name, `service.server`, which is the prefix of its keys in the cache.
    pub fn new(cache: &'a C, name: &str) -> Self {
        Self {
            cache,
            pause: PAUSE,
            failures: format!("{name}.failures"),
            open: format!("{name}.open"),
            probe: format!("{name}.probe"),
        }
    }

    /// The same, open for so many milliseconds.
    #[must_use]
    pub fn pausing(mut self, pause: u64) -> Self {
        self.pause = pause;
        self
    }

    /// Makes a request, unless the breaker keeps it back: then the answer is `refused` for so many seconds. `is_failure` tells of an error
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
        let pass = self.enter().map_err(|wait| {
            let seconds = i64::try_from(wait.div_ceil(1_000)).unwrap_or(i64::MAX);
            refused(seconds)
        })?;
        let answer = request();
        self.note(
            &pass,
            answer.as_ref().err().is_none_or(|error| !is_failure(error)),
        );
        answer
    }

    /// Asks to be let through.
    ///
    /// # Errors
    /// For how many milliseconds it is no use to ask again.
    pub fn enter(&self) -> Result<Pass, u64> {
        let kept = self.cache.cached(&[self.failures.clone(), self.open.clone()]);
        let mut kept = kept.into_iter().map(number);
        let failed = kept.next().flatten().unwrap_or(0);
        let until = kept.next().flatten().and_then(|until| u64::try_from(until).ok());
        let Some(until) = until.filter(|until| *until > 0) else {
            let is_probe = false;
            return Ok(Pass { failed, is_probe });
        };
        let left = until.saturating_sub(id::now());
        if left > 0 {
            return Err(left);
        }
        // Each opening has a probe of its own.
        let probe = format!("{}.{until}", self.probe);
        let first = self.cache.increment(&probe, 1, PROBE);
        let is_probe = first.is_none_or(|count| count == 1);
        is_probe.then_some(Pass { failed, is_probe }).ok_or(MEANWHILE)
    }

    /// Takes note of what came of a request: whether the server works.
    pub fn note(&self, pass: &Pass, works: bool) {
        if !works {
            let failed = self.cache.increment(&self.failures, 1, MEMORY);
            if pass.is_probe || failed.is_some_and(|failed| failed >= FAILURES) {
                let until = id::now().saturating_add(self.pause);
                let kept = self.pause.saturating_add(HALF_OPEN);
                self.cache.keep(&self.open, until.to_string().as_bytes(), kept);
            }
            return;
        }
        if pass.failed != 0 {
            self.forget(pass.failed);
        }
        if pass.is_probe {
            self.cache.keep(&self.open, CLOSED, 1);
        }
    }

    /// Counts from zero again. Of several that succeed at once only one takes the failures away: what the others take is put back.
    fn forget(&self, failed: i64) {
        let left = self
            .cache
            .increment(&self.failures, failed.saturating_neg(), MEMORY);
        if let Some(below) = left.filter(|left| *left < 0) {
            self.cache
                .increment(&self.failures, below.saturating_neg(), MEMORY);
        }
    }
}

fn number(value: Option<Vec<u8>>) -> Option<i64> {
    str::from_utf8(&value?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
