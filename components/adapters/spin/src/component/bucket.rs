//! Spin's key-value store as a bucket of the cache.

use std::cell::OnceCell;

use super::bindings::wasi::keyvalue::atomics::{self, Cas};
use super::bindings::wasi::keyvalue::store::{self, Bucket as Handle, Error};
use crate::cache::{Bucket, Change};

thread_local! {
    /// The bucket of this instance; none where it can't be opened.
    static BUCKET: OnceCell<Option<Store>> = const { OnceCell::new() };
}

/// The store `default`.
pub struct Store(Handle);

/// Does something with the bucket, if there is one.
pub fn with_bucket<T>(work: impl FnOnce(&Store) -> T) -> Option<T> {
    BUCKET.with(|bucket| {
        let open = || {
            store::open("default")
                .map(Store)
                .map_err(|error| eprintln!("the cache can't be opened: {}", sentence(error)))
                .ok()
        };
        bucket.get_or_init(open).as_ref().map(work)
    })
}

impl Bucket for Store {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, String> {
        self.0.get(key).map_err(sentence)
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), String> {
        self.0.set(key, value).map_err(sentence)
    }

    fn increment(&self, key: &str, by: i64) -> Result<i64, String> {
        atomics::increment(&self.0, key, by).map_err(sentence)
    }

    fn change(&self, key: &str, change: &Change<'_>) -> Result<(), String> {
        let cas = Cas::new(&self.0, key).map_err(sentence)?;
        let current = cas.current().map_err(sentence)?;
        if let Some(changed) = change(current.as_deref()) {
            // With Redis behind it, it answers that it failed whatever came of it.
            let _ = atomics::swap(cas, &changed);
        }
        Ok(())
    }
}

fn sentence(error: Error) -> String {
    match error {
        Error::NoSuchStore => "there is no key-value store `default`".into(),
        Error::AccessDenied => "spin.toml gives this component no key-value store `default`".into(),
        Error::Other(reason) => reason,
    }
}
