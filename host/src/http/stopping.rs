//! The time between the stop signal and the end of the listener.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::time::sleep;

/// The silence after which the listener ends. Requests in the queues of the kernel and of a proxy are then
/// answered.
pub const LINGER_TIME: Duration = Duration::from_millis(300);

/// Whether the server stops.
///
/// A server that closes an idle connection may lose a request that a proxy sends on it at that moment. So the
/// server first lets its clients leave: health checks fail, and each response ends its connection.
#[derive(Debug, Default)]
pub struct Stopping {
    has_begun: AtomicBool,
    /// The requests since the stop signal.
    requests: AtomicUsize,
}

impl Stopping {
    /// Returns whether the server stops.
    pub fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Relaxed)
    }

    /// Counts a request, if it arrives after the stop signal.
    pub fn count(&self) {
        if self.has_begun() {
            self.requests.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Lets the clients leave. Returns true after [`LINGER_TIME`] without a request, and false after the time
    /// limit.
    pub async fn wait_until_quiet(&self, limit: Duration) -> bool {
        self.has_begun.store(true, Ordering::Relaxed);
        let started = Instant::now();
        let mut before = 0;
        while started.elapsed() < limit {
            sleep(LINGER_TIME).await;
            let requests = self.requests.load(Ordering::Relaxed);
            if requests == before {
                return true;
            }
            before = requests;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waits_for_clients_that_send_requests() {
        let stopping = Stopping::default();
        assert!(!stopping.has_begun());
        stopping.count();
        assert!(
            stopping.wait_until_quiet(LINGER_TIME).await,
            "no request follows the stop signal"
        );
        assert!(stopping.has_begun());
        let client = async {
            loop {
                stopping.count();
                sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            is_quiet = stopping.wait_until_quiet(LINGER_TIME) => assert!(!is_quiet),
            () = client => {}
        }
        let short_client = async {
            for _ in 0..20 {
                stopping.count();
                sleep(Duration::from_millis(5)).await;
            }
        };
        let (is_quiet, ()) = tokio::join!(stopping.wait_until_quiet(LINGER_TIME * 5), short_client);
        assert!(is_quiet, "the requests have ended");
    }
}
