//! The store: documents and the outbox in one SQLite file.

mod connection;
mod durability;
mod failure;
mod open;
mod read;
mod write;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use mercato_ports::clock::Clock;
use mercato_ports::documents::{CommitFailure, Document, Documents, Failure, Query, Write};
use mercato_ports::events::{DeadLetter, DeadLetters, Event};
use mercato_ports::manifest::ShopManifest;
use mercato_sql::change::{self, ApplyError};
use mercato_sql::outbox::{self, RetryPolicy, Subscriptions};
use mercato_sql::{Collection, Plan};
use tokio::sync::{Notify, Semaphore};
use tokio::task::coop::consume_budget;

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

    /// Runs a query that may read many more documents than it returns, on a thread for blocking work.
    async fn read_slowly<T: Send + 'static>(
        &self,
        collection: Arc<Collection>,
        query: Query,
        read: fn(&Sqlite<'_>, &Plan<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, Failure> {
        let readers = Arc::clone(&self.readers);
        let stopping = || Failure::Unavailable("the store is stopping".into());
        let _permit = self.slow_reads.acquire().await.map_err(|_| stopping())?;
        let work = move || {
            let plan = Plan::new(&collection, &query)?;
            readers.read(|connection| read(&Sqlite(connection), &plan))
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| stopping())?
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

/// Returns the current time, in milliseconds since the Unix epoch.
pub(crate) fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}
