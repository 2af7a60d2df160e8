//! Waiting between attempts.

use std::time::Duration;

use tokio::time::sleep;

/// The longest pause, in microseconds.
const LONGEST: u64 = 64_000;

/// Pauses that grow, at random, so that those who met once do not meet again.
pub(crate) struct Patience {
    /// The most that the next pause takes, in microseconds.
    next: u64,
}

impl Default for Patience {
    fn default() -> Self {
        Self { next: 1_000 }
    }
}

impl Patience {
    pub async fn pause(&mut self) {
        sleep(Duration::from_micros(fastrand::u64(..=self.next))).await;
        self.next = self.next.saturating_mul(2).min(LONGEST);
    }
}
