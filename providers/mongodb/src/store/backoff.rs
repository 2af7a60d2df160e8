//! Random waits between attempts.

use std::time::Duration;

use tokio::time::sleep;

/// The largest limit of a wait, in microseconds.
const MAX_LIMIT: u64 = 16_000;

/// Random waits with a growing limit, so that two commits that conflicted do not conflict again.
pub(crate) struct Backoff {
    /// The limit of the next wait, in microseconds.
    limit: u64,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { limit: 1_000 }
    }
}

impl Backoff {
    pub async fn wait(&mut self) {
        sleep(Duration::from_micros(fastrand::u64(..=self.limit))).await;
        self.limit = self.limit.saturating_mul(2).min(MAX_LIMIT);
    }
}
