//! The ports of the services, which call the same implementations as the program `mercato`.

use std::collections::HashMap;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use futures::FutureExt;
use mercato_embedded::{EmlMailer, MemoryCache, Store};
use mercato_http::Client;
use mercato_passwords::PasswordPool;
use mercato_ports::cache::Cache as CachePort;
use mercato_ports::documents::{CommitFailure, Document, Documents, Failure, Query, Write};
use mercato_ports::events::Event;
use mercato_ports::http_client::{HttpClient as HttpClientPort, HttpFailure, Request, Response};
use mercato_ports::mailer::{MailFailure, Mailer, Message};
use mercato_ports::passwords::{PasswordFailure, Passwords as PasswordsPort};
use mercato_shop::cache::Cache;
use mercato_shop::ports::{HttpClient, Mail, Passwords, Ports};
use tokio::runtime::Handle;

/// The size of the in-memory cache, in bytes. The program `mercato` has the same.
const CACHE_SIZE: usize = 64 << 20;

/// The sender of e-mails, which are files in the data folder.
const MAIL_FROM: &str = "shop@example.com";

/// The ports of all services. Clones share them.
#[derive(Clone)]
pub struct NativePorts(Arc<Inner>);

struct Inner {
    documents: Arc<Store>,
    cache: MemoryCache,
    mailer: EmlMailer,
    passwords: PasswordPool,
    http_client: Client,
    config: HashMap<String, String>,
}

impl NativePorts {
    /// Creates the ports over a store in this data folder.
    ///
    /// # Errors
    /// If a part cannot be created.
    pub fn new(data: &Path, documents: Arc<Store>, config: HashMap<String, String>) -> Result<Self> {
        Ok(Self(Arc::new(Inner {
            documents,
            cache: MemoryCache::new(CACHE_SIZE),
            mailer: EmlMailer::new(&data.join("mail"), MAIL_FROM)?,
            passwords: PasswordPool::new(),
            http_client: Client::new("").map_err(|reason| anyhow!(reason))?,
            config,
        })))
    }
}

/// Waits for a port. Most calls complete at once. The others hand the remaining tasks of this thread to
/// another one.
fn wait<F: Future>(call: F) -> F::Output {
    let mut call = pin!(call);
    match call.as_mut().now_or_never() {
        Some(output) => output,
        None => tokio::task::block_in_place(|| Handle::current().block_on(call)),
    }
}

impl Ports for NativePorts {
    fn get_many(&self, collection: &str, ids: &[String]) -> Result<Vec<Option<Document>>, Failure> {
        wait(self.0.documents.get_many(collection.into(), ids.to_vec()))
    }

    fn find(&self, query: &Query) -> Result<Vec<Document>, Failure> {
        wait(self.0.documents.find(query.clone()))
    }

    fn count(&self, query: &Query) -> Result<u64, Failure> {
        wait(self.0.documents.count(query.clone()))
    }

    fn commit(&self, writes: &[Write], events: &[Event]) -> Result<(), CommitFailure> {
        wait(self.0.documents.commit(writes.to_vec(), events.to_vec()))
    }

    fn config(&self, name: &str) -> Option<String> {
        self.0.config.get(name).cloned()
    }
}

impl Cache for NativePorts {
    fn get_many(&self, keys: &[String]) -> Vec<Option<Vec<u8>>> {
        wait(self.0.cache.get_many(keys.to_vec()))
    }

    fn set(&self, key: &str, value: &[u8], ttl: u64) {
        wait(
            self.0
                .cache
                .set(key.into(), value.to_vec(), Duration::from_millis(ttl)),
        );
    }

    fn delete(&self, keys: &[String]) {
        wait(self.0.cache.delete(keys.to_vec()));
    }

    fn increment(&self, key: &str, by: i64, ttl: u64) -> Option<i64> {
        wait(self.0.cache.increment(key.into(), by, Duration::from_millis(ttl)))
    }
}

impl Mail for NativePorts {
    fn send(&self, message: &Message) -> Result<(), MailFailure> {
        wait(self.0.mailer.send(message.clone()))
    }
}

impl Passwords for NativePorts {
    fn hash(&self, password: &str) -> Result<String, PasswordFailure> {
        wait(self.0.passwords.hash(password.into()))
    }

    fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, PasswordFailure> {
        wait(self.0.passwords.verify(password.into(), hash.map(Into::into)))
    }
}

impl HttpClient for NativePorts {
    fn send(&self, request: &Request) -> Result<Response, HttpFailure> {
        wait(self.0.http_client.send(request.clone()))
    }
}
