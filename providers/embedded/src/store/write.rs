//! The one thread that writes. It takes all work that waits, does each piece in a savepoint of its own within one
//! transaction, and answers everyone after one COMMIT: many commits share the wait for the disk, and one that is
//! refused leaves no trace in the others.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use mercato_ports::documents::{CommitFailure, Failure};
use rusqlite::Connection;
use tokio::sync::{Notify, mpsc, oneshot};

use super::{Durability, unavailable};

/// How much work may wait for the thread before callers wait for a place.
const QUEUE: usize = 1_024;

/// The most pieces of work in one transaction, which bounds how long the first waits for the last.
const GROUP: usize = 256;

/// What a piece of work needs besides being done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demand {
    /// It must be on disk before it is answered.
    pub durable: bool,
    /// It may have made something ready for delivery.
    pub wakes: bool,
}

/// The writing thread, seen from those that have work for it. Dropping it waits for the work that is queued.
pub(crate) struct Writer {
    queue: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread; `wake` is notified of what is ready for delivery.
    pub fn start(connection: Connection, durability: Durability, wake: Arc<Notify>) -> Self {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let thread = thread::spawn(move || {
            Group {
                connection,
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

    /// Does a piece of work on the writing thread, inside a transaction. What it returns as an error is undone.
    pub async fn submit<T: Send + 'static>(
        &self,
        demand: Demand,
        work: impl FnOnce(&Connection) -> Result<T, CommitFailure> + Send + 'static,
    ) -> Result<T, CommitFailure> {
        let stopped = || CommitFailure::Failed(Failure::Unavailable("the store has stopped".into()));
        let (sender, answer) = oneshot::channel();
        let call = Call {
            demand,
            work: Some(work),
            result: Err(stopped()),
            answer: sender,
        };
        let queue = self.queue.as_ref().ok_or_else(stopped)?;
        queue.send(Box::new(call)).await.map_err(|_| stopped())?;
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

/// A piece of work in the queue.
trait Job: Send {
    fn demand(&self) -> Demand;
    /// Does the work and keeps its result; whether its changes are to be kept.
    fn work(&mut self, connection: &Connection) -> bool;
    /// Answers with the result of the work, or with the failure of the transaction that held it.
    fn answer(self: Box<Self>, failure: Option<&Failure>);
}

struct Call<T, F> {
    demand: Demand,
    work: Option<F>,
    result: Result<T, CommitFailure>,
    answer: oneshot::Sender<Result<T, CommitFailure>>,
}

impl<T: Send, F: FnOnce(&Connection) -> Result<T, CommitFailure> + Send> Job for Call<T, F> {
    fn demand(&self) -> Demand {
        self.demand
    }

    fn work(&mut self, connection: &Connection) -> bool {
        if let Some(work) = self.work.take() {
            self.result = work(connection);
        }
        self.result.is_ok()
    }

    fn answer(self: Box<Self>, failure: Option<&Failure>) {
        let result = failure.map_or(self.result, |failure| Err(CommitFailure::Failed(failure.clone())));
        // A caller that went away does not want to know.
        let _ = self.answer.send(result);
    }
}

/// The state of the writing thread.
struct Group {
    connection: Connection,
    durability: Durability,
    /// Whether the connection is set not to wait for the disk now.
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
                tracing::error!(%error, commits = group.len(), "a transaction failed");
            }
            if result.is_ok() && group.iter().any(|job| job.demand().wakes) {
                self.wake.notify_one();
            }
            let failure = result.err().map(unavailable);
            for job in group.drain(..) {
                job.answer(failure.as_ref());
            }
        }
    }

    fn transact(&mut self, group: &mut [Box<dyn Job>]) -> rusqlite::Result<()> {
        self.abandon()?;
        self.demand_sync(group.iter().any(|job| job.demand().durable))?;
        let result = self.work(group);
        self.abandon().and(result)
    }

    /// Ends a transaction that could not be committed.
    fn abandon(&self) -> rusqlite::Result<()> {
        if self.connection.is_autocommit() {
            Ok(())
        } else {
            self.connection.execute_batch("ROLLBACK")
        }
    }

    fn work(&self, group: &mut [Box<dyn Job>]) -> rusqlite::Result<()> {
        let run = |sql| self.connection.prepare_cached(sql)?.execute(()).map(drop);
        run("BEGIN IMMEDIATE")?;
        for job in group {
            run("SAVEPOINT job")?;
            if !job.work(&self.connection) {
                // Where a failure has ended the whole transaction (a full disk), this fails too, and so does the group.
                run("ROLLBACK TO job")?;
            }
            run("RELEASE job")?;
        }
        run("COMMIT")
    }

    /// Waits for the disk at the next COMMIT, or not: bookkeeping that may be lost need not.
    fn demand_sync(&mut self, durable: bool) -> rusqlite::Result<()> {
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
    use super::*;

    const PLAIN: Demand = Demand {
        durable: true,
        wakes: false,
    };

    fn start() -> Writer {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE t (x INTEGER PRIMARY KEY)")
            .unwrap();
        Writer::start(connection, Durability::Full, Arc::new(Notify::new()))
    }

    fn insert(connection: &Connection, x: i64) -> Result<(), CommitFailure> {
        connection
            .execute("INSERT INTO t VALUES (?)", [x])
            .map(drop)
            .map_err(|error| CommitFailure::Failed(unavailable(error)))
    }

    async fn count(writer: &Writer) -> i64 {
        writer
            .submit(PLAIN, |connection| {
                Ok(connection
                    .query_row("SELECT count(*) FROM t", (), |row| row.get(0))
                    .unwrap())
            })
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn refused_work_leaves_no_trace_in_the_others_of_its_group() {
        let writer = start();
        let (hold, held) = std::sync::mpsc::channel::<()>();
        // The first holds the thread until all are queued, so that they form one group.
        let first = writer.submit(PLAIN, move |_| {
            held.recv().unwrap();
            Ok(())
        });
        let refused = writer.submit(PLAIN, |connection| {
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
            writer.submit(PLAIN, |connection| insert(connection, 1)),
            refused,
            writer.submit(PLAIN, |connection| insert(connection, 3)),
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
    async fn work_that_ends_the_transaction_fails_its_group_and_no_later_one() {
        let writer = start();
        let broken = writer.submit(PLAIN, |connection| {
            insert(connection, 1)?;
            connection.execute_batch("ROLLBACK").unwrap();
            Err::<(), _>(CommitFailure::Refused(Vec::new()))
        });
        assert!(matches!(
            broken.await,
            Err(CommitFailure::Failed(Failure::Unavailable(_)))
        ));
        assert_eq!(
            writer.submit(PLAIN, |connection| insert(connection, 2)).await,
            Ok(())
        );
        assert_eq!(count(&writer).await, 1);
    }
}
