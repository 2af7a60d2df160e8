//! The pool.

use std::num::NonZero;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use mercato_ports::passwords::{PasswordFailure, Passwords};
use tokio::sync::{Semaphore, oneshot};

use crate::Memory;
use crate::hashing::{self, Cost};

/// How many calls wait by default while others are computed.
const QUEUE: usize = 16;

/// How long an idle thread keeps its memory of 19 MiB.
const IDLE: Duration = Duration::from_secs(1);

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// Computes a bounded number of hashes at once, and refuses further calls when its queue is full.
#[derive(Debug)]
pub struct PasswordPool {
    cost: Cost,
    /// One permit for each hash that may be computed now.
    threads: Arc<Semaphore>,
    /// One permit for each call, running or waiting.
    calls: Arc<Semaphore>,
    /// The threads that compute nothing now. The last one has the warmest memory.
    idle: Arc<Mutex<Vec<Sender<Job>>>>,
}

impl PasswordPool {
    /// Creates a pool that uses at most half of the processors, with a queue of 16 calls.
    #[must_use]
    pub fn new() -> Self {
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        Self::with(Cost::RECOMMENDED, (processors / 2).max(1), QUEUE)
    }

    /// Creates a pool with this number of threads and this size of the queue.
    #[must_use]
    pub fn with(cost: Cost, threads: usize, queue: usize) -> Self {
        Self {
            cost,
            threads: Arc::new(Semaphore::new(threads)),
            calls: Arc::new(Semaphore::new(threads.saturating_add(queue))),
            idle: Arc::default(),
        }
    }

    /// Runs a computation on a thread. A caller that stops waiting leaves the queue.
    async fn run<T: Send + 'static>(
        &self,
        compute: impl FnOnce(&mut Memory) -> Result<T, PasswordFailure> + Send + 'static,
    ) -> Result<T, PasswordFailure> {
        let call = Arc::clone(&self.calls).try_acquire_owned();
        let call = call.map_err(|_| PasswordFailure::Busy)?;
        let permit = Arc::clone(&self.threads).acquire_owned().await;
        let thread = self.thread()?;
        let (sender, receiver) = oneshot::channel();
        let (idle, next) = (Arc::clone(&self.idle), thread.clone());
        let job: Job = Box::new(move |memory| {
            let result = compute(memory);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(next);
            drop((permit, call));
            // Fails only if the caller has stopped waiting.
            let _ = sender.send(result);
        });
        let stopped = || PasswordFailure::Failed("the thread has stopped".into());
        thread.send(job).map_err(|_| stopped())?;
        receiver.await.map_err(|_| stopped())?
    }

    /// Returns an idle thread, or starts one.
    fn thread(&self) -> Result<Sender<Job>, PasswordFailure> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(thread) = idle {
            return Ok(thread);
        }
        let (sender, jobs) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("password".into())
            .spawn(move || work(&jobs));
        thread.map_err(|error| PasswordFailure::Failed(format!("no thread can be started: {error}")))?;
        Ok(sender)
    }
}

/// Runs jobs until the pool is dropped.
fn work(jobs: &Receiver<Job>) {
    let mut memory = Memory::default();
    loop {
        let job = match jobs.recv_timeout(IDLE) {
            Ok(job) => Ok(job),
            Err(RecvTimeoutError::Timeout) => {
                memory = Memory::default();
                jobs.recv()
            }
            Err(RecvTimeoutError::Disconnected) => return,
        };
        match job {
            Ok(job) => job(&mut memory),
            Err(_) => return,
        }
    }
}

impl Default for PasswordPool {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Passwords for PasswordPool {
    async fn hash(&self, password: String) -> Result<String, PasswordFailure> {
        let cost = self.cost;
        self.run(move |memory| hashing::hash(memory, &password, cost))
            .await
    }

    async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, PasswordFailure> {
        let cost = self.cost;
        self.run(move |memory| hashing::verify(memory, &password, hash.as_deref(), cost))
            .await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use tokio::task::JoinHandle;

    use super::*;

    /// A pool with computations that end when the test says so.
    struct Fixture {
        pool: Arc<PasswordPool>,
        started: (Sender<()>, Receiver<()>),
    }

    impl Fixture {
        fn new(threads: usize, queue: usize) -> Self {
            Self {
                pool: Arc::new(PasswordPool::with(Cost::LOWEST, threads, queue)),
                started: channel(),
            }
        }

        /// Makes a call, and returns what ends its computation.
        fn call(&self) -> (Sender<()>, JoinHandle<Result<(), PasswordFailure>>) {
            let (end, ended) = channel();
            let (pool, started) = (Arc::clone(&self.pool), self.started.0.clone());
            let call = tokio::spawn(async move {
                pool.run(move |_| {
                    started.send(()).unwrap();
                    ended.recv().unwrap();
                    Ok(())
                })
                .await
            });
            (end, call)
        }

        async fn wait_for_calls(&self, left: usize) {
            while self.pool.calls.available_permits() != left {
                tokio::task::yield_now().await;
            }
        }
    }

    #[tokio::test]
    async fn computes_no_more_at_once_than_it_has_threads() {
        let fixture = Fixture::new(2, 3);
        let calls: Vec<_> = (0..5).map(|_| fixture.call()).collect();
        fixture.wait_for_calls(0).await;
        for _ in 0..2 {
            fixture.started.1.recv().unwrap();
        }
        assert!(fixture.started.1.try_recv().is_err());
        assert_eq!(fixture.pool.threads.available_permits(), 0);
        for (end, call) in calls {
            end.send(()).unwrap();
            assert_eq!(call.await.unwrap(), Ok(()));
        }
        assert_eq!(fixture.pool.calls.available_permits(), 5);
        assert_eq!(fixture.pool.threads.available_permits(), 2);
    }

    #[tokio::test]
    async fn is_busy_at_once_when_the_queue_is_full() {
        let fixture = Fixture::new(1, 1);
        let calls = [fixture.call(), fixture.call()];
        fixture.wait_for_calls(0).await;
        let refused = fixture.pool.hash("correct horse".into()).await;
        assert_eq!(refused, Err(PasswordFailure::Busy));
        assert_eq!(
            fixture.pool.verify("correct horse".into(), None).await,
            Err(PasswordFailure::Busy)
        );
        for (end, call) in calls {
            end.send(()).unwrap();
            assert_eq!(call.await.unwrap(), Ok(()));
        }
        assert!(fixture.pool.hash("correct horse".into()).await.is_ok());
    }

    #[tokio::test]
    async fn a_caller_that_stops_waiting_leaves_the_queue() {
        let fixture = Fixture::new(1, 1);
        let (end, running) = fixture.call();
        fixture.wait_for_calls(1).await;
        let (_end, waiting) = fixture.call();
        fixture.wait_for_calls(0).await;
        waiting.abort();
        assert!(waiting.await.unwrap_err().is_cancelled());
        assert_eq!(fixture.pool.calls.available_permits(), 1);
        end.send(()).unwrap();
        assert_eq!(running.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn counts_a_computation_whose_caller_has_stopped_waiting() {
        let fixture = Fixture::new(1, 0);
        let (end, call) = fixture.call();
        fixture.wait_for_calls(0).await;
        while fixture.started.1.try_recv().is_err() {
            tokio::task::yield_now().await;
        }
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
        assert_eq!(
            fixture.pool.hash("correct horse".into()).await,
            Err(PasswordFailure::Busy)
        );
        end.send(()).unwrap();
        fixture.wait_for_calls(1).await;
    }

    #[tokio::test]
    async fn goes_on_after_a_panic() {
        let pool = PasswordPool::with(Cost::LOWEST, 1, 0);
        let panicked = pool.run::<()>(|_| panic!("a test")).await;
        assert!(
            matches!(panicked, Err(PasswordFailure::Failed(_))),
            "{panicked:?}"
        );
        assert!(pool.hash("correct horse".into()).await.is_ok());
    }
}
