//! The store: documents and outboxes in the databases of one replica set.

mod adjust;
mod backoff;
mod batch;
mod bounds;
mod committer;
mod connect;
mod document;
mod index;
mod merged;
pub(crate) mod outbox;
mod query;
mod reads;
mod search;
pub(crate) mod service;
mod single;
mod transaction;
mod validation;
mod write;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mercato_ports::documents::{CommitFailure, Document, Documents, Failure, Query, Write};
use mercato_ports::events::Event;
use mercato_ports::manifest::{ServiceManifest, ShopManifest};
use mongodb::Client;
use mongodb::bson::doc;
use tokio::sync::watch;
use uuid::Uuid;

use crate::error::{OpenError, failure};
use bounds::{READ_TIMEOUT, bounded};
use committer::Committer;
use reads::Reads;
use service::{Collection, Service, Services};
use write::PendingWrite;

/// How long a commit may take. It must be less than the ten seconds after which callers on a lattice give up.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(7);

/// The options of a [`Store`].
#[derive(Clone, Debug)]
pub struct Options {
    /// The prefix of the name of each service's database: `<prefix><service>`.
    pub prefix: String,
}

impl Default for Options {
    /// Returns options with the prefix `mercato_`.
    fn default() -> Self {
        Self {
            prefix: "mercato_".into(),
        }
    }
}

/// The port `documents` on MongoDB, with the outboxes for a [`Relay`](crate::Relay).
pub struct Store {
    /// Unique for each store of each process.
    id: String,
    client: Client,
    prefix: String,
    services: watch::Sender<Services>,
    committer: Committer,
    reads: Reads,
}

impl Store {
    /// Connects to a replica set. The address may contain a password, which no error and no log line shows.
    ///
    /// # Errors
    /// If the address or the options are invalid, or if the server cannot be used.
    pub async fn connect(url: &str, options: Options) -> Result<Self, OpenError> {
        connect::check_prefix(&options.prefix)?;
        let client = connect::client(url).await?;
        Ok(Self {
            id: Uuid::now_v7().to_string(),
            committer: Committer::start(client.clone()),
            client,
            prefix: options.prefix,
            services: watch::Sender::default(),
            reads: Reads::default(),
        })
    }

    /// Adds a service, or replaces its manifest. Creates the missing collections and indexes. Never deletes
    /// documents, not even those of collections that are no longer declared.
    ///
    /// The call takes as long as MongoDB needs for new indexes. It may be repeated, and several processes may
    /// call it at the same time.
    ///
    /// # Errors
    /// If the manifest is invalid, or if MongoDB fails.
    pub async fn add(&self, service: &str, manifest: &ServiceManifest) -> Result<(), OpenError> {
        let shop = ShopManifest {
            services: [(service.to_owned(), manifest.clone())].into(),
        };
        let unusable = |reason| OpenError::Manifest {
            service: service.to_owned(),
            reason,
        };
        shop.check().map_err(unusable)?;
        connect::check_service(service).map_err(unusable)?;
        let database = self.client.database(&format!("{}{service}", self.prefix));
        let added = Service::new(service, manifest, database, &self.id);
        added.prepare().await.map_err(|error| OpenError::Prepare {
            service: service.to_owned(),
            reason: error.to_string(),
        })?;
        self.services.send_modify(|services| {
            services.insert(service.to_owned(), Arc::new(added));
        });
        Ok(())
    }

    /// Removes a service, and keeps its database. Returns false if the service was not added.
    pub fn remove(&self, service: &str) -> bool {
        self.services
            .send_if_modified(|services| services.remove(service).is_some())
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Returns a receiver of the services and their changes.
    pub(crate) fn services(&self) -> watch::Receiver<Services> {
        self.services.subscribe()
    }

    /// Returns the service of a name such as `service.things`.
    fn service(&self, name: &str) -> Option<Arc<Service>> {
        let (service, _) = name.split_once('.')?;
        self.services.borrow().get(service).cloned()
    }

    fn collection(&self, name: &str) -> Result<(Arc<Service>, Arc<Collection>), Failure> {
        let service = self
            .service(name)
            .ok_or_else(|| Failure::Invalid(format!("no service declares the collection `{name}`")))?;
        let collection = Arc::clone(service.collection(name)?);
        Ok((service, collection))
    }

    /// Returns the service whose outbox stores an event. It is the service in the event's kind,
    /// `mercato.<service>.<what>`, if that service was added here: so all events of a service keep their
    /// order. Otherwise it is the service of the commit's first write.
    fn origin(&self, event: &Event, writer: Option<&Arc<Service>>) -> Result<Arc<Service>, Failure> {
        let named = event
            .kind
            .strip_prefix("mercato.")
            .and_then(|kind| self.service(kind));
        let first = || self.services.borrow().values().next().cloned();
        named.or_else(|| writer.cloned()).or_else(first).ok_or_else(|| {
            Failure::Invalid(format!(
                "an event of kind `{}` has no outbox, because no service was added",
                event.kind
            ))
        })
    }

    async fn commit_all(&self, writes: Vec<Write>, events: Vec<Event>) -> Result<(), CommitFailure> {
        let mut writer = None;
        let mut pending = Vec::with_capacity(writes.len());
        for write in writes {
            let (service, collection) = self
                .collection(write.collection())
                .map_err(CommitFailure::Failed)?;
            writer.get_or_insert(service);
            pending.push(PendingWrite::new(collection, write).map_err(CommitFailure::Failed)?);
        }
        let origin = |event: Event| Ok((self.origin(&event, writer.as_ref())?, event));
        let events = events
            .into_iter()
            .map(origin)
            .collect::<Result<Vec<_>, _>>()
            .map_err(CommitFailure::Failed)?;
        let wakes = events
            .iter()
            .filter(|(_, event)| outbox::is_soon(event))
            .map(|(service, _)| Arc::clone(&service.wake))
            .collect::<Vec<_>>();
        if pending.is_empty() && events.is_empty() {
            return Ok(());
        }
        self.committer.commit(pending, events).await?;
        for wake in wakes {
            wake.notify_one();
        }
        Ok(())
    }
}

#[async_trait]
impl Documents for Store {
    async fn get_many(&self, collection: String, ids: Vec<String>) -> Result<Vec<Option<Document>>, Failure> {
        let (_, collection) = self.collection(&collection)?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.reads.documents(collection, ids).await
    }

    async fn find(&self, query: Query) -> Result<Vec<Document>, Failure> {
        let (_, collection) = self.collection(&query.collection)?;
        query::check(&query, &collection.fields)?;
        if query.limit == 0 {
            return Ok(Vec::new());
        }
        self.reads.query(collection, query).await
    }

    async fn count(&self, query: Query) -> Result<u64, Failure> {
        let (_, collection) = self.collection(&query.collection)?;
        query::check(&query, &collection.fields)?;
        let all_pages = Query { after: None, ..query };
        let select = query::select(&all_pages, &collection.fields)?;
        let count = async { collection.documents.count_documents(select.filter).await };
        bounded(READ_TIMEOUT, count)
            .await?
            .map_err(|error| failure(&error))
    }

    async fn commit(&self, writes: Vec<Write>, events: Vec<Event>) -> Result<(), CommitFailure> {
        validation::check(&writes, &events).map_err(CommitFailure::Failed)?;
        bounded(COMMIT_TIMEOUT, self.commit_all(writes, events))
            .await
            .map_err(CommitFailure::Failed)?
    }

    async fn ready(&self) -> Result<(), String> {
        let admin = self.client.database("admin");
        match bounded(READ_TIMEOUT, async {
            admin.run_command(doc! { "ping": 1 }).await
        })
        .await
        {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(format!("MongoDB failed: {error}")),
            Err(Failure::Invalid(reason) | Failure::Unavailable(reason)) => Err(reason),
        }
    }
}
