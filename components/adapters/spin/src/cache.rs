//! The port `cache` on a key-value store that has no expiry and no size limit.
//!
//! The hash of a key selects one of a fixed number of slots, and a new value overwrites the slot. So the
//! store can't grow without limit, and nothing has to delete expired values. A counter uses the store's
//! atomic numbers, which are never reset: the counter's slot holds the number at which the counter started.

use std::hash::{DefaultHasher, Hash, Hasher};

/// The number of slots. A value has at most some hundred kilobytes.
const SLOTS: u64 = 1 << 16;

/// The maximum number of attempts to start a counter.
const ATTEMPTS: u32 = 8;

/// Returns the new value for a current value, or `None` to leave it unchanged.
pub type Change<'a> = dyn Fn(Option<&[u8]>) -> Option<Vec<u8>> + 'a;

/// A key-value store. All errors are sentences for the operator.
pub trait Bucket {
    /// Returns the value of a key.
    ///
    /// # Errors
    /// Fails if the store fails.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, String>;

    /// Stores a value.
    ///
    /// # Errors
    /// Fails if the store fails.
    fn set(&self, key: &str, value: &[u8]) -> Result<(), String>;

    /// Adds to a number, which starts at 0, and returns its new value.
    ///
    /// # Errors
    /// Fails if the store fails.
    fn increment(&self, key: &str, by: i64) -> Result<i64, String>;

    /// Replaces the current value, unless another instance changed it at the same time. It does not return
    /// whether it replaced the value, because not every store reports that.
    ///
    /// # Errors
    /// Fails if the store fails.
    fn change(&self, key: &str, change: &Change<'_>) -> Result<(), String>;
}

/// The content of a slot.
#[derive(Debug, PartialEq, Eq)]
struct Entry<'a> {
    key: &'a str,
    /// In milliseconds since the Unix epoch.
    expires: u64,
    content: Content<'a>,
}

#[derive(Debug, PartialEq, Eq)]
enum Content<'a> {
    Value(&'a [u8]),
    /// A counter, with the store's number at which the counter is 0.
    Counter(i64),
}

impl<'a> Entry<'a> {
    /// Encodes the entry:
    ///
    /// | bytes | content |
    /// |---|---|
    /// | 8 | expiry |
    /// | 8 | start of the counter |
    /// | 1 | 0 for a value, 1 for a counter |
    /// | 4 | length of the key |
    /// | | key |
    /// | | value |
    fn encode(&self) -> Vec<u8> {
        let (kind, start, value) = match self.content {
            Content::Value(value) => (0, 0, value),
            Content::Counter(start) => (1, start, [].as_slice()),
        };
        let length = u32::try_from(self.key.len()).unwrap_or(u32::MAX);
        [
            &self.expires.to_le_bytes()[..],
            &start.to_le_bytes(),
            &[kind],
            &length.to_le_bytes(),
            self.key.as_bytes(),
            value,
        ]
        .concat()
    }

    fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (expires, rest) = bytes.split_first_chunk()?;
        let (start, rest) = rest.split_first_chunk()?;
        let (kind, rest) = rest.split_first()?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (key, value) = rest.split_at_checked(length)?;
        Some(Self {
            key: str::from_utf8(key).ok()?,
            expires: u64::from_le_bytes(*expires),
            content: match kind {
                0 => Content::Value(value),
                _ => Content::Counter(i64::from_le_bytes(*start)),
            },
        })
    }

    /// Returns the content of a key that has not expired.
    fn live(bytes: Option<&'a [u8]>, key: &str, now: u64) -> Option<Content<'a>> {
        let entry = Self::decode(bytes?)?;
        (entry.key == key && entry.expires > now).then_some(entry.content)
    }
}

/// Implements `mercato:platform/cache.get-many`.
pub fn get_many(bucket: &impl Bucket, keys: &[String], now: u64) -> Vec<Option<Vec<u8>>> {
    let get = |key: &String| {
        let slot = slot(key);
        let bytes = bucket.get(&slot)?;
        Ok(match Entry::live(bytes.as_deref(), key, now) {
            None => None,
            Some(Content::Value(value)) => Some(value.to_vec()),
            Some(Content::Counter(start)) => {
                let count = bucket.increment(&number(&slot), 0)?.wrapping_sub(start);
                Some(count.to_string().into_bytes())
            }
        })
    };
    keys.iter().map(|key| logged(get(key)).flatten()).collect()
}

/// Implements `mercato:platform/cache.set`.
pub fn set(bucket: &impl Bucket, key: &str, value: &[u8], expires: u64) {
    let content = Content::Value(value);
    let entry = Entry {
        key,
        expires,
        content,
    };
    logged(bucket.set(&slot(key), &entry.encode()));
}

/// Implements `mercato:platform/cache.delete`. The slot keeps an expired entry: in an empty slot, two
/// instances could start the same counter at once.
pub fn delete(bucket: &impl Bucket, keys: &[String]) {
    for key in keys {
        let expired = |bytes: Option<&[u8]>| {
            Entry::decode(bytes?).filter(|entry| entry.key == key).map(|_| {
                let content = Content::Value(&[]);
                let expires = 0;
                Entry {
                    key,
                    expires,
                    content,
                }
                .encode()
            })
        };
        logged(bucket.change(&slot(key), &expired));
    }
}

/// Implements `mercato:platform/cache.increment`.
pub fn increment(bucket: &impl Bucket, key: &str, by: i64, now: u64, expires: u64) -> Option<i64> {
    logged(count(bucket, key, by, now, expires)).flatten()
}

fn count(bucket: &impl Bucket, key: &str, by: i64, now: u64, expires: u64) -> Result<Option<i64>, String> {
    let slot = slot(key);
    let number = number(&slot);
    for _ in 0..ATTEMPTS {
        let bytes = bucket.get(&slot)?;
        if let Some(Content::Counter(start)) = Entry::live(bytes.as_deref(), key, now) {
            return Ok(Some(bucket.increment(&number, by)?.wrapping_sub(start)));
        }
        let reached = bucket.increment(&number, 0)?;
        bucket.change(&slot, &|bytes| {
            let start = match Entry::live(bytes, key, now) {
                // Another instance has started the counter.
                Some(Content::Counter(_)) => return None,
                Some(Content::Value(value)) => {
                    reached.wrapping_sub(str::from_utf8(value).ok()?.parse::<i64>().ok()?)
                }
                None if bytes.is_some() => reached,
                // The slot is empty, so the number is still 0. An instance that starts the counter at this
                // moment writes the same entry.
                None => 0,
            };
            let content = Content::Counter(start);
            let entry = Entry {
                key,
                expires,
                content,
            };
            Some(entry.encode())
        })?;
    }
    Ok(None)
}

/// Returns the store's key of the slot of a cache key.
fn slot(key: &str) -> String {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    format!("{:04x}", hasher.finish() % SLOTS)
}

/// Returns the store's key of the number that counts for a slot.
fn number(slot: &str) -> String {
    format!("{slot}-number")
}

/// Logs an error and returns `None` for it: an unavailable cache has no values.
fn logged<T>(result: Result<T, String>) -> Option<T> {
    result
        .map_err(|reason| eprintln!("the cache failed: {reason}"))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_an_encoded_entry() {
        for content in [
            Content::Value(b"\0value"),
            Content::Value(b""),
            Content::Counter(-7),
        ] {
            let key = "a key";
            let entry = Entry {
                key,
                expires: 5,
                content,
            };
            let bytes = entry.encode();
            assert_eq!(Entry::decode(&bytes), Some(entry));
        }
        for bytes in [b"".as_slice(), &[0; 20], &[0xff; 40]] {
            assert_eq!(Entry::decode(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn ignores_an_entry_that_has_expired_or_has_another_key() {
        let content = Content::Value(b"1");
        let bytes = Entry {
            key: "a",
            expires: 9,
            content,
        }
        .encode();
        assert!(Entry::live(Some(&bytes), "a", 8).is_some());
        assert!(Entry::live(Some(&bytes), "b", 8).is_none());
        assert!(Entry::live(Some(&bytes), "a", 9).is_none());
    }
}
