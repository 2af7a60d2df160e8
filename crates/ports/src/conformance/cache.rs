//! Cases of the port `cache`. Those about time allow for a machine that is slow, and take less than a second.

use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::sleep;
use uuid::Uuid;

use super::cases;
use crate::cache::Cache;

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(50);

/// All cases, on one cache. Keys are new with every run.
#[must_use]
pub fn trials(runtime: &Handle, cache: &Arc<dyn Cache>) -> Vec<Trial> {
    let run = Uuid::now_v7();
    CASES
        .iter()
        .map(|case| {
            let keys = Keys {
                cache: Arc::clone(cache),
                prefix: format!("conformance:{run}:{}", case.name),
            };
            case.trial("cache", runtime, keys)
        })
        .collect()
}

cases! { Keys:
    a_value_is_kept_under_its_key,
    values_come_in_the_order_of_the_keys,
    values_are_any_bytes,
    a_later_value_replaces_the_earlier_one,
    a_deleted_value_is_gone,
    a_value_is_gone_after_its_time,
    a_later_value_has_its_own_time,
    a_counter_begins_at_zero,
    a_counter_reads_as_its_decimal_digits,
    a_counter_lives_from_its_first_increment_on,
    a_deleted_counter_begins_again,
    increments_at_once_all_count,
}

/// The keys of one case.
#[derive(Clone)]
pub(super) struct Keys {
    cache: Arc<dyn Cache>,
    prefix: String,
}

impl Keys {
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

async fn a_value_is_kept_under_its_key(keys: Keys) {
    keys.set("a", b"1", LONG).await;
    assert_eq!(
        (keys.get("a").await, keys.get("b").await),
        (Some(b"1".to_vec()), None)
    );
}

async fn values_come_in_the_order_of_the_keys(keys: Keys) {
    keys.set("a", b"1", LONG).await;
    keys.set("b", b"2", LONG).await;
    let asked = ["b", "c", "a", "b"].map(|key| keys.key(key)).to_vec();
    let (one, two) = (Some(b"1".to_vec()), Some(b"2".to_vec()));
    assert_eq!(keys.cache.get_many(asked).await, [two.clone(), None, one, two]);
    assert_eq!(keys.cache.get_many(vec![]).await, []);
}

async fn values_are_any_bytes(keys: Keys) {
    let large = vec![b'x'; 100_000];
    for value in [b"".as_slice(), b"\0\xff\r\n", large.as_slice()] {
        keys.set("a", value, LONG).await;
        assert_eq!(keys.get("a").await.as_deref(), Some(value));
    }
}

async fn a_later_value_replaces_the_earlier_one(keys: Keys) {
    keys.set("a", b"1", LONG).await;
    keys.set("a", b"2", LONG).await;
    assert_eq!(keys.get("a").await, Some(b"2".to_vec()));
}

async fn a_deleted_value_is_gone(keys: Keys) {
    keys.set("a", b"1", LONG).await;
    keys.set("b", b"2", LONG).await;
    keys.cache.delete(vec![keys.key("a"), keys.key("missing")]).await;
    assert_eq!(
        (keys.get("a").await, keys.get("b").await),
        (None, Some(b"2".to_vec()))
    );
}

async fn a_value_is_gone_after_its_time(keys: Keys) {
    keys.set("a", b"1", SHORT).await;
    keys.set("b", b"2", LONG).await;
    sleep(3 * SHORT).await;
    assert_eq!(
        (keys.get("a").await, keys.get("b").await),
        (None, Some(b"2".to_vec()))
    );
}

async fn a_later_value_has_its_own_time(keys: Keys) {
    keys.set("a", b"1", SHORT).await;
    keys.set("a", b"2", LONG).await;
    keys.set("b", b"1", LONG).await;
    keys.set("b", b"2", SHORT).await;
    sleep(3 * SHORT).await;
    assert_eq!(
        (keys.get("a").await, keys.get("b").await),
        (Some(b"2".to_vec()), None)
    );
}

async fn a_counter_begins_at_zero(keys: Keys) {
    assert_eq!(keys.increment("a", 2, LONG).await, Some(2));
    assert_eq!(keys.increment("a", 3, LONG).await, Some(5));
    assert_eq!(keys.increment("a", -7, LONG).await, Some(-2));
    assert_eq!(keys.increment("b", 1, LONG).await, Some(1));
}

async fn a_counter_reads_as_its_decimal_digits(keys: Keys) {
    keys.increment("a", 41, LONG).await;
    keys.increment("a", -1_000, LONG).await;
    assert_eq!(keys.get("a").await, Some(b"-959".to_vec()));
}

async fn a_counter_lives_from_its_first_increment_on(keys: Keys) {
    let ttl = 10 * SHORT;
    assert_eq!(keys.increment("a", 1, ttl).await, Some(1));
    sleep(2 * SHORT).await;
    assert_eq!(keys.increment("a", 1, ttl).await, Some(2));
    // Past the end by the first increment; not by the second, if that had counted.
    sleep(9 * SHORT).await;
    assert_eq!(keys.increment("a", 1, LONG).await, Some(1));
}

async fn a_deleted_counter_begins_again(keys: Keys) {
    assert_eq!(keys.increment("a", 5, LONG).await, Some(5));
    keys.cache.delete(vec![keys.key("a")]).await;
    assert_eq!(keys.increment("a", 1, LONG).await, Some(1));
}

async fn increments_at_once_all_count(keys: Keys) {
    let mut tasks = JoinSet::new();
    for _ in 0..100 {
        let keys = keys.clone();
        tasks.spawn(async move { keys.increment("a", 1, LONG).await.unwrap() });
    }
    let mut counts = tasks.join_all().await;
    counts.sort_unstable();
    assert_eq!(counts, (1..=100).collect::<Vec<_>>());
}
