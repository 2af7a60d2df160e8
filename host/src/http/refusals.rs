//! The pace of refusals. Clients that try again at once would otherwise take the time of the processors.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The time between two refusals beyond the burst: 250 refusals in a second.
const INTERVAL: Duration = Duration::from_millis(4);

/// Refusals of this time are answered at once.
const BURST: Duration = Duration::from_millis(400);

/// The longest delay.
const MAX_DELAY: Duration = Duration::from_secs(2);

/// The pace of all refusals.
pub struct Pace {
    /// When the next refusal is due.
    next: Mutex<Instant>,
}

impl Pace {
    /// Begins with a free moment.
    pub fn new() -> Self {
        Self {
            next: Mutex::new(Instant::now()),
        }
    }

    /// Returns how long to delay a refusal.
    pub fn delay(&self, now: Instant) -> Duration {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let due = (*next).max(now);
        // Without a bound, a short flood would delay the refusals of a long time after it.
        *next = due.min(now + BURST + MAX_DELAY) + INTERVAL;
        due.duration_since(now).saturating_sub(BURST).min(MAX_DELAY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_refusals_beyond_the_burst() {
        let pace = Pace::new();
        let now = Instant::now();
        let delays: Vec<_> = (0..3_000).map(|_| pace.delay(now)).collect();
        let at = |index: usize| delays.get(index).copied().unwrap();
        assert_eq!((at(0), at(100)), (Duration::ZERO, Duration::ZERO));
        assert_eq!((at(101), at(500)), (INTERVAL, INTERVAL * 400));
        assert_eq!(at(2_999), MAX_DELAY);
        let later = now + Duration::from_secs(4);
        assert_eq!(
            pace.delay(later),
            Duration::ZERO,
            "the delay ends after the flood"
        );
    }
}
