//! The time between the stop signal and the end of the listener.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::time::sleep;

/// How long no request may arrive before the listener ends. Requests in the queues of the kernel and of a
/// proxy are then answered.
pub const LINGER_TIME: Duration = Duration::from_millis(300);

/// Whether the server stops.
///
/// A server that closes an idle connection may lose a request that a proxy sends on it at that moment. So the
/// server first lets its clients leave: health checks fail, and each response ends its connection.
#[derive(Debug, Default)]
pub struct Stopping {
    has_begun: AtomicBool,
    /// The requests of clients.
    requests: AtomicUsize,
}

impl Stopping {
    /// Returns whether the server stops.
    pub fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Relaxed)
    }

    /// Counts a request of a client.
    pub fn count(&self) {
        if self.has_begun() {
            self.requests.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Lets the clients leave, within a time limit that is checked from time to time. Returns whether they have
    /// left, so that no more requests arrive.
    pub async fn let_clients_leave(&self, limit: Duration) -> bool {
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
            stopping.let_clients_leave(LINGER_TIME).await,
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
            have_left = stopping.let_clients_leave(LINGER_TIME) => assert!(!have_left),
            () = client => {}
        }
    }
}
