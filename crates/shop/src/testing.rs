//! Real ports for the native tests of the services: the embedded provider on a folder of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mercato_embedded::{Durability, MemoryCache, Options, Store};
use mercato_ports::cache::Cache as CachePort;
use mercato_ports::documents::{CommitFailure, Document, Documents, Failure, Query, Write};
use mercato_ports::events::Event;
use mercato_ports::http_client::{HttpFailure, Request, Response};
use mercato_ports::mailer::{MailFailure, Message};
use mercato_ports::manifest::{ServiceManifest, ShopManifest};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::audit::Act;
use crate::cache::Cache;
use crate::ports::{HttpClient, Mail, Ports};
use crate::types::{Caller, Role, SignedIn};

/// Ports over a fresh store. Clones share it.
#[derive(Clone)]
#[allow(missing_debug_implementations, reason = "a store has nothing to show")]
pub struct TestPorts {
    inner: Arc<Inner>,
}

type Interference = Box<dyn FnOnce() + Send>;

type Server = Box<dyn FnMut(&Request) -> Result<Response, HttpFailure> + Send>;

struct Inner {
    store: Store,
    cache: MemoryCache,
    runtime: Runtime,
    config: HashMap<&'static str, String>,
    events: Mutex<Vec<Event>>,
    mails: Mutex<Vec<Message>>,
    before: Mutex<Option<Interference>>,
    after: Mutex<Option<Interference>>,
    server: Mutex<Option<Server>>,
    // Removed last.
    _folder: TempDir,
}

impl TestPorts {
    /// A store for these services, given by name with their manifests (`service.toml`), and the configuration that they read.
    ///
    /// # Panics
    /// Where a manifest or the temporary folder is unusable.
    #[must_use]
    #[allow(clippy::expect_used, reason = "for tests only")]
    pub fn new(services: &[(&str, &str)], config: &[(&'static str, &str)]) -> Self {
        let services = services.iter().map(|(name, text)| {
            let manifest: ServiceManifest = toml::from_str(text).expect("a manifest");
            ((*name).to_owned(), manifest)
        });
        let folder = tempfile::tempdir().expect("a temporary folder");
        let shop = ShopManifest {
            services: services.collect(),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .expect("a runtime");
        let options = Options {
            durability: Durability::Relaxed,
        };
        let store = Store::open(folder.path(), &shop, options).expect("a store");
        let inner = Inner {
            store,
            cache: MemoryCache::new(1 << 20),
            runtime,
            config: config
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect(),
            events: Mutex::default(),
            mails: Mutex::default(),
            before: Mutex::default(),
            after: Mutex::default(),
            server: Mutex::default(),
            _folder: folder,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The events that were committed since the last call.
    ///
    /// # Panics
    /// After another test thread's panic.
    #[must_use]
    #[allow(clippy::unwrap_used, reason = "for tests only")]
    pub fn take_events(&self) -> Vec<Event> {
        std::mem::take(&mut self.inner.events.lock().unwrap())
    }

    /// The acts that the audit log was told of since the last call, the other events left out.
    ///
    /// # Panics
    /// Where one can't be read.
    #[must_use]
    #[allow(clippy::expect_used, reason = "for tests only")]
    pub fn take_acts(&self) -> Vec<Act> {
        let events = self.take_events().into_iter();
        events
            .filter(|event| event.kind.ends_with(".audited"))
            .map(|event| serde_json::from_str(&event.data).expect("an act"))
            .collect()
    }

    /// The e-mails that were sent since the last call.
    ///
    /// # Panics
    /// After another test thread's panic.
    #[must_use]
    #[allow(clippy::unwrap_used, reason = "for tests only")]
    pub fn take_mails(&self) -> Vec<Message> {
        std::mem::take(&mut self.inner.mails.lock().unwrap())
    }

    /// Has this answer all HTTP requests from now on; without it, none is sent.
    ///
    /// # Panics
    /// After another test thread's panic.
    #[allow(clippy::unwrap_used, reason = "for tests only")]
    pub fn serve(&self, server: impl FnMut(&Request) -> Result<Response, HttpFailure> + Send + 'static) {
        *self.inner.server.lock().unwrap() = Some(Box::new(server));
    }

    /// Has something happen right before the next commit: the race that a service must survive.
    ///
    /// # Panics
    /// After another test thread's panic.
    #[allow(clippy::unwrap_used, reason = "for tests only")]
    pub fn before_next_commit(&self, interference: impl FnOnce() + Send + 'static) {
        *self.inner.before.lock().unwrap() = Some(Box::new(interference));
    }

    /// Has something happen right after the next commit.
    ///
    /// # Panics
    /// After another test thread's panic.
    #[allow(clippy::unwrap_used, reason = "for tests only")]
    pub fn after_next_commit(&self, interference: impl FnOnce() + Send + 'static) {
        *self.inner.after.lock().unwrap() = Some(Box::new(interference));
    }
}

impl Ports for TestPorts {
    fn get_many(&self, collection: &str, ids: &[String]) -> Result<Vec<Option<Document>>, Failure> {
        self.inner
            .runtime
            .block_on(self.inner.store.get_many(collection.into(), ids.to_vec()))
    }

    fn find(&self, query: &Query) -> Result<Vec<Document>, Failure> {
        self.inner.runtime.block_on(self.inner.store.find(query.clone()))
    }

    #[allow(clippy::unwrap_used, reason = "for tests only")]
    fn commit(&self, writes: &[Write], events: &[Event]) -> Result<(), CommitFailure> {
        let before = self.inner.before.lock().unwrap().take();
        if let Some(interfere) = before {
            interfere();
        }
        self.inner
            .runtime
            .block_on(self.inner.store.commit(writes.to_vec(), events.to_vec()))?;
        self.inner.events.lock().unwrap().extend_from_slice(events);
        let after = self.inner.after.lock().unwrap().take();
        if let Some(interfere) = after {
            interfere();
        }
        Ok(())
    }

    fn config(&self, name: &str) -> Option<String> {
        self.inner.config.get(name).cloned()
    }
}

impl Mail for TestPorts {
    /// Keeps the message, but for two domains: mail to `unavailable.example` and `rejected.example` fails as they say.
    #[allow(clippy::unwrap_used, reason = "for tests only")]
    fn send(&self, message: &Message) -> Result<(), MailFailure> {
        if message.to.ends_with("@unavailable.example") {
            return Err(MailFailure::Unavailable("no server".into()));
        }
        if message.to.ends_with("@rejected.example") {
            return Err(MailFailure::Rejected("no such mailbox".into()));
        }
        self.inner.mails.lock().unwrap().push(message.clone());
        Ok(())
    }
}

impl HttpClient for TestPorts {
    #[allow(clippy::unwrap_used, reason = "for tests only")]
    fn request(&self, request: &Request) -> Result<Response, HttpFailure> {
        match &mut *self.inner.server.lock().unwrap() {
            Some(server) => server(request),
            None => Err(HttpFailure::NotSent("there is no server".into())),
        }
    }
}

impl Cache for TestPorts {
    fn cached(&self, keys: &[String]) -> Vec<Option<Vec<u8>>> {
        self.inner
            .runtime
            .block_on(self.inner.cache.get_many(keys.to_vec()))
    }

    fn keep(&self, key: &str, value: &[u8], ttl: u64) {
        let ttl = Duration::from_millis(ttl);
        self.inner
            .runtime
            .block_on(self.inner.cache.set(key.into(), value.to_vec(), ttl));
    }

    fn increment(&self, key: &str, by: i64, ttl: u64) -> Option<i64> {
        let ttl = Duration::from_millis(ttl);
        self.inner
            .runtime
            .block_on(self.inner.cache.increment(key.into(), by, ttl))
    }
}

/// A signed-in customer.
#[must_use]
pub fn customer(user_id: &str) -> Caller {
    Caller::User(SignedIn {
        user_id: user_id.into(),
        role: Role::Customer,
        session_id: None,
    })
}

/// A signed-in ADMIN.
#[must_use]
pub fn admin() -> Caller {
    Caller::User(SignedIn {
        user_id: "admin".into(),
        role: Role::Admin,
        session_id: None,
    })
}
