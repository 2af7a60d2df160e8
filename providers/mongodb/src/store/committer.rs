//! Group commit: commits that wait at the same time are made in one transaction.
//!
//! One task makes one transaction after the other. While it works, further commits wait, and the next batch
//! takes all of them. So the busier the store, the more commits share a transaction, and commits of this
//! process never conflict with each other in MongoDB.
//!
//! After a transaction of many commits, the task pauses as long as the transaction took, but at most 10 ms. So
//! the next transaction has more commits. Each transaction has a cost of its own, which more commits then
//! share.
//!
//! Each transaction is committed twice:
//!
//! 1. The primary acknowledges the first commit. Then the next transaction begins.
//! 2. The second commit waits for the majority, because the driver repeats a commit with that write concern.
//!    Only the callers of this batch wait for it, so every caller is answered when its change is durable.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mercato_ports::documents::CommitFailure;
use mercato_ports::events::Event;
use mongodb::error::TRANSIENT_TRANSACTION_ERROR;
use mongodb::{Client, ClientSession};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use super::backoff::Backoff;
use super::batch::{Batch, PendingCommit};
use super::bounds::stopped;
use super::service::Service;
use super::single;
use super::transaction::{self, AttemptError};
use super::write::PendingWrite;
use crate::error::failed;

/// The capacity of the queue. Callers wait while it is full.
const QUEUE: usize = 1_024;

/// The task pauses after a transaction of at least this many commits. After a smaller one, the next commit
/// does not wait.
const BUSY_COMMITS: usize = 8;

/// The longest pause between two transactions.
const MAX_PAUSE: Duration = Duration::from_millis(10);

/// A handle to the task.
pub(crate) struct Committer {
    queue: mpsc::Sender<PendingCommit>,
    /// The number of commits that run or wait.
    running: AtomicUsize,
}

impl Committer {
    /// Starts the task. It ends when the committer is dropped and the queue is empty.
    pub fn start(client: Client) -> Self {
        let (queue, commits) = mpsc::channel(QUEUE);
        let worker = Worker {
            client,
            queue: queue.downgrade(),
            commits,
            waiting: VecDeque::new(),
        };
        tokio::spawn(worker.run());
        Self {
            queue,
            running: AtomicUsize::new(0),
        }
    }

    /// Commits all writes and events, or none.
    pub async fn commit(
        &self,
        mut writes: Vec<PendingWrite>,
        mut events: Vec<(Arc<Service>, Event)>,
    ) -> Result<(), CommitFailure> {
        let running = Running::new(&self.running);
        // One statement needs no transaction. Beside other commits it takes part in theirs, which costs less.
        if running.is_alone {
            match (writes.len(), events.len()) {
                (1, 0) => {
                    if let Some(write) = writes.pop() {
                        return single::write(write).await;
                    }
                }
                (0, 1) => {
                    if let Some((service, event)) = events.pop() {
                        return single::event(&service, &event).await;
                    }
                }
                _ => {}
            }
        }
        let stopped = || CommitFailure::Failed(stopped());
        let (answer, answered) = oneshot::channel();
        let commit = PendingCommit {
            writes,
            events,
            answer,
        };
        self.queue.send(commit).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }
}

/// Counts a running commit until it is dropped.
struct Running<'a> {
    count: &'a AtomicUsize,
    is_alone: bool,
}

impl<'a> Running<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        let is_alone = count.fetch_add(1, Ordering::Relaxed) == 0;
        Self { count, is_alone }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Worker {
    client: Client,
    /// For commits that a failover has undone.
    queue: mpsc::WeakSender<PendingCommit>,
    commits: mpsc::Receiver<PendingCommit>,
    /// Commits that did not fit into a batch, oldest first.
    waiting: VecDeque<PendingCommit>,
}

impl Worker {
    async fn run(mut self) {
        while let Some(batch) = self.next_batch().await {
            let (commits, begun) = (batch.len(), Instant::now());
            self.make(batch).await;
            if let Some(pause) = pause(commits, begun.elapsed()) {
                sleep(pause).await;
            }
        }
    }

    /// Waits for a commit, and returns it with all others that fit.
    async fn next_batch(&mut self) -> Option<Batch> {
        let mut batch = Batch::default();
        if self.waiting.is_empty() {
            let first = self.commits.recv().await?;
            self.waiting.push_back(first);
        }
        self.fill(&mut batch);
        Some(batch)
    }

    /// Adds the waiting commits that fit.
    fn fill(&mut self, batch: &mut Batch) {
        while self.waiting.len() < QUEUE
            && let Ok(commit) = self.commits.try_recv()
        {
            self.waiting.push_back(commit);
        }
        for commit in std::mem::take(&mut self.waiting) {
            if let Err(commit) = batch.add(commit) {
                self.waiting.push_back(commit);
            }
        }
    }

    /// Makes a batch, and answers its callers when the majority has it.
    async fn make(&mut self, mut batch: Batch) {
        match self.on_primary(&mut batch).await {
            Ok(Some(session)) => {
                tokio::spawn(on_majority(session, batch, self.queue.clone()));
            }
            Ok(None) => batch.answer(&Ok(())),
            // One of the commits may be the cause, so each one is made alone.
            Err(_) if batch.len() > 1 => {
                for commit in batch.into_commits() {
                    let mut alone = Batch::default();
                    let _ = alone.add(commit);
                    Box::pin(self.make(alone)).await;
                }
            }
            Err(failure) => batch.answer(&Err(failure)),
        }
    }

    /// Makes a batch on the primary. Returns none if no commit is left that can be made.
    async fn on_primary(&mut self, batch: &mut Batch) -> Result<Option<ClientSession>, CommitFailure> {
        let session = self.client.start_session().causal_consistency(false).await;
        let mut session = session.map_err(|error| failed(&error))?;
        let mut backoff = Backoff::default();
        loop {
            batch.drop_abandoned();
            if batch.is_decided() {
                return Ok(None);
            }
            match transaction::run(&mut session, batch).await {
                Ok(()) => return Ok(Some(session)),
                Err(AttemptError::Failed(error)) => return Err(failed(&error)),
                Err(AttemptError::Transient(error)) => {
                    tracing::debug!(%error, commits = batch.len(), "a transaction is repeated");
                    backoff.wait().await;
                    self.fill(batch);
                }
                Err(AttemptError::Unmatched) => match transaction::read(&mut session, batch).await {
                    Ok(found) => batch.judge(&found),
                    Err(error) if error.contains_label(TRANSIENT_TRANSACTION_ERROR) => backoff.wait().await,
                    Err(error) => return Err(failed(&error)),
                },
            }
        }
    }
}

/// Waits until the majority has a batch, and answers its callers.
async fn on_majority(mut session: ClientSession, batch: Batch, queue: mpsc::WeakSender<PendingCommit>) {
    match transaction::commit(&mut session).await {
        Ok(()) => batch.answer(&Ok(())),
        Err(error) if error.contains_label(TRANSIENT_TRANSACTION_ERROR) => {
            tracing::warn!(%error, commits = batch.len(), "a transaction was undone, and is repeated");
            let Some(queue) = queue.upgrade() else { return };
            for commit in batch.into_commits() {
                let _ = queue.send(commit).await;
            }
        }
        Err(error) => batch.answer(&Err(failed(&error))),
    }
}

/// Returns the pause after a transaction of this many commits, which took this long.
fn pause(commits: usize, took: Duration) -> Option<Duration> {
    (commits >= BUSY_COMMITS).then(|| took.min(MAX_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_transactions_of_many_commits_are_followed_by_a_pause() {
        let took = Duration::from_millis(4);
        assert_eq!(pause(BUSY_COMMITS - 1, took), None);
        assert_eq!(pause(BUSY_COMMITS, took), Some(took));
        assert_eq!(pause(BUSY_COMMITS, Duration::from_secs(2)), Some(MAX_PAUSE));
    }
}
