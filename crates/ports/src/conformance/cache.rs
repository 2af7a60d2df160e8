//! Cases of the port `cache`. The cases about time work on a slow machine too, and take less than a second.

use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::sleep;
use uuid::Uuid;

use super::case::cases;
use crate::cache::Cache;

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(50);

/// Returns all cases for a cache. Each run uses new keys.
#[must_use]
pub fn trials(runtime: &Handle, cache: &Arc<dyn Cache>) -> Vec<Trial> {
    let run = Uuid::now_v7();
    CASES
        .iter()
        .map(|case| {
            let fixture = Fixture {
                cache: Arc::clone(cache),
                prefix: format!("conformance:{run}:{}", case.name),
            };
            case.trial("cache", runtime, fixture)
        })
        .collect()
}

cases! { Fixture:
    returns_a_stored_value,
    returns_values_in_the_order_of_the_keys,
    stores_any_bytes,
    replaces_a_value,
    deletes_a_value,
    expires_a_value,
    replaces_the_expiry_with_the_value,
    starts_a_counter_at_zero,
    returns_a_counter_as_decimal_digits,
    expires_a_counter_after_its_first_increment,
    restarts_a_deleted_counter,
    counts_concurrent_increments,
}

/// The cache, and the keys of one case.
#[derive(Clone)]
pub(super) struct Fixture {
    cache: Arc<dyn Cache>,
    prefix: String,
}

impl Fixture {
    fn key(&self, key: &str) -> String {
        format!("{}:{key}", self.prefix)
    }

    async fn set(&self, key: &str, value: &[u8], ttl: Duration) {
        self.cache.set(self.key(key), value.to_vec(), ttl).await;
    }

    async fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.cache.get_many(vec![self.key(key)]).await.remove(0)
    }

    async fn increment(&self, key: &str, by: i64, ttl: Duration) -> Option<i64> {
        self.cache.increment(self.key(key), by, ttl).await
    }
}

async fn returns_a_stored_value(fixture: Fixture) {
    fixture.set("a", b"1", LONG).await;
    assert_eq!(
        (fixture.get("a").await, fixture.get("b").await),
        (Some(b"1".to_vec()), None)
    );
}

async fn returns_values_in_the_order_of_the_keys(fixture: Fixture) {
    fixture.set("a", b"1", LONG).await;
    fixture.set("b", b"2", LONG).await;
    let keys = ["b", "c", "a", "b"].map(|key| fixture.key(key)).to_vec();
    let (one, two) = (Some(b"1".to_vec()), Some(b"2".to_vec()));
    assert_eq!(fixture.cache.get_many(keys).await, [two.clone(), None, one, two]);
    assert_eq!(fixture.cache.get_many(vec![]).await, []);
}

async fn stores_any_bytes(fixture: Fixture) {
    let large = vec![b'x'; 100_000];
    for value in [b"".as_slice(), b"\0\xff\r\n", large.as_slice()] {
        fixture.set("a", value, LONG).await;
        assert_eq!(fixture.get("a").await.as_deref(), Some(value));
    }
}

async fn replaces_a_value(fixture: Fixture) {
    fixture.set("a", b"1", LONG).await;
    fixture.set("a", b"2", LONG).await;
    assert_eq!(fixture.get("a").await, Some(b"2".to_vec()));
}

async fn deletes_a_value(fixture: Fixture) {
    fixture.set("a", b"1", LONG).await;
    fixture.set("b", b"2", LONG).await;
    fixture
        .cache
        .delete(vec![fixture.key("a"), fixture.key("missing")])
        .await;
    assert_eq!(
        (fixture.get("a").await, fixture.get("b").await),
        (None, Some(b"2".to_vec()))
    );
}

async fn expires_a_value(fixture: Fixture) {
    fixture.set("a", b"1", SHORT).await;
    fixture.set("b", b"2", LONG).await;
    sleep(3 * SHORT).await;
    assert_eq!(
        (fixture.get("a").await, fixture.get("b").await),
        (None, Some(b"2".to_vec()))
    );
}

async fn replaces_the_expiry_with_the_value(fixture: Fixture) {
    fixture.set("a", b"1", SHORT).await;
    fixture.set("a", b"2", LONG).await;
    fixture.set("b", b"1", LONG).await;
    fixture.set("b", b"2", SHORT).await;
    sleep(3 * SHORT).await;
    assert_eq!(
        (fixture.get("a").await, fixture.get("b").await),
        (Some(b"2".to_vec()), None)
    );
}

async fn starts_a_counter_at_zero(fixture: Fixture) {
    assert_eq!(fixture.increment("a", 2, LONG).await, Some(2));
    assert_eq!(fixture.increment("a", 3, LONG).await, Some(5));
    assert_eq!(fixture.increment("a", -7, LONG).await, Some(-2));
    assert_eq!(fixture.increment("b", 1, LONG).await, Some(1));
}

async fn returns_a_counter_as_decimal_digits(fixture: Fixture) {
    fixture.increment("a", 41, LONG).await;
    fixture.increment("a", -1_000, LONG).await;
    assert_eq!(fixture.get("a").await, Some(b"-959".to_vec()));
}

async fn expires_a_counter_after_its_first_increment(fixture: Fixture) {
    let ttl = 10 * SHORT;
    assert_eq!(fixture.increment("a", 1, ttl).await, Some(1));
    sleep(2 * SHORT).await;
    assert_eq!(fixture.increment("a", 1, ttl).await, Some(2));
    // Now the counter has expired. It would not have if the second increment had extended its life.
    sleep(9 * SHORT).await;
    assert_eq!(fixture.increment("a", 1, LONG).await, Some(1));
}

async fn restarts_a_deleted_counter(fixture: Fixture) {
    assert_eq!(fixture.increment("a", 5, LONG).await, Some(5));
    fixture.cache.delete(vec![fixture.key("a")]).await;
    assert_eq!(fixture.increment("a", 1, LONG).await, Some(1));
}

async fn counts_concurrent_increments(fixture: Fixture) {
    let mut tasks = JoinSet::new();
    for _ in 0..100 {
        let fixture = fixture.clone();
        tasks.spawn(async move { fixture.increment("a", 1, LONG).await.unwrap() });
    }
    let mut counts = tasks.join_all().await;
    counts.sort_unstable();
    assert_eq!(counts, (1..=100).collect::<Vec<_>>());
}
