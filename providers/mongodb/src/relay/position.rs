//! The position of a worker in the outbox, from which its next round reads.
//!
//! Published entries are deleted, but for some time the server still finds them in the index and skips them one
//! by one. A read that begins at a position skips only the latest ones.

use std::time::{Duration, Instant};

use mongodb::bson::Timestamp;

/// How far before the last entry a read begins, in seconds. An entry gets its place when it is inserted, and
/// appears when its transaction is committed. The store commits no transaction that is this old.
const LOOKBACK: u32 = 10;

/// At least this often a round reads from the beginning, in case a transaction took longer nevertheless.
const FULL_INTERVAL: Duration = Duration::from_secs(5);

/// The position of a worker.
#[derive(Default)]
pub(super) struct Position {
    /// The last entry that was read, if everything before it was published.
    last: Option<Timestamp>,
    /// When the last round began at the beginning.
    full: Option<Instant>,
}

impl Position {
    /// Returns where the next round begins. `None` is the beginning.
    pub fn next(&mut self, now: Instant) -> Option<Timestamp> {
        let is_full = self
            .full
            .is_none_or(|full| now.saturating_duration_since(full) >= FULL_INTERVAL);
        let from = self.last.filter(|_| !is_full);
        if from.is_none() {
            self.full = Some(now);
        }
        from.map(|last| Timestamp {
            time: last.time.saturating_sub(LOOKBACK),
            increment: 0,
        })
    }

    /// Records that all entries up to this one are published.
    pub fn advance(&mut self, last: Timestamp) {
        self.last = Some(last);
    }

    /// The next round begins at the beginning, because earlier events may have become ready.
    pub fn reset(&mut self) {
        self.last = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: u32) -> Timestamp {
        Timestamp { time, increment: 7 }
    }

    fn from(time: u32) -> Option<Timestamp> {
        Some(Timestamp { time, increment: 0 })
    }

    #[test]
    fn begins_shortly_before_the_last_entry() {
        let (mut position, now) = (Position::default(), Instant::now());
        assert_eq!(position.next(now), None);
        position.advance(at(100));
        assert_eq!(position.next(now), from(90));
        position.advance(at(130));
        assert_eq!(position.next(now), from(120));
    }

    #[test]
    fn begins_at_the_beginning_regularly_and_after_a_reset() {
        let (mut position, now) = (Position::default(), Instant::now());
        position.next(now);
        position.advance(at(100));
        let later = now + FULL_INTERVAL;
        assert_eq!(position.next(later), None);
        assert_eq!(position.next(later), from(90));
        position.reset();
        assert_eq!(position.next(later), None);
    }
}
