//! Permits for calls that compute for long, such as the hashing of passwords. They keep a thread free for all
//! other calls.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

/// A call needs a permit after it has computed for this long.
const FREE: Duration = Duration::from_millis(20);

/// Returns the permits of this machine. One thread stays free for short calls and for connections.
pub fn compute_permits() -> Semaphore {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    Semaphore::new(threads.saturating_sub(1).max(1))
}

/// Runs a call to its end, and acquires a permit for each poll after the free time.
///
/// A call computes only while it is polled, so a permit is held for one poll. The engine's epoch ends each
/// poll after a tick.
pub async fn run_with_permits<F: Future>(permits: &Semaphore, call: F) -> F::Output {
    let mut call = pin!(call);
    let mut computed = Duration::ZERO;
    loop {
        let permit = if computed < FREE {
            None
        } else {
            // Acquiring fails only if the semaphore is closed, which never happens.
            permits.acquire().await.ok()
        };
        let poll = poll_fn(|context| {
            let begun = Instant::now();
            let poll = call.as_mut().poll(context);
            computed += begun.elapsed();
            Poll::Ready(poll)
        })
        .await;
        drop(permit);
        match poll {
            Poll::Ready(output) => return output,
            Poll::Pending => woken().await,
        }
    }
}

/// Waits until the last poll wakes the task.
async fn woken() {
    let mut polled = false;
    poll_fn(|_| match std::mem::replace(&mut polled, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Computes for 30 ms in three polls. Returns how many calls computed at the same time as the last poll.
    async fn compute(permits: &Semaphore, running: &AtomicUsize) -> usize {
        run_with_permits(permits, async {
            let mut at_once = 0;
            for _ in 0..3 {
                at_once = running.fetch_add(1, Ordering::SeqCst) + 1;
                std::thread::sleep(FREE / 2);
                running.fetch_sub(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
            }
            at_once
        })
        .await
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn runs_long_calls_one_after_the_other() {
        static PERMITS: Semaphore = Semaphore::const_new(1);
        static RUNNING: AtomicUsize = AtomicUsize::new(0);
        // Every call has used its free time before the last poll of any call.
        for _ in 0..3 {
            let held = PERMITS.acquire().await.unwrap();
            let calls: Vec<_> = (0..4)
                .map(|_| tokio::spawn(compute(&PERMITS, &RUNNING)))
                .collect();
            while PERMITS.available_permits() > 0 || RUNNING.load(Ordering::SeqCst) > 0 {
                tokio::task::yield_now().await;
            }
            tokio::time::sleep(3 * FREE).await;
            assert!(
                calls.iter().all(|call| !call.is_finished()),
                "all calls wait for a permit"
            );
            drop(held);
            for call in calls {
                assert_eq!(call.await.unwrap(), 1);
            }
        }
    }

    #[tokio::test]
    async fn runs_a_short_call_without_a_permit() {
        let none = Semaphore::new(0);
        let short = async {
            tokio::time::sleep(2 * FREE).await;
            7
        };
        assert_eq!(run_with_permits(&none, short).await, 7);
    }
}
