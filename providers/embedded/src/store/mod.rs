//! The store: documents and the outbox in one SQLite file.

mod connection;
mod durability;
mod failure;
mod open;
mod read;
mod write;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use mercato_ports::clock::Clock;
use mercato_ports::documents::{CommitFailure, Document, Documents, Failure, Query, Write};
use mercato_ports::events::{DeadLetter, DeadLetters, Event};
use mercato_ports::manifest::ShopManifest;
use mercato_ports::store_work;
use mercato_sql::change::{self, ApplyError};
use mercato_sql::outbox::{self, RetryPolicy, Subscriptions};
use mercato_sql::{Collection, Plan};
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::task::coop::consume_budget;
use tokio::time::timeout;

pub(crate) use connection::Sqlite;
pub use durability::Durability;
use failure::{failed, into_failure, message};
use read::Readers;
use write::{JobOptions, Writer};

use crate::error::OpenError;
use crate::folder::Folder;

/// The options of a [`Store`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// What a commit waits for.
    pub durability: Durability,
    /// Whether to open a database that lacks confirmed changes.
    pub accept_loss: bool,
}

/// The port `documents` on a SQLite file, with the outbox for a [`Dispatcher`](crate::Dispatcher).
///
/// Dropping it finishes the queued commits, closes the file and unlocks the folder.
pub struct Store {
    collections: HashMap<String, Arc<Collection>>,
    subscriptions: Arc<Subscriptions>,
    batches: BTreeMap<String, BTreeSet<String>>,
    readers: Arc<Readers>,
    /// Permits for slow reads.
    slow_reads: Semaphore,
    wake: Arc<Notify>,
    writer: Writer,
    clock: Arc<Clock>,
    _folder: Folder,
}

impl Store {
    /// Opens the store in a data folder, and creates the folder if it does not exist.
    ///
    /// Opening creates the tables and indexes that the manifest newly declares, and drops the indexes that it
    /// no longer declares. It never deletes documents, not even those of collections that no service declares
    /// any more. It blocks while indexes are built.
    ///
    /// # Errors
    /// If the folder, the file or the manifest cannot be used. A file that cannot be used is not changed.
    pub fn open(folder: &Path, shop: &ShopManifest, options: Options) -> Result<Self, OpenError> {
        shop.check().map_err(OpenError::Manifest)?;
        let collections = shop
            .collections()
            .iter()
            .map(|(name, declared)| (name.clone(), Arc::new(Collection::new(name, declared))))
            .collect::<HashMap<_, _>>();
        let folder = Folder::lock(folder)?;
        let (connection, marker) = open::open(
            &folder,
            options.durability,
            options.accept_loss,
            collections.values().map(Arc::as_ref),
        )?;
        let wake = Arc::new(Notify::new());
        Ok(Self {
            collections,
            subscriptions: Arc::new(shop.subscriptions()),
            batches: shop.batches(),
            readers: Arc::new(Readers::new(folder.database())),
            // One processor stays free for other work.
            slow_reads: Semaphore::new(
                std::thread::available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1).max(1)),
            ),
            writer: Writer::start(connection, marker, options.durability, Arc::clone(&wake)),
            wake,
            clock: Arc::default(),
            _folder: folder,
        })
    }

    /// Sets the clock that decides which events are due. By default it is the system's.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self {
            clock: Arc::new(clock),
            ..self
        }
    }

    /// Returns the clock that decides which events are due.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    fn collection(&self, name: &str) -> Result<&Arc<Collection>, Failure> {
        self.collections
            .get(name)
            .ok_or_else(|| Failure::Invalid(format!("no service declares the collection `{name}`")))
    }

    /// Returns whether a subscriber handles several events of this kind in one call.
    pub(crate) fn takes_batches(&self, subscriber: &str, kind: &str) -> bool {
        self.batches
            .get(subscriber)
            .is_some_and(|kinds| kinds.contains(kind))
    }

    /// Returns the notification for deliveries that may have become ready.
    pub(crate) fn wake(&self) -> &Notify {
        &self.wake
    }

    /// Reads from the outbox.
    pub(crate) fn outbox<T>(&self, read: impl FnOnce(&Sqlite) -> rusqlite::Result<T>) -> Result<T, Failure> {
        self.readers.read(|connection| read(&Sqlite(connection)))
    }

    /// Records the outcome of a delivery. It does not wait for the disk: after a loss of power the event is
    /// delivered again, which is allowed.
    pub(crate) async fn settle(
        &self,
        delivery: outbox::Delivery,
        outcome: outbox::Outcome,
    ) -> Result<(), Failure> {
        let work = move |connection: &rusqlite::Connection| {
            outbox::settle(&Sqlite(connection), &delivery, &outcome).map_err(failed)
        };
        self.change_outbox(work).await
    }

    /// Makes deliveries due that wait for a time that only a wrong clock can have set.
    pub(crate) async fn shorten_waits(&self, policy: RetryPolicy) -> Result<(), Failure> {
        let now = self.clock.now();
        let work = move |connection: &rusqlite::Connection| {
            outbox::shorten_waits(&Sqlite(connection), &policy, now).map_err(failed)
        };
        self.change_outbox(work).await
    }

    async fn change_outbox(
        &self,
        work: impl FnOnce(&rusqlite::Connection) -> Result<(), CommitFailure> + Send + 'static,
    ) -> Result<(), Failure> {
        let options = JobOptions {
            durable: false,
            wakes: true,
        };
        self.writer.submit(options, work).await.map_err(into_failure)
    }

    /// Waits for the permit of a slow read, for as long as the call may wait.
    async fn slow_read(&self) -> Result<SemaphorePermit<'_>, Failure> {
        let begun = Instant::now();
        let acquire = self.slow_reads.acquire();
        let permit = match store_work::max_wait() {
            None => Some(acquire.await),
            Some(limit) => timeout(limit, acquire).await.ok(),
        };
        store_work::waited(begun.elapsed());
        let busy = || Failure::Unavailable("too many slow reads are waiting".into());
        permit.and_then(Result::ok).ok_or_else(busy)
    }

    /// Runs a query that may read many more documents than it returns, on a thread for blocking work.
    async fn read_slowly<T: Send + 'static>(
        &self,
        collection: Arc<Collection>,
        query: Query,
        read: fn(&Sqlite<'_>, &Plan<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, Failure> {
        let readers = Arc::clone(&self.readers);
        let stopping = || Failure::Unavailable("the store is stopping".into());
        let _permit = self.slow_read().await?;
        let work = move || {
            let plan = Plan::new(&collection, &query)?;
            let begun = thread_cpu_time();
            let result = readers.read(|connection| read(&Sqlite(connection), &plan))?;
            Ok((result, thread_cpu_time().saturating_sub(begun)))
        };
        let (result, computed) = tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| stopping())??;
        store_work::computed(computed);
        Ok(result)
    }
}

#[async_trait]
impl Documents for Store {
    // Reads that an index serves run on the calling thread. They take microseconds, less than a switch to
    // another thread. They never wait, so they yield by the budget of the runtime: otherwise a task that only
    // reads would occupy its thread.
    async fn get_many(&self, collection: String, ids: Vec<String>) -> Result<Vec<Option<Document>>, Failure> {
        let collection = self.collection(&collection)?;
        self.readers
            .read(|connection| mercato_sql::read::get_many(&Sqlite(connection), collection, &ids))
    }

    async fn find(&self, query: Query) -> Result<Vec<Document>, Failure> {
        let collection = self.collection(&query.collection)?;
        let plan = Plan::new(collection, &query)?;
        if plan.drivers().is_empty() {
            consume_budget().await;
            return self
                .readers
                .read(|connection| mercato_sql::read::find(&Sqlite(connection), &plan));
        }
        let collection = Arc::clone(collection);
        self.read_slowly(collection, query, |connection, plan| {
            mercato_sql::read::find(connection, plan)
        })
        .await
    }

    async fn count(&self, query: Query) -> Result<u64, Failure> {
        let collection = Arc::clone(self.collection(&query.collection)?);
        self.read_slowly(collection, query, |connection, plan| {
            mercato_sql::read::count(connection, plan)
        })
        .await
    }

    async fn commit(&self, writes: Vec<Write>, events: Vec<Event>) -> Result<(), CommitFailure> {
        change::check(&writes, &events).map_err(CommitFailure::Failed)?;
        let writes = writes
            .into_iter()
            .map(|write| Ok((Arc::clone(self.collection(write.collection())?), write)))
            .collect::<Result<Vec<_>, Failure>>()
            .map_err(CommitFailure::Failed)?;
        let (subscriptions, clock) = (Arc::clone(&self.subscriptions), Arc::clone(&self.clock));
        let options = JobOptions {
            durable: true,
            wakes: !events.is_empty(),
        };
        let work = move |connection: &rusqlite::Connection| {
            let connection = Sqlite(connection);
            let writes = writes.iter().map(|(collection, write)| (&**collection, write));
            change::apply(&connection, writes).map_err(|error| match error {
                ApplyError::Commit(failure) => failure,
                ApplyError::Store(error) => failed(error),
            })?;
            events
                .iter()
                .try_for_each(|event| {
                    let due = event.due.map(|due| clock.at(due.cast_signed()));
                    let not_before = due.unwrap_or_else(|| clock.now());
                    outbox::enqueue(&connection, &subscriptions, event, not_before)
                })
                .map_err(failed)
        };
        self.writer.submit(options, work).await
    }

    async fn ready(&self) -> Result<(), String> {
        self.readers
            .read(|connection| connection.query_row("SELECT 1", (), |_| Ok(())))
            .map_err(message)?;
        let written = self
            .writer
            .submit(
                JobOptions {
                    durable: false,
                    wakes: false,
                },
                |_| Ok(()),
            )
            .await;
        written.map_err(into_failure).map_err(message)
    }
}

#[async_trait]
impl DeadLetters for Store {
    async fn list(&self, limit: u32) -> Result<Vec<DeadLetter>, String> {
        self.outbox(|connection| outbox::dead_letters(connection, limit))
            .map_err(message)
    }

    async fn replay(&self, id: u64) -> Result<bool, String> {
        let now = self.clock.now();
        let work = move |connection: &rusqlite::Connection| {
            outbox::replay(&Sqlite(connection), id.cast_signed(), now).map_err(failed)
        };
        let replayed = self
            .writer
            .submit(
                JobOptions {
                    durable: true,
                    wakes: true,
                },
                work,
            )
            .await;
        replayed.map_err(into_failure).map_err(message)
    }
}

/// Returns the CPU time of this thread.
fn thread_cpu_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime)
        .try_into()
        .unwrap_or_default()
}

/// Returns the current time, in milliseconds since the Unix epoch.
pub(crate) fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use mercato_ports::store_work::StoreWork;

    use super::*;

    #[tokio::test]
    async fn a_call_waits_for_slow_reads_up_to_its_limit_in_total() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), &ShopManifest::default(), Options::default()).unwrap();
        let permits = u32::try_from(store.slow_reads.available_permits()).unwrap();
        let others = store.slow_reads.acquire_many(permits).await.unwrap();
        let work = StoreWork::new(Some(Duration::from_millis(20)));
        for _ in 0..2 {
            let refused = work.clone().of(store.slow_read()).await;
            assert!(matches!(refused, Err(Failure::Unavailable(_))));
            assert_eq!(
                work.clone().of(async { store_work::max_wait() }).await,
                Some(Duration::ZERO)
            );
        }
        let mut unlimited = Box::pin(store.slow_read());
        assert!(timeout(Duration::from_millis(40), &mut unlimited).await.is_err());
        drop(others);
        assert!(unlimited.await.is_ok());
        assert!(work.of(store.slow_read()).await.is_ok());
    }
}
