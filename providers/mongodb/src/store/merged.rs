//! Reads that wait at the same time are made in one.
//!
//! While a read runs, further reads with the same key wait. The next read answers all of them. So the more
//! requests need a popular product at the same time, the fewer reads each of them costs. A read begins after
//! all calls that it answers, so no caller gets an older state than without merging.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::{Handle, Id};
use tokio::sync::oneshot;

/// The reads with keys `K` that run now. `R` is what a caller asks for, and `T` answers all callers of a read.
pub(crate) struct Merged<K, R, T> {
    running: Arc<Mutex<Vec<Running<K, R, T>>>>,
}

struct Running<K, R, T> {
    /// Runtimes differ in priority, so they do not wait for each other.
    runtime: Id,
    key: K,
    waiting: Vec<(R, oneshot::Sender<T>)>,
}

impl<K, R, T> Default for Merged<K, R, T> {
    fn default() -> Self {
        Self {
            running: Arc::default(),
        }
    }
}

impl<K, R, T> Merged<K, R, T>
where
    K: PartialEq + Clone + Send + 'static,
    R: Send + 'static,
    T: Clone + Send + 'static,
{
    /// Returns the answer to a request, from a read that begins after this call. Returns none if the read
    /// ended without an answer.
    pub async fn read<F>(&self, key: K, request: R, make: impl Fn(Vec<R>) -> F + Send + 'static) -> Option<T>
    where
        F: Future<Output = T> + Send,
    {
        let (answer, answered) = oneshot::channel();
        if let Some(first) = self.enter(&key, request, answer) {
            let turns = Self {
                running: Arc::clone(&self.running),
            };
            // A task of its own, because a caller may stop waiting while others still wait.
            tokio::spawn(async move {
                let mut next = vec![first];
                while !next.is_empty() {
                    let (requests, callers): (Vec<_>, Vec<_>) = next.into_iter().unzip();
                    let result = make(requests).await;
                    for caller in callers {
                        let _ = caller.send(result.clone());
                    }
                    next = turns.next(&key);
                }
            });
        }
        answered.await.ok()
    }

    /// Adds a request to those that wait for the running read. Returns it if none runs.
    fn enter(&self, key: &K, request: R, answer: oneshot::Sender<T>) -> Option<(R, oneshot::Sender<T>)> {
        let runtime = Handle::current().id();
        let mut running = self.running();
        let same = running
            .iter_mut()
            .find(|read| read.runtime == runtime && read.key == *key);
        if let Some(read) = same {
            read.waiting.push((request, answer));
            return None;
        }
        running.push(Running {
            runtime,
            key: key.clone(),
            waiting: Vec::new(),
        });
        Some((request, answer))
    }

    /// Returns the requests that wait for the next read. If there are none, no read runs any longer.
    fn next(&self, key: &K) -> Vec<(R, oneshot::Sender<T>)> {
        let runtime = Handle::current().id();
        let mut running = self.running();
        let position = running
            .iter()
            .position(|read| read.runtime == runtime && read.key == *key);
        let Some(read) = position.and_then(|at| running.get_mut(at)) else {
            return Vec::new();
        };
        let waiting = std::mem::take(&mut read.waiting);
        if waiting.is_empty() {
            position.map(|at| running.swap_remove(at));
        }
        waiting
    }

    fn running(&self) -> MutexGuard<'_, Vec<Running<K, R, T>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::future::join_all;
    use tokio::time::sleep;

    use super::*;

    type Reads = Arc<Mutex<Vec<Vec<u32>>>>;

    /// Reads for 10 ms, and answers with the requests of the read.
    fn slow(
        reads: &Reads,
    ) -> impl Fn(Vec<u32>) -> std::pin::Pin<Box<dyn Future<Output = Vec<u32>> + Send>> + use<> {
        let reads = Arc::clone(reads);
        move |requests| {
            reads.lock().unwrap().push(requests.clone());
            Box::pin(async {
                sleep(Duration::from_millis(10)).await;
                requests
            })
        }
    }

    #[tokio::test]
    async fn requests_that_wait_share_the_next_read() {
        let (merged, reads) = (Merged::default(), Reads::default());
        let answers = join_all((0..5).map(|n| merged.read("products", n, slow(&reads)))).await;
        assert_eq!(*reads.lock().unwrap(), [vec![0], vec![1, 2, 3, 4]]);
        assert_eq!(answers[0], Some(vec![0]));
        assert_eq!(answers[4], Some(vec![1, 2, 3, 4]));
        merged.read("products", 9, slow(&reads)).await;
        assert_eq!(reads.lock().unwrap().last(), Some(&vec![9]));
    }

    #[tokio::test]
    async fn different_keys_do_not_wait_for_each_other() {
        let (merged, reads) = (Merged::default(), Reads::default());
        join_all((0..3).map(|n| merged.read(n, n, slow(&reads)))).await;
        assert_eq!(*reads.lock().unwrap(), [[0], [1], [2]]);
        assert!(merged.running().is_empty());
    }

    #[tokio::test]
    async fn a_caller_that_stops_waiting_does_not_end_the_read_of_others() {
        let (merged, reads) = (Merged::default(), Reads::default());
        let first = tokio::time::timeout(Duration::from_millis(1), merged.read((), 1, slow(&reads)));
        let (first, second) = tokio::join!(first, merged.read((), 2, slow(&reads)));
        assert!(first.is_err());
        assert_eq!(second, Some(vec![2]));
    }
}
