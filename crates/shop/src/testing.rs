//! Ports for the native tests of the services: the embedded store in a temporary folder.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mercato_embedded::{Durability, MemoryCache, Options, Store};
use mercato_passwords::{Cost, Memory};
use mercato_ports::cache::Cache as CachePort;
use mercato_ports::documents::{CommitFailure, Document, Documents, Failure, Query, Write};
use mercato_ports::events::Event;
use mercato_ports::http_client::{HttpFailure, Request, Response};
use mercato_ports::mailer::{MailFailure, Message};
use mercato_ports::manifest::{ServiceManifest, ShopManifest};
use mercato_ports::passwords::PasswordFailure;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::audit::AuditedAction;
use crate::cache::Cache;
use crate::ports::{HttpClient, Mail, Passwords, Ports};
use crate::types::{Caller, Error, Role, SignedIn};

/// Ports over a new store. Clones share it.
#[derive(Clone)]
#[allow(missing_debug_implementations, reason = "a store has no readable state")]
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
    /// How many commits succeed before the store stops.
    commits_left: Mutex<Option<usize>>,
    lifetimes: Mutex<HashMap<String, u64>>,
    passwords_busy: AtomicBool,
    // The last field, because the folder is removed when it is dropped.
    _folder: TempDir,
}

impl TestPorts {
    /// Opens a store for these services, each a name and a manifest (`service.toml`), with these settings.
    ///
    /// # Panics
    /// If a manifest is invalid or the temporary folder can't be used.
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
            ..Options::default()
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
            commits_left: Mutex::default(),
            lifetimes: Mutex::default(),
            passwords_busy: AtomicBool::default(),
            _folder: folder,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Returns the events that were committed since the last call.
    ///
    /// # Panics
    /// If another thread of the test panicked.
    #[must_use]
    #[allow(clippy::unwrap_used, reason = "for tests only")]
    pub fn take_events(&self) -> Vec<Event> {
        std::mem::take(&mut self.inner.events.lock().unwrap())
    }

    /// Returns the audited actions that were committed since the last call, and drops the other events.
    ///
    /// # Panics
    /// If an action can't be parsed.
    #[must_use]
    #[allow(clippy::expect_used, reason = "for tests only")]
    pub fn take_audited_actions(&self) -> Vec<AuditedAction> {
        let events = self.take_events().into_iter();
        events
            .filter(|event| event.kind.ends_with(".audited"))
            .map(|event| serde_json::from_str(&event.data).expect("an audited action"))
            .collect()
    }

    /// Returns the e-mails that were sent since the last call.
    ///
    /// # Panics
    /// If another thread of the test panicked.
    #[must_use]
    #[allow(clippy::unwrap_used, reason = "for tests only")]
    pub fn take_mails(&self) -> Vec<Message> {
        std::mem::take(&mut self.inner.mails.lock().unwrap())
    }

    /// Answers all HTTP requests with `server` from now on. Without a server, requests fail as not sent.
    ///
    /// # Panics
    /// If another thread of the test panicked.
    #[allow(clippy::unwrap_used, reason = "for tests only")]
    pub fn serve(&self, server: impl FnMut(&Request) -> Result<Response, HttpFailure> + Send + 'static) {
        *self.inner.server.lock().unwrap() = Some(Box::new(server));
    }

    /// Lets this number of commits succeed and all later ones fail, to simulate a crash after them.
    ///
    /// # Panics
    /// If another thread of the test panicked.
    #[allow(clippy::unwrap_used, reason = "for tests only")]
    pub fn stop_after(&self, commits: usize) {
        *self.inner.commits_left.lock().unwrap() = Some(commits);
    }

    /// Lets commits succeed again.
    ///
    /// # Panics
    /// If another thread of the test panicked.
    #[allow(clippy::unwrap_used, reason = "for tests only")]
    pub fn restart(&self) {
        *self.inner.commits_left.lock().unwrap() = None;
    }

    /// Returns the milliseconds for which the last cached value of a key was set.
    ///
    /// # Panics
    /// If another thread of the test panicked.
    #[must_use]
    #[allow(clippy::unwrap_used, reason = "for tests only")]
    pub fn lifetime(&self, key: &str) -> Option<u64> {
        self.inner.lifetimes.lock().unwrap().get(key).copied()
    }

    /// Makes the port `passwords` busy, or lets it work again.
    pub fn set_passwords_busy(&self, busy: bool) {
        self.inner.passwords_busy.store(busy, Ordering::Relaxed);
    }

    /// Runs `interference` right before the next commit, to simulate a concurrent request.
    ///
    /// # Panics
    /// If another thread of the test panicked.
    #[allow(clippy::unwrap_used, reason = "for tests only")]
    pub fn before_next_commit(&self, interference: impl FnOnce() + Send + 'static) {
        *self.inner.before.lock().unwrap() = Some(Box::new(interference));
    }

    /// Runs `interference` right after the next commit.
    ///
    /// # Panics
    /// If another thread of the test panicked.
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

    fn count(&self, query: &Query) -> Result<u64, Failure> {
        self.inner.runtime.block_on(self.inner.store.count(query.clone()))
    }

    #[allow(clippy::unwrap_used, reason = "for tests only")]
    fn commit(&self, writes: &[Write], events: &[Event]) -> Result<(), CommitFailure> {
        let before = self.inner.before.lock().unwrap().take();
        if let Some(interfere) = before {
            interfere();
        }
        if let Some(left) = self.inner.commits_left.lock().unwrap().as_mut() {
            let stopped = || Failure::Unavailable("the test has stopped the store".into());
            *left = left
                .checked_sub(1)
                .ok_or_else(|| CommitFailure::Failed(stopped()))?;
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
    /// Records the message. Mail to `unavailable.example` and `rejected.example` fails as these names say.
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

impl Passwords for TestPorts {
    fn hash(&self, password: &str) -> Result<String, PasswordFailure> {
        if self.inner.passwords_busy.load(Ordering::Relaxed) {
            return Err(PasswordFailure::Busy);
        }
        mercato_passwords::hash(&mut Memory::default(), password, Cost::LOWEST)
    }

    fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, PasswordFailure> {
        if self.inner.passwords_busy.load(Ordering::Relaxed) {
            return Err(PasswordFailure::Busy);
        }
        mercato_passwords::verify(&mut Memory::default(), password, hash, Cost::LOWEST)
    }
}

impl HttpClient for TestPorts {
    #[allow(clippy::unwrap_used, reason = "for tests only")]
    fn send(&self, request: &Request) -> Result<Response, HttpFailure> {
        match &mut *self.inner.server.lock().unwrap() {
            Some(server) => server(request),
            None => Err(HttpFailure::NotSent("the test has no server".into())),
        }
    }
}

impl Cache for TestPorts {
    fn get_many(&self, keys: &[String]) -> Vec<Option<Vec<u8>>> {
        self.inner
            .runtime
            .block_on(self.inner.cache.get_many(keys.to_vec()))
    }

    #[allow(clippy::unwrap_used, reason = "for tests only")]
    fn set(&self, key: &str, value: &[u8], ttl: u64) {
        self.inner.lifetimes.lock().unwrap().insert(key.into(), ttl);
        let ttl = Duration::from_millis(ttl);
        self.inner
            .runtime
            .block_on(self.inner.cache.set(key.into(), value.to_vec(), ttl));
    }

    fn delete(&self, keys: &[String]) {
        self.inner
            .runtime
            .block_on(self.inner.cache.delete(keys.to_vec()));
    }

    fn increment(&self, key: &str, by: i64, ttl: u64) -> Option<i64> {
        let ttl = Duration::from_millis(ttl);
        self.inner
            .runtime
            .block_on(self.inner.cache.increment(key.into(), by, ttl))
    }
}

/// Returns a signed-in customer.
#[must_use]
pub fn customer(user_id: &str) -> Caller {
    Caller::User(SignedIn {
        user_id: user_id.into(),
        role: Role::Customer,
        session_id: None,
    })
}

/// Returns a signed-in ADMIN.
#[must_use]
pub fn admin() -> Caller {
    Caller::User(SignedIn {
        user_id: "admin".into(),
        role: Role::Admin,
        session_id: None,
    })
}

/// Returns the code of a result's error, such as `FORBIDDEN`, or `OK`.
#[must_use]
pub const fn error_code<T>(result: &Result<T, Error>) -> &'static str {
    match result {
        Ok(_) => "OK",
        Err(Error::Unauthenticated(_)) => "UNAUTHENTICATED",
        Err(Error::Forbidden(_)) => "FORBIDDEN",
        Err(Error::NotFound(_)) => "NOT_FOUND",
        Err(Error::Conflict(_)) => "CONFLICT",
        Err(Error::StaleVersion(_)) => "STALE_VERSION",
        Err(Error::InvalidTransition(_)) => "INVALID_TRANSITION",
        Err(Error::OutOfStock(_)) => "OUT_OF_STOCK",
        Err(Error::PaymentDeclined(_)) => "PAYMENT_DECLINED",
        Err(Error::Invalid(_)) => "INVALID",
        Err(Error::RateLimited(_)) => "RATE_LIMITED",
        Err(Error::Unavailable(_)) => "UNAVAILABLE",
        Err(Error::Internal(_)) => "INTERNAL",
    }
}

/// Returns the field that an invalid input is about.
///
/// # Panics
/// If the result is not [`Error::Invalid`].
#[allow(clippy::panic, reason = "for tests only")]
pub fn invalid_field<T: Debug>(result: Result<T, Error>) -> String {
    match result {
        Err(Error::Invalid(violation)) => violation.field,
        other => panic!("{other:?}"),
    }
}
