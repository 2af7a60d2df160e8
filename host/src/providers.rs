//! The implementations of the ports for this process: in the data folder, or on servers.

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;

use mercato_embedded::{DispatchOptions, Dispatcher, EmlMailer, MemoryCache, OpenError, Options, Store};
use mercato_http::Client;
use mercato_mongodb::{Relay, RelayOptions, Store as MongoStore};
use mercato_passwords::PasswordPool;
use mercato_ports::cache::Cache;
use mercato_ports::documents::Documents;
use mercato_ports::events::Handlers;
use mercato_ports::http_client::HttpClient;
use mercato_ports::mailer::Mailer;
use mercato_ports::manifest::ShopManifest;
use mercato_ports::passwords::Passwords;
use mercato_redis::{RedisCache, RedisOptions};
use mercato_smtp::SmtpMailer;
use tokio::sync::watch;

use crate::broker::{self, Broker};
use crate::cli::{Servers, Storage};
use crate::command_error::{Code, CommandError};

/// The size of the in-memory cache, in bytes.
const CACHE_SIZE: usize = 64 << 20;

/// The store of documents, and the delivery of its events.
pub enum Providers {
    /// The data folder.
    Embedded(Arc<Store>),
    /// MongoDB and Kafka.
    Servers(Arc<MongoStore>, Arc<Broker>, ShopManifest),
}

impl Providers {
    /// Opens the store.
    ///
    /// # Errors
    /// If the store cannot be opened. The message says what to do.
    pub async fn open(
        data: &Path,
        manifest: &ShopManifest,
        storage: &Storage,
        servers: &Servers,
    ) -> Result<Self, CommandError> {
        let (Some(documents), Some(events)) = (&servers.documents, &servers.events) else {
            let options = Options {
                durability: storage.durability.into(),
                accept_loss: storage.accept_loss,
            };
            return Ok(Self::Embedded(embedded(data, manifest, options)?));
        };
        let broker = broker::connect(events)?;
        let unavailable =
            |error: mercato_mongodb::OpenError| CommandError::new(Code::Unavailable, error.to_string());
        let store = MongoStore::connect(documents, mercato_mongodb::Options::default())
            .await
            .map_err(unavailable)?;
        for (service, manifest) in &manifest.services {
            store.add(service, manifest).await.map_err(unavailable)?;
        }
        Ok(Self::Servers(Arc::new(store), broker, manifest.clone()))
    }

    /// Returns the store of documents.
    pub fn documents(&self) -> Arc<dyn Documents> {
        match self {
            Self::Embedded(store) => store.clone(),
            Self::Servers(store, ..) => store.clone(),
        }
    }

    /// Delivers events until `stopped` is true, then waits for the running handlers.
    pub async fn dispatch(self, handlers: Arc<dyn Handlers>, mut stopped: watch::Receiver<bool>) {
        let shutdown = pin!(async move {
            // An error means that the sender was dropped, which stops the delivery too.
            let _ = stopped.wait_for(|stop| *stop).await;
        });
        match self {
            Self::Embedded(store) => {
                Dispatcher::new(store, DispatchOptions::default())
                    .run(handlers, shutdown)
                    .await;
            }
            Self::Servers(store, broker, manifest) => {
                let relay = Relay::new(store, RelayOptions::default());
                let relay = relay.run(broker.clone(), shutdown);
                broker::deliver(broker, &manifest, handlers, relay).await;
            }
        }
    }
}

/// Opens the store in a data folder.
///
/// # Errors
/// If it cannot be opened. The message says what to do.
pub fn embedded(data: &Path, manifest: &ShopManifest, options: Options) -> Result<Arc<Store>, CommandError> {
    let store = Store::open(data, manifest, options)
        .map_err(|error| CommandError::new(open_error_code(&error), error.to_string()))?;
    Ok(Arc::new(store))
}

/// Returns the exit code for a data folder that cannot be used.
pub fn open_error_code(error: &OpenError) -> Code {
    match error {
        OpenError::Folder { .. } => Code::CantCreate,
        OpenError::InUse { .. } => Code::Busy,
        _ => Code::Data,
    }
}

/// Creates a cache in Redis, or in memory if no other process can use the same documents.
///
/// # Errors
/// If the address is malformed, or if it is missing although the documents are in MongoDB.
pub fn cache(servers: &Servers) -> Result<Arc<dyn Cache>, CommandError> {
    let Some(url) = &servers.cache else {
        if servers.documents.is_some() {
            let reason = "--documents needs --cache (MERCATO_CACHE): processes that share documents must \
                          share the cache too, or each would use outdated prices, sessions and rate limits";
            return Err(misconfigured(reason.to_owned()));
        }
        return Ok(Arc::new(MemoryCache::new(CACHE_SIZE)));
    };
    let cache = RedisOptions::new(url)
        .and_then(RedisCache::new)
        .map_err(misconfigured)?;
    Ok(Arc::new(cache))
}

/// Creates a mailer for a server, or one that writes `.eml` files into the data folder.
///
/// # Errors
/// If an address is malformed.
pub fn mailer(data: &Path, storage: &Storage, servers: &Servers) -> Result<Arc<dyn Mailer>, CommandError> {
    let from = &storage.mail_from;
    if let Some(url) = &servers.mail {
        return Ok(Arc::new(SmtpMailer::new(url, from).map_err(misconfigured)?));
    }
    let mailer = EmlMailer::new(&data.join("mail"), from).map_err(|error| {
        let advice = "write `shop@example.com` or `My shop <shop@example.com>`";
        misconfigured(format!(
            "the sender `{from}` is not an e-mail address ({error}): {advice}"
        ))
    })?;
    Ok(Arc::new(mailer))
}

/// Creates the pool that hashes passwords. It takes at most half of the processors.
pub fn passwords() -> Arc<dyn Passwords> {
    Arc::new(PasswordPool::new())
}

/// Creates an HTTP client for the allowed hosts.
///
/// # Errors
/// If a host is malformed.
pub fn http_client(servers: &Servers) -> Result<Arc<dyn HttpClient>, CommandError> {
    let client = Client::new(&servers.http_hosts).map_err(misconfigured)?;
    Ok(Arc::new(client))
}

fn misconfigured(reason: String) -> CommandError {
    CommandError::new(Code::Config, reason)
}
