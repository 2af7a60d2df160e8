//! The writing thread, which groups commits. It takes all queued jobs and runs them in one transaction, each
//! in its savepoint. After one COMMIT it answers all callers. So many commits share one wait for the disk,
//! and a refused job does not affect the others.

use std::error::Error;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use mercato_ports::documents::{CommitFailure, Failure};
use rusqlite::Connection;
use tokio::sync::{Notify, mpsc, oneshot};

use super::durability::Durability;
use super::failure::unavailable;
use crate::folder::commit_marker::CommitMarker;

/// The capacity of the queue. Callers wait while it is full.
const QUEUE: usize = 1_024;

/// The maximum number of jobs in one transaction. It bounds how long the first job waits for the last one.
const GROUP: usize = 256;

/// The options of a job.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JobOptions {
    /// Whether the change must be on disk before the caller is answered.
    pub durable: bool,
    /// Whether the job may have made a delivery ready.
    pub wakes: bool,
}

/// A handle to the writing thread. Dropping it waits for the queued jobs.
pub(crate) struct Writer {
    queue: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread. It notifies `wake` after jobs that may have made a delivery ready.
    pub fn start(
        connection: Connection,
        marker: CommitMarker,
        durability: Durability,
        wake: Arc<Notify>,
    ) -> Self {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let thread = thread::spawn(move || {
            Group {
                connection,
                marker,
                durability,
                relaxed: false,
                wake,
            }
            .run(jobs)
        });
        Self {
            queue: Some(queue),
            thread: Some(thread),
        }
    }

    /// Runs `work` on the writing thread, inside a transaction. If `work` returns an error, its changes are
    /// rolled back.
    pub async fn submit<T: Send + 'static>(
        &self,
        options: JobOptions,
        work: impl FnOnce(&Connection) -> Result<T, CommitFailure> + Send + 'static,
    ) -> Result<T, CommitFailure> {
        let stopped = || CommitFailure::Failed(Failure::Unavailable("the store has stopped".into()));
        let (sender, answer) = oneshot::channel();
        let job = QueuedJob {
            options,
            work: Some(work),
            result: Err(stopped()),
            answer: sender,
        };
        let queue = self.queue.as_ref().ok_or_else(stopped)?;
        queue.send(Box::new(job)).await.map_err(|_| stopped())?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the writing thread of the store panicked");
        }
    }
}

/// A job in the queue.
trait Job: Send {
    fn options(&self) -> JobOptions;
    /// Runs the job and stores its result. Returns whether its changes are to be committed.
    fn run(&mut self, connection: &Connection) -> bool;
    /// Answers the caller with the result of the job, or with the failure of its transaction.
    fn answer(self: Box<Self>, failure: Option<&Failure>);
}

struct QueuedJob<T, F> {
    options: JobOptions,
    work: Option<F>,
    result: Result<T, CommitFailure>,
    answer: oneshot::Sender<Result<T, CommitFailure>>,
}

impl<T: Send, F: FnOnce(&Connection) -> Result<T, CommitFailure> + Send> Job for QueuedJob<T, F> {
    fn options(&self) -> JobOptions {
        self.options
    }

    fn run(&mut self, connection: &Connection) -> bool {
        if let Some(work) = self.work.take() {
            self.result = work(connection);
        }
        self.result.is_ok()
    }

    fn answer(self: Box<Self>, failure: Option<&Failure>) {
        let result = failure.map_or(self.result, |failure| Err(CommitFailure::Failed(failure.clone())));
        // The caller may have stopped waiting.
        let _ = self.answer.send(result);
    }
}

/// The state of the writing thread.
struct Group {
    connection: Connection,
    marker: CommitMarker,
    durability: Durability,
    /// Whether the connection currently commits without waiting for the disk.
    relaxed: bool,
    wake: Arc<Notify>,
}

impl Group {
    fn run(mut self, mut jobs: mpsc::Receiver<Box<dyn Job>>) {
        let mut group = Vec::with_capacity(GROUP);
        while let Some(job) = jobs.blocking_recv() {
            group.push(job);
            while group.len() < GROUP
                && let Ok(job) = jobs.try_recv()
            {
                group.push(job);
            }
            let result = self.transact(&mut group);
            if let Err(error) = &result {
                tracing::error!(%error, jobs = group.len(), "a transaction failed");
            }
            if result.is_ok() && group.iter().any(|job| job.options().wakes) {
                self.wake.notify_one();
            }
            let failure = result.err().map(unavailable);
            for job in group.drain(..) {
                job.answer(failure.as_ref());
            }
        }
        if let Err(error) = self.finish() {
            tracing::warn!(%error, "cannot record the number of the last commit");
        }
    }

    /// Records the last commit of a store that does not wait for the disk, after it has reached the disk.
    fn finish(mut self) -> Result<(), Box<dyn Error>> {
        if self.durability == Durability::Relaxed {
            let checkpoint = "PRAGMA wal_checkpoint(PASSIVE)";
            self.connection.query_row(checkpoint, (), |_| Ok(()))?;
            let number = "SELECT commits FROM identity";
            let commits = self.connection.query_row(number, (), |row| row.get(0))?;
            self.marker.write(commits)?;
        }
        Ok(())
    }

    fn transact(&mut self, group: &mut [Box<dyn Job>]) -> rusqlite::Result<()> {
        self.rollback_open()?;
        let durable = group.iter().any(|job| job.options().durable);
        self.set_durability(durable)?;
        let result = self.commit(group, durable);
        self.rollback_open()?;
        if let Some(commits) = result?
            && let Err(error) = self.marker.write(commits)
        {
            // An old number is safe: it only hides a loss.
            tracing::warn!(%error, "cannot record the number of the last commit");
        }
        Ok(())
    }

    /// Rolls back a transaction that was not committed, if one is open.
    fn rollback_open(&self) -> rusqlite::Result<()> {
        if self.connection.is_autocommit() {
            Ok(())
        } else {
            self.connection.execute_batch("ROLLBACK")
        }
    }

    /// Runs a group of jobs in one transaction. Returns the number of the commit, if it waited for the disk.
    fn commit(&self, group: &mut [Box<dyn Job>], durable: bool) -> rusqlite::Result<Option<i64>> {
        let run = |sql| self.connection.prepare_cached(sql)?.execute(()).map(drop);
        run("BEGIN IMMEDIATE")?;
        let mut is_changed = false;
        for job in group {
            run("SAVEPOINT job")?;
            if job.run(&self.connection) {
                is_changed = true;
            } else {
                // After an error that ended the transaction, such as a full disk, this fails too. Then the
                // whole group fails.
                run("ROLLBACK TO job")?;
            }
            run("RELEASE job")?;
        }
        let number = "UPDATE identity SET commits = commits + 1 RETURNING commits";
        let commits = if durable && is_changed {
            let mut number = self.connection.prepare_cached(number)?;
            Some(number.query_row((), |row| row.get(0))?)
        } else {
            None
        };
        run("COMMIT")?;
        Ok(commits.filter(|_| self.durability == Durability::Full))
    }

    /// Sets whether the next COMMIT waits for the disk. Bookkeeping that may be lost does not.
    fn set_durability(&mut self, durable: bool) -> rusqlite::Result<()> {
        if self.durability == Durability::Full && self.relaxed == durable {
            let durability = if durable {
                Durability::Full
            } else {
                Durability::Relaxed
            };
            self.connection
                .pragma_update(None, "synchronous", durability.pragma())?;
            self.relaxed = !durable;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::folder::commit_marker;

    const DURABLE: JobOptions = JobOptions {
        durable: true,
        wakes: false,
    };

    fn start(folder: &Path) -> Writer {
        start_with(folder, Durability::Full, Arc::default())
    }

    fn start_with(folder: &Path, durability: Durability, wake: Arc<Notify>) -> Writer {
        let connection = Connection::open_in_memory().unwrap();
        let tables = "CREATE TABLE t (x INTEGER PRIMARY KEY); CREATE TABLE identity (commits INTEGER); \
                      INSERT INTO identity VALUES (0)";
        connection.execute_batch(tables).unwrap();
        let marker = CommitMarker::open(folder).unwrap();
        Writer::start(connection, marker, durability, wake)
    }

    fn insert(connection: &Connection, x: i64) -> Result<(), CommitFailure> {
        connection
            .execute("INSERT INTO t VALUES (?)", [x])
            .map(drop)
            .map_err(|error| CommitFailure::Failed(unavailable(error)))
    }

    /// Returns what `PRAGMA synchronous` is in the transaction of a job: 2 if its COMMIT waits for the disk.
    async fn synchronous(writer: &Writer, durable: bool) -> i64 {
        let options = JobOptions { durable, ..DURABLE };
        let read = |connection: &Connection| {
            Ok(connection
                .query_row("PRAGMA synchronous", (), |row| row.get(0))
                .unwrap())
        };
        writer.submit(options, read).await.unwrap()
    }

    /// Returns the number of durable commits.
    async fn commits(writer: &Writer) -> i64 {
        let relaxed = JobOptions {
            durable: false,
            ..DURABLE
        };
        let read = |connection: &Connection| {
            Ok(connection
                .query_row("SELECT commits FROM identity", (), |row| row.get(0))
                .unwrap())
        };
        writer.submit(relaxed, read).await.unwrap()
    }

    async fn count(writer: &Writer) -> i64 {
        writer
            .submit(DURABLE, |connection| {
                Ok(connection
                    .query_row("SELECT count(*) FROM t", (), |row| row.get(0))
                    .unwrap())
            })
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn a_durable_job_waits_for_the_disk_whatever_jobs_came_before() {
        let folder = tempfile::tempdir().unwrap();
        let writer = start(folder.path());
        for durable in [true, false, true, false, false, true, true, false, true] {
            let expected = if durable { 2 } else { 1 };
            assert_eq!(synchronous(&writer, durable).await, expected);
        }
    }

    #[tokio::test]
    async fn a_job_that_leaves_the_transaction_open_does_not_stop_the_next_one() {
        let folder = tempfile::tempdir().unwrap();
        let writer = start(folder.path());
        let broken = writer.submit(DURABLE, |connection| {
            insert(connection, 1)?;
            connection.execute_batch("RELEASE job").unwrap();
            Ok(())
        });
        assert!(matches!(broken.await, Err(CommitFailure::Failed(_))));
        let next = writer.submit(DURABLE, |connection| insert(connection, 2));
        assert_eq!(next.await, Ok(()));
        assert_eq!(count(&writer).await, 1);
    }

    #[tokio::test]
    async fn wakes_the_dispatcher_after_a_job_with_events_only() {
        let (folder, wake) = (tempfile::tempdir().unwrap(), Arc::new(Notify::new()));
        let writer = start_with(folder.path(), Durability::Full, wake.clone());
        for wakes in [false, true, false] {
            let options = JobOptions { wakes, ..DURABLE };
            writer.submit(options, |_| Ok(())).await.unwrap();
            let woken = timeout(Duration::ZERO, wake.notified()).await;
            assert_eq!(woken.is_ok(), wakes);
        }
    }

    #[tokio::test]
    async fn counts_durable_changes_only() {
        let folder = tempfile::tempdir().unwrap();
        let writer = start(folder.path());
        let relaxed = JobOptions {
            durable: false,
            ..DURABLE
        };
        let refused = |_: &Connection| Err::<(), _>(CommitFailure::Refused(Vec::new()));
        writer.submit(DURABLE, refused).await.unwrap_err();
        writer
            .submit(relaxed, |connection| insert(connection, 1))
            .await
            .unwrap();
        assert_eq!(commits(&writer).await, 0);
        writer
            .submit(DURABLE, |connection| insert(connection, 2))
            .await
            .unwrap();
        assert_eq!(commits(&writer).await, 1);
        assert_eq!(commit_marker::read(folder.path()), 1);
    }

    #[tokio::test]
    async fn a_store_that_does_not_wait_for_the_disk_records_its_last_commit_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        for (durability, changes) in [(Durability::Full, 0), (Durability::Relaxed, 3)] {
            let writer = start_with(folder.path(), durability, Arc::default());
            for x in 0..changes {
                writer
                    .submit(DURABLE, move |connection| insert(connection, x))
                    .await
                    .unwrap();
            }
            assert_eq!(commit_marker::read(folder.path()), 0);
            drop(writer);
            assert_eq!(commit_marker::read(folder.path()), changes);
        }
    }

    #[tokio::test]
    async fn a_group_with_a_durable_job_waits_for_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let writer = start(folder.path());
        let (begin, begun) = oneshot::channel();
        let (hold, held) = std::sync::mpsc::channel::<()>();
        let options = JobOptions {
            durable: false,
            ..DURABLE
        };
        // The first job blocks the thread until all other jobs are queued, so that they form one group.
        let first = writer.submit(options, move |_| {
            begin.send(()).unwrap();
            held.recv().unwrap();
            Ok(())
        });
        let group = async {
            begun.await.unwrap();
            tokio::join!(
                synchronous(&writer, false),
                synchronous(&writer, true),
                synchronous(&writer, false),
                async { hold.send(()).unwrap() }
            )
        };
        let (first, (one, two, three, ())) = tokio::join!(first, group);
        assert_eq!((first, one, two, three), (Ok(()), 2, 2, 2));
    }

    #[tokio::test]
    async fn a_refused_job_does_not_change_the_others_of_its_group() {
        let folder = tempfile::tempdir().unwrap();
        let writer = start(folder.path());
        let (hold, held) = std::sync::mpsc::channel::<()>();
        // The first job blocks the thread until all jobs are queued, so that they form one group.
        let first = writer.submit(DURABLE, move |_| {
            held.recv().unwrap();
            Ok(())
        });
        let refused = writer.submit(DURABLE, |connection| {
            insert(connection, 2)?;
            Err::<(), _>(CommitFailure::Refused(Vec::new()))
        });
        let release = async move {
            tokio::task::yield_now().await;
            hold.send(()).unwrap();
            Ok(())
        };
        let (first, one, two, three, release) = tokio::join!(
            first,
            writer.submit(DURABLE, |connection| insert(connection, 1)),
            refused,
            writer.submit(DURABLE, |connection| insert(connection, 3)),
            release
        );
        let _: Result<(), ()> = release;
        assert_eq!(
            (first, one, two, three),
            (Ok(()), Ok(()), Err(CommitFailure::Refused(Vec::new())), Ok(()))
        );
        assert_eq!(count(&writer).await, 2);
    }

    #[tokio::test]
    async fn a_job_that_ends_the_transaction_fails_its_group_only() {
        let folder = tempfile::tempdir().unwrap();
        let writer = start(folder.path());
        let broken = writer.submit(DURABLE, |connection| {
            insert(connection, 1)?;
            connection.execute_batch("ROLLBACK").unwrap();
            Err::<(), _>(CommitFailure::Refused(Vec::new()))
        });
        assert!(matches!(
            broken.await,
            Err(CommitFailure::Failed(Failure::Unavailable(_)))
        ));
        assert_eq!(
            writer.submit(DURABLE, |connection| insert(connection, 2)).await,
            Ok(())
        );
        assert_eq!(count(&writer).await, 1);
    }
}
