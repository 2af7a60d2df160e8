//! Runs the conformance suite of the ports on the adapter's logic. Each call has a new connection, because
//! each request has a new instance in Spin.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use mercato_adapters_spin::shop::Shop;
use mercato_adapters_spin::{cache, documents, now, passwords, relay};
use mercato_ports::cache::Cache;
use mercato_ports::conformance::{self, events};
use mercato_ports::documents::{CommitFailure, Document, Documents, Failure, Query, Write};
use mercato_ports::events::{DeadLetter, DeadLetters, DeliveryFailure, Event, Handlers};
use mercato_ports::passwords::{PasswordFailure, Passwords};
use mercato_sql::connection::transaction;
use mercato_sql::outbox::{self, RetryPolicy};
use support::{Database, KeyValueStore};
use tokio::runtime::Handle;

fn main() -> ExitCode {
    let runtime = conformance::runtime();
    let folder = tempfile::tempdir().expect("the temporary folder can be created");
    let store = Arc::new(Store {
        file: folder.path().join("shop.db"),
        shop: Shop::new(&conformance::manifest()).expect("the manifest is valid"),
    });
    let handlers = events::TestHandlers::new();
    let stopped = Arc::new(AtomicBool::new(false));
    let relays = [(); 2].map(|()| {
        let (relay, stopped) = (Arc::clone(&store), Arc::clone(&stopped));
        let consumers = TestConsumers(Arc::clone(&handlers), runtime.handle().clone());
        std::thread::spawn(move || relay.deliver(&consumers, &stopped))
    });

    let documents_port: Arc<dyn Documents> = store.clone();
    let dead_letters: Arc<dyn DeadLetters> = store;
    let mut trials = conformance::documents::trials(runtime.handle(), &documents_port);
    trials.extend(events::trials(
        runtime.handle(),
        &handlers,
        &documents_port,
        &dead_letters,
    ));
    for redis in [false, true] {
        let cache: Arc<dyn Cache> = Arc::new(TestCache(KeyValueStore::new(redis)));
        trials.extend(conformance::cache::trials(runtime.handle(), &cache));
        let passwords: Arc<dyn Passwords> = Arc::new(TestPasswords(KeyValueStore::new(redis)));
        trials.extend(conformance::passwords::trials(runtime.handle(), &passwords));
    }
    let code = conformance::run(trials);
    stopped.store(true, Ordering::SeqCst);
    for relay in relays {
        relay.join().expect("the relay does not panic");
    }
    code
}

struct Store {
    file: PathBuf,
    shop: Shop,
}

impl Store {
    fn open(&self) -> Database {
        let database = Database::open(&self.file);
        documents::prepare(&database, &self.shop).unwrap();
        database
    }

    /// Delivers until the test has stopped. Two of these run at the same time.
    fn deliver(&self, consumers: &TestConsumers, stopped: &AtomicBool) {
        let policy = RetryPolicy {
            attempts: events::ATTEMPTS,
            backoff: events::BACKOFF,
            ..RetryPolicy::default()
        };
        while !stopped.load(Ordering::SeqCst) {
            relay::deliver(&self.open(), consumers, &policy).unwrap();
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

#[async_trait]
impl Documents for Store {
    async fn get_many(&self, collection: String, ids: Vec<String>) -> Result<Vec<Option<Document>>, Failure> {
        documents::get_many(&self.open(), &self.shop, &collection, &ids)
    }

    async fn find(&self, query: Query) -> Result<Vec<Document>, Failure> {
        documents::find(&self.open(), &self.shop, &query)
    }

    async fn count(&self, query: Query) -> Result<u64, Failure> {
        documents::count(&self.open(), &self.shop, &query)
    }

    async fn commit(&self, writes: Vec<Write>, events: Vec<Event>) -> Result<(), CommitFailure> {
        documents::commit(&self.open(), &self.shop, &writes, &events)
    }

    async fn ready(&self) -> Result<(), String> {
        Ok(())
    }
}

#[async_trait]
impl DeadLetters for Store {
    async fn list(&self, limit: u32) -> Result<Vec<DeadLetter>, String> {
        outbox::dead_letters(&self.open(), limit)
    }

    async fn replay(&self, id: u64) -> Result<bool, String> {
        let database = self.open();
        transaction(&database, || outbox::replay(&database, id.cast_signed(), now()))
    }
}

struct TestConsumers(Arc<events::TestHandlers>, Handle);

impl relay::Consumers for TestConsumers {
    fn deliver(&self, subscriber: &str, event: &Event) -> Result<(), DeliveryFailure> {
        self.1
            .block_on(self.0.handle(subscriber, vec![event.clone()]))
            .remove(0)
    }
}

struct TestCache(KeyValueStore);

impl TestCache {
    fn expiry(ttl: Duration) -> u64 {
        now().cast_unsigned() + u64::try_from(ttl.as_millis()).unwrap()
    }
}

#[async_trait]
impl Cache for TestCache {
    async fn get_many(&self, keys: Vec<String>) -> Vec<Option<Vec<u8>>> {
        cache::get_many(&self.0, &keys, Self::expiry(Duration::ZERO))
    }

    async fn set(&self, key: String, value: Vec<u8>, ttl: Duration) {
        cache::set(&self.0, &key, &value, Self::expiry(ttl));
    }

    async fn delete(&self, keys: Vec<String>) {
        cache::delete(&self.0, &keys);
    }

    async fn increment(&self, key: String, by: i64, ttl: Duration) -> Option<i64> {
        let now = Self::expiry(Duration::ZERO);
        cache::increment(&self.0, &key, by, now, Self::expiry(ttl))
    }
}

struct TestPasswords(KeyValueStore);

impl TestPasswords {
    fn increment(&self, key: &str, by: i64, ttl: u64) -> Option<i64> {
        let now = now().cast_unsigned();
        cache::increment(&self.0, key, by, now, now + ttl)
    }
}

#[async_trait]
impl Passwords for TestPasswords {
    async fn hash(&self, password: String) -> Result<String, PasswordFailure> {
        let increment = |key: String, by, ttl| self.increment(&key, by, ttl);
        passwords::hash(&increment, &password, now().cast_unsigned())
    }

    async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, PasswordFailure> {
        let increment = |key: String, by, ttl| self.increment(&key, by, ttl);
        passwords::verify(&increment, &password, hash.as_deref(), now().cast_unsigned())
    }
}
