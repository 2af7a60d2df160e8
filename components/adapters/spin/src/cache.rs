//! The port `cache` on a key-value store that has neither times to live nor an end to its size.
//!
//! Each key has one of a fixed number of places, by its hash, and takes the place of what was there: so the store can't grow
//! without end, and nobody has to look for what has expired. A counter's value is the store's own atomic one, which only ever
//! goes on; its place says where it stood when the counter began.

use std::hash::{DefaultHasher, Hash, Hasher};

/// How many places there are; a value has at most some hundred kilobytes.
const PLACES: u64 = 1 << 16;

/// How often the beginning of a counter is tried.
const ATTEMPTS: u32 = 8;

/// What to put in the place of a value, if anything.
pub type Change<'a> = dyn Fn(Option<&[u8]>) -> Option<Vec<u8>> + 'a;

/// A key-value store.
pub trait Bucket {
    /// The value of a key.
    ///
    /// # Errors
    /// A sentence for the operator, here and below.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, String>;

    /// Keeps a value.
    ///
    /// # Errors
    /// As above.
    fn set(&self, key: &str, value: &[u8]) -> Result<(), String>;

    /// Adds to a number, which begins at 0, and tells its new value.
    ///
    /// # Errors
    /// As above.
    fn increment(&self, key: &str, by: i64) -> Result<i64, String>;

    /// Puts another value in the place of the current one, unless somebody else did so in between. Whether it did is not told, since
    /// not every store says so.
    ///
    /// # Errors
    /// As above.
    fn change(&self, key: &str, change: &Change<'_>) -> Result<(), String>;
}

/// What a place holds.
#[derive(Debug, PartialEq, Eq)]
struct Entry<'a> {
    key: &'a str,
    /// In milliseconds since the Unix epoch.
    expires: u64,
    value: Kept<'a>,
}

#[derive(Debug, PartialEq, Eq)]
enum Kept<'a> {
    Value(&'a [u8]),
    /// A counter, with the store's number at its zero.
    Counter(i64),
}

impl<'a> Entry<'a> {
    /// Eight bytes of expiry, eight of the counter's zero, one that tells a counter from a value, four of the key's length, the key, the value.
    fn write(&self) -> Vec<u8> {
        let (kind, zero, value) = match self.value {
            Kept::Value(value) => (0, 0, value),
            Kept::Counter(zero) => (1, zero, [].as_slice()),
        };
        let length = u32::try_from(self.key.len()).unwrap_or(u32::MAX);
        [
            &self.expires.to_le_bytes()[..],
            &zero.to_le_bytes(),
            &[kind],
            &length.to_le_bytes(),
            self.key.as_bytes(),
            value,
        ]
        .concat()
    }

    fn read(bytes: &'a [u8]) -> Option<Self> {
        let (expires, rest) = bytes.split_first_chunk()?;
        let (zero, rest) = rest.split_first_chunk()?;
        let (kind, rest) = rest.split_first()?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (key, value) = rest.split_at_checked(length)?;
        Some(Self {
            key: str::from_utf8(key).ok()?,
            expires: u64::from_le_bytes(*expires),
            value: match kind {
                0 => Kept::Value(value),
                _ => Kept::Counter(i64::from_le_bytes(*zero)),
            },
        })
    }

    /// What is kept under a key and has not expired.
    fn live(bytes: Option<&'a [u8]>, key: &str, now: u64) -> Option<Kept<'a>> {
        let entry = Self::read(bytes?)?;
        (entry.key == key && entry.expires > now).then_some(entry.value)
    }
}

/// As `mercato:platform/cache.get-many`.
pub fn get_many(bucket: &impl Bucket, keys: &[String], now: u64) -> Vec<Option<Vec<u8>>> {
    let get = |key: &String| {
        let place = place(key);
        let bytes = bucket.get(&place)?;
        Ok(match Entry::live(bytes.as_deref(), key, now) {
            None => None,
            Some(Kept::Value(value)) => Some(value.to_vec()),
            Some(Kept::Counter(zero)) => {
                let count = bucket.increment(&number(&place), 0)?.wrapping_sub(zero);
                Some(count.to_string().into_bytes())
            }
        })
    };
    keys.iter().map(|key| told(get(key)).flatten()).collect()
}

/// As `mercato:platform/cache.set`.
pub fn set(bucket: &impl Bucket, key: &str, value: &[u8], expires: u64) {
    let entry = Entry {
        key,
        expires,
        value: Kept::Value(value),
    };
    told(bucket.set(&place(key), &entry.write()));
}

/// As `mercato:platform/cache.delete`. The place is not given free: an empty one would let two instances begin a counter at once.
pub fn delete(bucket: &impl Bucket, keys: &[String]) {
    for key in keys {
        let place = place(key);
        told(bucket.change(&place, &|bytes| {
            Entry::read(bytes?).filter(|entry| entry.key == key).map(|_| {
                let value = Kept::Value(&[]);
                let expires = 0;
                Entry { key, expires, value }.write()
            })
        }));
    }
}

/// As `mercato:platform/cache.increment`.
pub fn increment(bucket: &impl Bucket, key: &str, by: i64, now: u64, expires: u64) -> Option<i64> {
    told(count(bucket, key, by, now, expires)).flatten()
}

fn count(bucket: &impl Bucket, key: &str, by: i64, now: u64, expires: u64) -> Result<Option<i64>, String> {
    let place = place(key);
    let number = number(&place);
    for _ in 0..ATTEMPTS {
        let bytes = bucket.get(&place)?;
        if let Some(Kept::Counter(zero)) = Entry::live(bytes.as_deref(), key, now) {
            return Ok(Some(bucket.increment(&number, by)?.wrapping_sub(zero)));
        }
        let reached = bucket.increment(&number, 0)?;
        bucket.change(&place, &|bytes| {
            let zero = match Entry::live(bytes, key, now) {
                // Somebody else was faster.
                Some(Kept::Counter(_)) => return None,
                Some(Kept::Value(value)) => {
                    reached.wrapping_sub(str::from_utf8(value).ok()?.parse::<i64>().ok()?)
                }
                None if bytes.is_some() => reached,
                // Its number has never been used, or by those who begin at this very moment, at the same zero.
                None => 0,
            };
            let value = Kept::Counter(zero);
            Some(Entry { key, expires, value }.write())
        })?;
    }
    Ok(None)
}

/// Where a key is kept.
fn place(key: &str) -> String {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    format!("{:04x}", hasher.finish() % PLACES)
}

/// Where the number of the counter in a place is kept.
fn number(place: &str) -> String {
    format!("{place}-number")
}

/// A cache that is away misses; the operator is told.
fn told<T>(result: Result<T, String>) -> Option<T> {
    result
        .map_err(|reason| eprintln!("the cache failed: {reason}"))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_comes_back_as_it_was() {
        for value in [Kept::Value(b"\0value"), Kept::Value(b""), Kept::Counter(-7)] {
            let key = "a key";
            let entry = Entry {
                key,
                expires: 5,
                value,
            };
            let bytes = entry.write();
            assert_eq!(Entry::read(&bytes), Some(entry));
        }
        for bytes in [b"".as_slice(), &[0; 20], &[0xff; 40]] {
            assert_eq!(Entry::read(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn another_key_in_the_same_place_is_not_found() {
        let value = Kept::Value(b"1");
        let bytes = Entry {
            key: "a",
            expires: 9,
            value,
        }
        .write();
        assert!(Entry::live(Some(&bytes), "a", 8).is_some());
        assert!(Entry::live(Some(&bytes), "b", 8).is_none());
        assert!(Entry::live(Some(&bytes), "a", 9).is_none());
    }
}
