//! The implementations of the ports that this process uses: its data folder, or servers.

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;

use mercato_embedded::{
    DispatchOptions, Dispatcher, Durability, EmlMailer, MemoryCache, OpenError, Options, Store,
};
use mercato_http::Client;
use mercato_kafka::{Consumers, DeliveryOptions, Kafka, KafkaOptions, Subscriber};
use mercato_mongodb::{Relay, RelayOptions, Store as MongoStore};
use mercato_ports::cache::Cache;
use mercato_ports::documents::Documents;
use mercato_ports::events::Handlers;
use mercato_ports::http_client::HttpClient;
use mercato_ports::mailer::Mailer;
use mercato_ports::manifest::ShopManifest;
use mercato_redis::{RedisCache, RedisOptions};
use mercato_smtp::SmtpMailer;
use tokio::sync::watch;

use crate::cli::{Servers, Storage};
use crate::exit::{Code, Failure};

/// The size of the cache, in bytes.
const CACHE_SIZE: usize = 64 << 20;

/// Where documents are kept, and what delivers their events.
pub enum Providers {
    /// The data folder.
    Embedded(Arc<Store>),
    /// MongoDB and Kafka.
    Servers(Arc<MongoStore>, Arc<Kafka>, Vec<Subscriber>),
}

impl Providers {
    /// Opens the store, and what delivers its events.
    ///
    /// # Errors
    /// Where it can't be opened; the text says what to do.
    pub async fn open(
        data: &Path,
        manifest: &ShopManifest,
        storage: &Storage,
        servers: &Servers,
    ) -> Result<Self, Failure> {
        let (Some(documents), Some(events)) = (&servers.documents, &servers.events) else {
            return Ok(Self::Embedded(embedded(
                data,
                manifest,
                storage.durability.into(),
            )?));
        };
        let kafka = kafka(events)?;
        let unavailable =
            |error: mercato_mongodb::OpenError| Failure::new(Code::Unavailable, error.to_string());
        let store = MongoStore::connect(documents, mercato_mongodb::Options::default())
            .await
            .map_err(unavailable)?;
        for (service, manifest) in &manifest.services {
            store.add(service, manifest).await.map_err(unavailable)?;
        }
        Ok(Self::Servers(Arc::new(store), kafka, Subscriber::all(manifest)))
    }

    /// Where documents are kept.
    pub fn documents(&self) -> Arc<dyn Documents> {
        match self {
            Self::Embedded(store) => store.clone(),
            Self::Servers(store, ..) => store.clone(),
        }
    }

    /// Delivers events until told to stop, and finishes what has begun then.
    pub async fn dispatch(self, handlers: Arc<dyn Handlers>, mut stopped: watch::Receiver<bool>) {
        let told = pin!(async move {
            // An error means that the sender is gone, which is to stop too.
            let _ = stopped.wait_for(|stop| *stop).await;
        });
        match self {
            Self::Embedded(store) => {
                Dispatcher::new(store, DispatchOptions::default())
                    .run(handlers, told)
                    .await;
            }
            Self::Servers(store, kafka, subscribers) => {
                let consumers = Consumers::new(kafka.clone(), handlers, DeliveryOptions::default());
                for subscriber in subscribers {
                    consumers.add(subscriber).await;
                }
                Relay::new(store, RelayOptions::default()).run(kafka, told).await;
                consumers.shutdown().await;
            }
        }
    }
}

/// The store in a data folder.
///
/// # Errors
/// Where it can't be opened; the text says what to do.
pub fn embedded(data: &Path, manifest: &ShopManifest, durability: Durability) -> Result<Arc<Store>, Failure> {
    let store = Store::open(data, manifest, Options { durability }).map_err(|error| {
        let code = match error {
            OpenError::Folder { .. } => Code::CantCreate,
            OpenError::InUse { .. } => Code::Busy,
            _ => Code::Data,
        };
        Failure::new(code, error.to_string())
    })?;
    Ok(Arc::new(store))
}

/// A client of Kafka, which connects when it is first used.
///
/// # Errors
/// Where the address can't be read.
pub fn kafka(url: &str) -> Result<Arc<Kafka>, Failure> {
    KafkaOptions::new(url).and_then(Kafka::new).map_err(misconfigured)
}

/// A cache in Redis; or in the memory of this process, where no other one can be on the same documents.
///
/// # Errors
/// Where the address can't be read, or is missing.
pub fn cache(servers: &Servers) -> Result<Arc<dyn Cache>, Failure> {
    let Some(url) = &servers.cache else {
        if servers.documents.is_some() {
            let reason = "--documents needs --cache (MERCATO_CACHE): other processes may use the same documents, and with a cache of its own \
                          each would show prices that another has changed, and know nothing of the sign-outs and limits there";
            return Err(misconfigured(reason.to_owned()));
        }
        return Ok(Arc::new(MemoryCache::new(CACHE_SIZE)));
    };
    let cache = RedisOptions::new(url)
        .and_then(RedisCache::new)
        .map_err(misconfigured)?;
    Ok(Arc::new(cache))
}

/// Mail by a server, or into a folder of the data folder, one `.eml` file a message.
///
/// # Errors
/// Where an address can't be read.
pub fn mailer(data: &Path, storage: &Storage, servers: &Servers) -> Result<Arc<dyn Mailer>, Failure> {
    let from = &storage.mail_from;
    if let Some(url) = &servers.mail {
        return Ok(Arc::new(SmtpMailer::new(url, from).map_err(misconfigured)?));
    }
    let mailer = EmlMailer::new(&data.join("mail"), from).map_err(|error| {
        let advice = "use the form `shop@example.com` or `My shop <shop@example.com>`";
        misconfigured(format!(
            "the sender `{from}` is no e-mail address ({error}): {advice}"
        ))
    })?;
    Ok(Arc::new(mailer))
}

/// Requests out, to the hosts that are allowed.
///
/// # Errors
/// Where one of them can't be read.
pub fn http_client(servers: &Servers) -> Result<Arc<dyn HttpClient>, Failure> {
    let client = Client::new(&servers.http_hosts).map_err(misconfigured)?;
    Ok(Arc::new(client))
}

fn misconfigured(reason: String) -> Failure {
    Failure::new(Code::Config, reason)
}
