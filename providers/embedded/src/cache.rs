//! The port `cache`, in memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use mercato_ports::cache::Cache;

/// The bytes of an entry besides its value and its key, which is stored twice: about what the two maps need
/// for it.
const OVERHEAD: usize = 160;

/// A cache of bounded size in this process. The first two words of a key name its space, such as
/// `gateway.response`.
///
/// A full cache evicts from its largest space the entries that expire first. So entries of a space stay as
/// long as another space is larger: bulk data never evicts the few entries of another kind.
///
/// ```
/// # use std::time::{Duration, Instant};
/// # use mercato_embedded::MemoryCache;
/// # use mercato_ports::cache::Cache;
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let cache = MemoryCache::new(64 << 20);
/// cache.set("greeting".into(), b"hello".to_vec(), Duration::from_secs(60)).await;
/// assert_eq!(cache.get_many(vec!["greeting".into()]).await, [Some(b"hello".to_vec())]);
/// # });
/// ```
pub struct MemoryCache {
    capacity: usize,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    by_key: HashMap<String, Entry>,
    spaces: HashMap<String, Space>,
    /// The size of all entries, in bytes.
    size: usize,
    /// The number of entries that were ever inserted.
    inserted: u64,
}

/// The entries of one space.
#[derive(Default)]
struct Space {
    /// The keys in the order of their expiry. The number distinguishes entries that expire at the same time.
    by_expiry: BTreeMap<(Instant, u64), String>,
    /// The size of the entries, in bytes.
    size: usize,
}

struct Entry {
    value: Vec<u8>,
    expiry: (Instant, u64),
}

impl MemoryCache {
    /// Creates a cache of this many bytes, including keys and overhead.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            entries: Mutex::default(),
        }
    }

    /// Locks the entries, and removes the expired ones.
    fn entries(&self) -> MutexGuard<'_, Entries> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.remove_expired(Instant::now());
        entries
    }

    fn insert(&self, entries: &mut Entries, key: String, value: Vec<u8>, expiry: Instant) {
        entries.remove(&key);
        let size = cost(&key, &value);
        if size > self.capacity {
            tracing::warn!(
                key,
                size,
                capacity = self.capacity,
                "a value is larger than the whole cache; it is not cached"
            );
            return;
        }
        entries.inserted += 1;
        let expiry = (expiry, entries.inserted);
        let space = entries.spaces.entry(space_of(&key).to_owned()).or_default();
        space.size += size;
        space.by_expiry.insert(expiry, key.clone());
        entries.size += size;
        entries.by_key.insert(key, Entry { value, expiry });
        while entries.size > self.capacity {
            entries.evict();
        }
    }
}

impl Entries {
    fn remove(&mut self, key: &str) {
        if let Some(entry) = self.by_key.remove(key) {
            let size = cost(key, &entry.value);
            self.size -= size;
            if let Some(space) = self.spaces.get_mut(space_of(key)) {
                space.by_expiry.remove(&entry.expiry);
                space.size -= size;
                if space.by_expiry.is_empty() {
                    self.spaces.remove(space_of(key));
                }
            }
        }
    }

    fn remove_expired(&mut self, now: Instant) {
        let mut expired = Vec::new();
        for space in self.spaces.values() {
            let until = (now, u64::MAX);
            expired.extend(space.by_expiry.range(..=until).map(|(_, key)| key.clone()));
        }
        for key in expired {
            self.remove(&key);
        }
    }

    /// Removes the entry of the largest space that expires first.
    fn evict(&mut self) {
        let largest = self.spaces.values().max_by_key(|space| space.size);
        let first = largest.and_then(|space| space.by_expiry.first_key_value());
        if let Some((_, key)) = first {
            let key = key.clone();
            self.remove(&key);
        }
    }
}

/// Returns the first two words of a key.
fn space_of(key: &str) -> &str {
    let mut dots = key.match_indices('.');
    match dots.nth(1) {
        Some((end, _)) => key.get(..end).unwrap_or(key),
        None => key,
    }
}

fn cost(key: &str, value: &[u8]) -> usize {
    2 * key.len() + value.len() + OVERHEAD
}

/// Returns the time of expiry for a time to live: at most a century from now, so that an `Instant` can hold
/// it.
fn expiry(ttl: Duration) -> Instant {
    Instant::now() + ttl.min(Duration::from_hours(24 * 365 * 100))
}

#[async_trait]
impl Cache for MemoryCache {
    async fn get_many(&self, keys: Vec<String>) -> Vec<Option<Vec<u8>>> {
        let entries = self.entries();
        keys.iter()
            .map(|key| entries.by_key.get(key).map(|entry| entry.value.clone()))
            .collect()
    }

    async fn set(&self, key: String, value: Vec<u8>, ttl: Duration) {
        let mut entries = self.entries();
        self.insert(&mut entries, key, value, expiry(ttl));
    }

    async fn delete(&self, keys: Vec<String>) {
        let mut entries = self.entries();
        for key in keys {
            entries.remove(&key);
        }
    }

    async fn increment(&self, key: String, by: i64, ttl: Duration) -> Option<i64> {
        let mut entries = self.entries();
        let (current, expiry) = match entries.by_key.get(&key) {
            Some(entry) => (
                str::from_utf8(&entry.value).ok()?.parse::<i64>().ok()?,
                entry.expiry.0,
            ),
            None => (0, expiry(ttl)),
        };
        let sum = current.checked_add(by)?;
        self.insert(&mut entries, key, sum.to_string().into_bytes(), expiry);
        Some(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(100);

    async fn get(cache: &MemoryCache, key: &str) -> Option<Vec<u8>> {
        cache.get_many(vec![key.into()]).await.remove(0)
    }

    #[tokio::test]
    async fn a_full_cache_evicts_the_entry_that_expires_first() {
        let cache = MemoryCache::new(3 * cost("x.y.a", b"1"));
        cache.set("x.y.a".into(), b"1".to_vec(), LONG).await;
        cache.set("x.y.b".into(), b"2".to_vec(), LONG / 2).await;
        cache.set("x.y.c".into(), b"3".to_vec(), LONG).await;
        cache.set("x.y.d".into(), b"4".to_vec(), LONG).await;
        assert_eq!(get(&cache, "x.y.b").await, None);
        for key in ["x.y.a", "x.y.c", "x.y.d"] {
            assert!(get(&cache, key).await.is_some(), "{key}");
        }
    }

    #[tokio::test]
    async fn bulk_entries_evict_each_other_and_no_smaller_space() {
        let cache = MemoryCache::new(100_000);
        // These expire first.
        cache
            .set("accounts.revoked.a".into(), b"1".to_vec(), LONG / 4)
            .await;
        cache.increment("accounts.attempts.a".into(), 1, LONG / 4).await;
        for n in 0..500 {
            let key = |kind: &str| format!("gateway.{kind}.{n}");
            cache.set(key("query"), vec![0; 10_000], LONG).await;
            cache.set(key("response"), vec![0; 1_000], LONG / 2).await;
        }
        let kept = async |key: &str| get(&cache, key).await.is_some();
        assert!(kept("accounts.revoked.a").await && kept("accounts.attempts.a").await);
        assert!(kept("gateway.query.499").await && kept("gateway.response.499").await);
        assert!(!kept("gateway.query.0").await && !kept("gateway.response.0").await);
        let entries = cache.entries();
        let sizes: Vec<_> = ["gateway.query", "gateway.response"]
            .map(|space| entries.spaces[space].size)
            .into();
        assert!(
            entries.size <= 100_000 && sizes.iter().all(|size| *size > 30_000),
            "{sizes:?}"
        );
    }

    #[tokio::test]
    async fn many_small_entries_do_not_evict_those_of_another_space() {
        let cache = MemoryCache::new(100_000);
        for n in 0..100 {
            cache
                .set(format!("accounts.revoked.{n}"), b"1".to_vec(), LONG / 4)
                .await;
        }
        for n in 0..5_000 {
            cache.increment(format!("gateway.rate.1.{n}"), 1, LONG).await;
        }
        for n in 0..100 {
            assert!(
                get(&cache, &format!("accounts.revoked.{n}")).await.is_some(),
                "{n}"
            );
        }
    }

    #[test]
    fn the_first_two_words_of_a_key_name_its_space() {
        for (key, space) in [
            ("a.b.c.d", "a.b"),
            ("a.b", "a.b"),
            ("a", "a"),
            ("", ""),
            ("..x", "."),
        ] {
            assert_eq!(space_of(key), space);
        }
    }

    #[tokio::test]
    async fn a_value_larger_than_the_cache_is_not_stored_and_evicts_nothing() {
        let cache = MemoryCache::new(1_000);
        cache.set("a".into(), b"1".to_vec(), LONG).await;
        cache.set("b".into(), vec![0; 1_000], LONG).await;
        assert_eq!(
            (get(&cache, "a").await.is_some(), get(&cache, "b").await),
            (true, None)
        );
    }

    #[tokio::test]
    async fn expired_entries_are_removed_completely() {
        let cache = MemoryCache::new(1_000_000);
        for n in 0..50 {
            cache
                .set(n.to_string(), vec![0; 10], Duration::from_millis(n))
                .await;
            cache
                .increment(n.to_string() + "-counter", 1, Duration::from_millis(n))
                .await;
        }
        tokio::time::sleep(Duration::from_millis(60)).await;
        let entries = cache.entries();
        assert_eq!(
            (entries.by_key.len(), entries.spaces.len(), entries.size),
            (0, 0, 0)
        );
    }

    #[tokio::test]
    async fn accepts_the_longest_time_to_live() {
        let cache = MemoryCache::new(1_000);
        cache.set("a".into(), b"1".to_vec(), Duration::MAX).await;
        assert!(get(&cache, "a").await.is_some());
    }

    #[tokio::test]
    async fn does_not_increment_a_text_or_beyond_the_largest_integer() {
        let cache = MemoryCache::new(1_000);
        cache.set("a".into(), b"x".to_vec(), LONG).await;
        assert_eq!(cache.increment("a".into(), 1, LONG).await, None);
        assert_eq!(cache.increment("b".into(), i64::MAX, LONG).await, Some(i64::MAX));
        assert_eq!(cache.increment("b".into(), 1, LONG).await, None);
    }
}
