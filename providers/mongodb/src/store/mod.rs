//! The store: documents and outboxes in the databases of one replica set.

mod check;
mod connect;
mod document;
mod locks;
pub(crate) mod outbox;
mod patience;
mod query;
pub(crate) mod service;
mod single;
mod transaction;
mod words;
mod write;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::TryStreamExt;
use mercato_ports::documents::{CommitFailure, Document, Documents, Failure, Query, Write};
use mercato_ports::events::Event;
use mercato_ports::manifest::{ServiceManifest, ShopManifest};
use mongodb::Client;
use mongodb::bson::doc;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::error::{OpenError, failure};
use service::{Collection, Service, Services};
use write::{Guard, Target};

/// How long a read may take.
const READ: Duration = Duration::from_secs(5);

/// How long a commit may take. Callers on a lattice give up after ten seconds.
const COMMIT: Duration = Duration::from_secs(7);

/// How a store behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// Begins the name of each service's database: `<prefix><service>`.
    pub prefix: String,
}

impl Default for Options {
    /// The prefix `mercato_`.
    fn default() -> Self {
        Self {
            prefix: "mercato_".into(),
        }
    }
}

/// The port `documents` on MongoDB, with the outboxes that a [`Relay`](crate::Relay) publishes from.
pub struct Store {
    client: Client,
    prefix: String,
    services: watch::Sender<Services>,
    locks: locks::Locks,
}

impl Store {
    /// Connects to a replica set. The address may hold a password; no error and no log shows it.
    ///
    /// # Errors
    /// What is wrong with the address, the server or the options.
    pub async fn connect(url: &str, options: Options) -> Result<Self, OpenError> {
        connect::check_prefix(&options.prefix)?;
        Ok(Self {
            client: connect::client(url).await?,
            prefix: options.prefix,
            services: watch::Sender::default(),
            locks: locks::Locks::default(),
        })
    }

    /// Serves a service from now on, or serves it as this manifest declares it now: makes the collections and indexes
    /// that are not there yet. All documents are kept, also those of collections that nobody declares now.
    ///
    /// It takes as long as MongoDB needs for new indexes. Repeating it is safe, in many processes at once too.
    ///
    /// # Errors
    /// What is wrong with the manifest, or what MongoDB said.
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
        let added = Service::new(service, manifest, database);
        added.prepare().await.map_err(|error| OpenError::Prepare {
            service: service.to_owned(),
            reason: error.to_string(),
        })?;
        self.services.send_modify(|services| {
            services.insert(service.to_owned(), Arc::new(added));
        });
        Ok(())
    }

    /// Serves a service no longer; its database stays. Whether it was served.
    pub fn remove(&self, service: &str) -> bool {
        self.services
            .send_if_modified(|services| services.remove(service).is_some())
    }

    /// The services, and whenever they change.
    pub(crate) fn services(&self) -> watch::Receiver<Services> {
        self.services.subscribe()
    }

    /// The service that a name belongs to: `service.things`.
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

    /// Whose outbox an event goes to. Where it is of a service that is served here, `mercato.<service>.<what>`, it is that one,
    /// so that all its events keep their order; else that of the commit's first write.
    fn origin(&self, event: &Event, writer: Option<&Arc<Service>>) -> Result<Arc<Service>, Failure> {
        let named = event
            .kind
            .strip_prefix("mercato.")
            .and_then(|kind| self.service(kind));
        let first = || self.services.borrow().values().next().cloned();
        named.or_else(|| writer.cloned()).or_else(first).ok_or_else(|| {
            Failure::Invalid(format!(
                "no service is served that could publish an event of kind `{}`",
                event.kind
            ))
        })
    }

    async fn commit_all(&self, writes: Vec<Write>, events: Vec<Event>) -> Result<(), CommitFailure> {
        let mut writer = None;
        let mut targets = Vec::with_capacity(writes.len());
        for write in writes {
            let (service, collection) = self
                .collection(write.collection())
                .map_err(CommitFailure::Failed)?;
            writer.get_or_insert(service);
            targets.push(Target {
                collection,
                write,
                guard: Guard::Range,
            });
        }
        let origin = |event: Event| Ok((self.origin(&event, writer.as_ref())?, event));
        let events = events
            .into_iter()
            .map(origin)
            .collect::<Result<Vec<_>, _>>()
            .map_err(CommitFailure::Failed)?;
        let wakes = events
            .iter()
            .map(|(service, _)| Arc::clone(&service.wake))
            .collect::<Vec<_>>();
        match (targets.len(), events.as_slice()) {
            (0, []) => {}
            (0, [(service, event)]) => single::event(service, event).await?,
            (1, []) => {
                for target in targets {
                    single::write(target).await?;
                }
            }
            _ => transaction::commit(&self.client, &self.locks, targets, events).await?,
        }
        for wake in wakes {
            wake.notify_one();
        }
        Ok(())
    }
}

/// Gives up what takes too long.
async fn bounded<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, Failure> {
    timeout(limit, work).await.map_err(|_| {
        tracing::error!(seconds = limit.as_secs(), "MongoDB did not answer in time");
        Failure::Unavailable(format!("MongoDB did not answer within {} s", limit.as_secs()))
    })
}

#[async_trait]
impl Documents for Store {
    async fn get_many(&self, collection: String, ids: Vec<String>) -> Result<Vec<Option<Document>>, Failure> {
        let (_, collection) = self.collection(&collection)?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let read = async {
            let batch = u32::try_from(ids.len()).unwrap_or(u32::MAX);
            let find = collection.documents.find(doc! { "_id": { "$in": &ids } });
            let cursor = find
                .projection(doc! { "t": 0 })
                .batch_size(batch.saturating_add(1))
                .await?;
            cursor.try_collect::<Vec<_>>().await
        };
        let found = bounded(READ, read).await?.map_err(|error| failure(&error))?;
        let found = found
            .iter()
            .map(|raw| document::decode(raw).map(|document| (document.id.clone(), document)))
            .collect::<Result<HashMap<_, _>, _>>()?;
        Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
    }

    async fn find(&self, query: Query) -> Result<Vec<Document>, Failure> {
        let (_, collection) = self.collection(&query.collection)?;
        let select = query::select(&query, &collection.fields)?;
        if query.limit == 0 {
            return Ok(Vec::new());
        }
        let read = async {
            let find = collection.documents.find(select.filter).sort(select.sort);
            let find = find.limit(query.limit.into()).batch_size(query.limit);
            find.projection(doc! { "t": 0 })
                .await?
                .try_collect::<Vec<_>>()
                .await
        };
        let found = bounded(READ, read).await?.map_err(|error| failure(&error))?;
        found.iter().map(|raw| document::decode(raw)).collect()
    }

    async fn commit(&self, writes: Vec<Write>, events: Vec<Event>) -> Result<(), CommitFailure> {
        check::check(&writes, &events).map_err(CommitFailure::Failed)?;
        bounded(COMMIT, self.commit_all(writes, events))
            .await
            .map_err(CommitFailure::Failed)?
    }

    async fn ready(&self) -> Result<(), String> {
        let admin = self.client.database("admin");
        match bounded(READ, async { admin.run_command(doc! { "ping": 1 }).await }).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(format!("MongoDB failed: {error}")),
            Err(Failure::Invalid(reason) | Failure::Unavailable(reason)) => Err(reason),
        }
    }
}
