//! Turns: calls that compute for long, the hashing of passwords above all, must not keep all threads from everyone else.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

/// A call that has computed for longer than this waits for its turn before it goes on.
const SHORT: Duration = Duration::from_millis(20);

/// Turns for the threads of this machine: one thread is always left for short calls and for connections.
pub fn for_this_machine() -> Semaphore {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    Semaphore::new(threads.saturating_sub(1).max(1))
}

/// Runs a call to its end. It computes while it is polled, and waits while it is not, so a turn lasts for one poll; the engine's
/// epoch ends a poll after a tick.
pub async fn take_turns<F: Future>(turns: &Semaphore, call: F) -> F::Output {
    let mut call = pin!(call);
    let mut computed = Duration::ZERO;
    loop {
        let turn = if computed < SHORT {
            None
        } else {
            // Nobody closes the semaphore; without it, the call would go on without a turn.
            turns.acquire().await.ok()
        };
        let step = poll_fn(|context| {
            let begun = Instant::now();
            let step = call.as_mut().poll(context);
            computed += begun.elapsed();
            Poll::Ready(step)
        });
        let step = step.await;
        drop(turn);
        match step {
            Poll::Ready(output) => return output,
            Poll::Pending => woken().await,
        }
    }
}

/// Done when the task is woken by what it has polled before.
async fn woken() {
    let mut slept = false;
    poll_fn(|_| match std::mem::replace(&mut slept, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Computes for 30 ms in three polls; tells how many did so at once in the last of them.
    async fn compute(turns: &Semaphore, running: &AtomicUsize) -> usize {
        take_turns(turns, async {
            let mut at_once = 0;
            for _ in 0..3 {
                at_once = running.fetch_add(1, Ordering::SeqCst) + 1;
                std::thread::sleep(SHORT / 2);
                running.fetch_sub(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
            }
            at_once
        })
        .await
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn long_calls_compute_one_after_the_other() {
        static TURNS: Semaphore = Semaphore::const_new(1);
        static RUNNING: AtomicUsize = AtomicUsize::new(0);
        // All are past the short time when the last one of them begins to compute.
        for _ in 0..3 {
            let held = TURNS.acquire().await.unwrap();
            let calls: Vec<_> = (0..4).map(|_| tokio::spawn(compute(&TURNS, &RUNNING))).collect();
            while TURNS.available_permits() > 0 || RUNNING.load(Ordering::SeqCst) > 0 {
                tokio::task::yield_now().await;
            }
            tokio::time::sleep(3 * SHORT).await;
            assert!(
                calls.iter().all(|call| !call.is_finished()),
                "they wait for their turn"
            );
            drop(held);
            for call in calls {
                assert_eq!(call.await.unwrap(), 1);
            }
        }
    }

    #[tokio::test]
    async fn a_short_call_needs_no_turn() {
        let none = Semaphore::new(0);
        let short = async {
            tokio::time::sleep(2 * SHORT).await;
            7
        };
        assert_eq!(take_turns(&none, short).await, 7);
    }
}
