//! The work of a store for one call, so that the runtime of the call can limit it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

tokio::task_local! {
    static CURRENT: Arc<StoreWork>;
}

/// What a store has done for one call.
#[derive(Debug, Default)]
pub struct StoreWork {
    /// How long the call may wait for its turn, in nanoseconds.
    wait_left: Option<AtomicU64>,
    /// How long the store has computed, in nanoseconds.
    computed: AtomicU64,
}

impl StoreWork {
    /// Returns the work of a new call, which may wait for this time in total. `None` is without a limit.
    pub fn new(max_wait: Option<Duration>) -> Arc<Self> {
        Arc::new(Self {
            wait_left: max_wait.map(|time| AtomicU64::new(nanoseconds(time))),
            computed: AtomicU64::new(0),
        })
    }

    /// Returns how long the store has computed for the call.
    pub fn computed(&self) -> Duration {
        Duration::from_nanos(self.computed.load(Ordering::Relaxed))
    }

    /// Runs a call. What stores do for it counts as this work.
    pub fn of<F: Future>(self: Arc<Self>, call: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, call)
    }
}

/// Counts time that a store has computed for the current call.
pub fn computed(time: Duration) {
    let _ = CURRENT.try_with(|work| work.computed.fetch_add(nanoseconds(time), Ordering::Relaxed));
}

/// Counts time that the current call has waited for its turn.
pub fn waited(time: Duration) {
    let _ = CURRENT.try_with(|work| {
        if let Some(left) = &work.wait_left {
            let subtract = |left: u64| Some(left.saturating_sub(nanoseconds(time)));
            let _ = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, subtract);
        }
    });
}

/// Returns how long the current call may still wait for its turn. `None` is without a limit.
pub fn max_wait() -> Option<Duration> {
    let left = CURRENT.try_with(|work| Some(work.wait_left.as_ref()?.load(Ordering::Relaxed)));
    left.ok().flatten().map(Duration::from_nanos)
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn counts_the_work_of_one_call() {
        let [first, second] = [1, 2].map(|seconds| StoreWork::new(Some(Duration::from_secs(seconds))));
        let call = |work: &Arc<StoreWork>| {
            work.clone().of(async {
                computed(Duration::from_millis(5));
                waited(Duration::from_millis(1_200));
                max_wait()
            })
        };
        assert_eq!(call(&first).await, Some(Duration::ZERO));
        assert_eq!(call(&second).await, Some(Duration::from_millis(800)));
        assert_eq!(call(&second).await, Some(Duration::ZERO));
        assert_eq!(first.computed(), Duration::from_millis(5));
        assert_eq!(second.computed(), Duration::from_millis(10));
    }

    #[tokio::test]
    async fn nothing_limits_work_outside_of_a_call() {
        computed(Duration::from_secs(1));
        waited(Duration::from_secs(1));
        assert_eq!(max_wait(), None);
        let work = StoreWork::new(None);
        assert_eq!(work.clone().of(async { max_wait() }).await, None);
        assert_eq!(work.computed(), Duration::ZERO);
    }
}
