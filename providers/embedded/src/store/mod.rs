//! The store: documents and the outbox in one SQLite file.

mod connection;
mod open;
mod read;
mod write;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use mercato_ports::documents::{CommitFailure, Document, Documents, Failure, Query, Write};
use mercato_ports::events::{DeadLetter, DeadLetters, Event};
use mercato_ports::manifest::ShopManifest;
use mercato_sql::change::{self, Stopped};
use mercato_sql::outbox::{self, Subscriptions};
use mercato_sql::{Collection, Plan};
use tokio::sync::{Notify, Semaphore};
use tokio::task::coop::consume_budget;

pub(crate) use connection::Sqlite;
use read::Readers;
use write::{Demand, Writer};

use crate::error::OpenError;

/// What a commit waits for before it answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The change is on the disk: it survives the loss of power.
    #[default]
    Full,
    /// The change is with the operating system: it survives the end of the process, and the last moments before a loss of power
    /// may be lost, though never in part.
    Relaxed,
}

impl Durability {
    /// The value of `PRAGMA synchronous`, in WAL mode.
    fn pragma(self) -> &'static str {
        match self {
            Self::Full => "FULL",
            Self::Relaxed => "NORMAL",
        }
    }
}

/// How a store behaves.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// What a commit waits for.
    pub durability: Durability,
}

/// The port `documents` on a SQLite file, with the outbox that a [`Dispatcher`](crate::Dispatcher) delivers from.
///
/// Dropping it finishes the commits that are queued, closes the file and gives the folder free.
pub struct Store {
    collections: HashMap<String, Arc<Collection>>,
    subscriptions: Arc<Subscriptions>,
    readers: Arc<Readers>,
    /// Places for reads that may take long.
    slow: Semaphore,
    wake: Arc<Notify>,
    writer: Writer,
    _folder: open::Folder,
}

impl Store {
    /// Opens the store in a data folder, which is made where there is none: creates what the manifest newly declares,
    /// drops indexes that it no longer declares, and keeps all documents, also those of collections that nobody declares now.
    ///
    /// It blocks while indexes are built.
    ///
    /// # Errors
    /// What is wrong with the folder, the file or the manifest; a file that can't be used is left as it is.
    pub fn open(folder: &Path, shop: &ShopManifest, options: Options) -> Result<Self, OpenError> {
        shop.check().map_err(OpenError::Manifest)?;
        let collections = shop
            .collections()
            .iter()
            .map(|(name, declared)| (name.clone(), Arc::new(Collection::new(name, declared))))
            .collect::<HashMap<_, _>>();
        let folder = open::Folder::lock(folder)?;
        let connection = open::writer(&folder.file, options.durability)?;
        open::prepare(&connection, &folder.file, collections.values().map(Arc::as_ref))?;
        let wake = Arc::new(Notify::new());
        Ok(Self {
            collections,
            subscriptions: Arc::new(shop.subscriptions()),
            readers: Arc::new(Readers::new(folder.file.clone())),
            slow: Semaphore::new(std::thread::available_parallelism().map_or(4, |cores| cores.get().max(4))),
            writer: Writer::start(connection, options.durability, Arc::clone(&wake)),
            wake,
            _folder: folder,
        })
    }

    fn collection(&self, name: &str) -> Result<&Arc<Collection>, Failure> {
        self.collections
            .get(name)
            .ok_or_else(|| Failure::Invalid(format!("no service declares the collection `{name}`")))
    }

    /// Is notified whenever something may have become ready for delivery.
    pub(crate) fn wake(&self) -> &Notify {
        &self.wake
    }

    /// Reads from the outbox.
    pub(crate) fn outbox<T>(&self, read: impl FnOnce(&Sqlite) -> rusqlite::Result<T>) -> Result<T, Failure> {
        self.readers.read(|connection| read(&Sqlite(connection)))
    }

    /// Keeps what became of a delivery. It does not wait for the disk: a loss of power delivers again, as it may.
    pub(crate) async fn settle(
        &self,
        delivery: outbox::Delivery,
        outcome: outbox::Outcome,
    ) -> Result<(), Failure> {
        let work = move |connection: &rusqlite::Connection| {
            outbox::settle(&Sqlite(connection), &delivery, &outcome).map_err(failed)
        };
        self.writer
            .submit(
                Demand {
                    durable: false,
                    wakes: true,
                },
                work,
            )
            .await
            .map_err(failure)
    }

    /// Reads the documents of a plan that may have to look at many more than it returns: on a thread for blocking work.
    async fn find_slowly(&self, collection: Arc<Collection>, query: Query) -> Result<Vec<Document>, Failure> {
        let readers = Arc::clone(&self.readers);
        let stopped = |_| Failure::Unavailable("the store is stopping".into());
        let _place = self
            .slow
            .acquire()
            .await
            .map_err(|_| Failure::Unavailable("the store is stopping".into()))?;
        let read = move || {
            let plan = Plan::new(&collection, &query)?;
            readers.read(|connection| mercato_sql::read::find(&Sqlite(connection), &plan))
        };
        tokio::task::spawn_blocking(read).await.map_err(stopped)?
    }
}

#[async_trait]
impl Documents for Store {
    // Reads that the indexes serve run where they are called: they take microseconds, fewer than handing them
    // to another thread would. As nothing in them waits, they yield by the runtime's budget, so that a task that only reads
    // does not keep its thread from the others.
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
        self.find_slowly(Arc::clone(collection), query).await
    }

    async fn commit(&self, writes: Vec<Write>, events: Vec<Event>) -> Result<(), CommitFailure> {
        change::check(&writes, &events).map_err(CommitFailure::Failed)?;
        let writes = writes
            .into_iter()
            .map(|write| Ok((Arc::clone(self.collection(write.collection())?), write)))
            .collect::<Result<Vec<_>, Failure>>()
            .map_err(CommitFailure::Failed)?;
        let subscriptions = Arc::clone(&self.subscriptions);
        let demand = Demand {
            durable: true,
            wakes: !events.is_empty(),
        };
        let work = move |connection: &rusqlite::Connection| {
            let connection = Sqlite(connection);
            let writes = writes.iter().map(|(collection, write)| (&**collection, write));
            change::apply(&connection, writes).map_err(|stopped| match stopped {
                Stopped::Commit(failure) => failure,
                Stopped::Store(error) => failed(error),
            })?;
            events
                .iter()
                .try_for_each(|event| outbox::enqueue(&connection, &subscriptions, event, now()))
                .map_err(failed)
        };
        self.writer.submit(demand, work).await
    }

    async fn ready(&self) -> Result<(), String> {
        self.readers
            .read(|connection| connection.query_row("SELECT 1", (), |_| Ok(())))
            .map_err(sentence)?;
        let written = self
            .writer
            .submit(
                Demand {
                    durable: false,
                    wakes: false,
                },
                |_| Ok(()),
            )
            .await;
        written.map_err(failure).map_err(sentence)
    }
}

#[async_trait]
impl DeadLetters for Store {
    async fn list(&self, limit: u32) -> Result<Vec<DeadLetter>, String> {
        self.outbox(|connection| outbox::dead(connection, limit))
            .map_err(sentence)
    }

    async fn replay(&self, id: u64) -> Result<bool, String> {
        let work = move |connection: &rusqlite::Connection| {
            outbox::replay(&Sqlite(connection), id.cast_signed(), now()).map_err(failed)
        };
        let replayed = self
            .writer
            .submit(
                Demand {
                    durable: true,
                    wakes: true,
                },
                work,
            )
            .await;
        replayed.map_err(failure).map_err(sentence)
    }
}

/// Now, in milliseconds since the Unix epoch.
pub(crate) fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}

/// What callers are told of an error of SQLite; the operator finds the same in the log.
fn unavailable(error: rusqlite::Error) -> Failure {
    tracing::error!(%error, "the store failed");
    Failure::Unavailable(format!("the store failed: {error}"))
}

fn failed(error: rusqlite::Error) -> CommitFailure {
    CommitFailure::Failed(unavailable(error))
}

/// The failure of work that refuses nothing.
fn failure(failure: CommitFailure) -> Failure {
    match failure {
        CommitFailure::Failed(failure) => failure,
        CommitFailure::Refused(_) => Failure::Unavailable("the store refused its own work".into()),
    }
}

fn sentence(failure: Failure) -> String {
    match failure {
        Failure::Invalid(reason) | Failure::Unavailable(reason) => reason,
    }
}
