//! The bucket of the cache on Spin's key-value store, by `wasi:keyvalue`.
//!
//! Spin's SDK can't open this store for the cache: its `Store` has no atomics, and atomics accept no `Store`.

use std::cell::OnceCell;

use super::bindings::wasi::keyvalue::atomics::{self, Cas};
use super::bindings::wasi::keyvalue::store::{self, Bucket as Handle, Error};
use crate::cache::{Bucket, Change};

thread_local! {
    /// The bucket of this instance, or `None` if it can't be opened.
    static BUCKET: OnceCell<Option<Store>> = const { OnceCell::new() };
}

/// The store `default`.
pub struct Store(Handle);

/// Calls a function with the bucket. Returns `None` if the bucket can't be opened.
pub fn with_bucket<T>(call: impl FnOnce(&Store) -> T) -> Option<T> {
    BUCKET.with(|bucket| {
        let open = || {
            store::open("default")
                .map(Store)
                .map_err(|error| eprintln!("the cache can't be opened: {}", reason(error)))
                .ok()
        };
        bucket.get_or_init(open).as_ref().map(call)
    })
}

impl Bucket for Store {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, String> {
        self.0.get(key).map_err(reason)
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), String> {
        self.0.set(key, value).map_err(reason)
    }

    fn increment(&self, key: &str, by: i64) -> Result<i64, String> {
        atomics::increment(&self.0, key, by).map_err(reason)
    }

    fn change(&self, key: &str, change: &Change<'_>) -> Result<(), String> {
        let cas = Cas::new(&self.0, key).map_err(reason)?;
        let current = cas.current().map_err(reason)?;
        if let Some(changed) = change(current.as_deref()) {
            // The result is ignored: on Redis, Spin reports a failure even after a successful swap.
            let _ = atomics::swap(cas, &changed);
        }
        Ok(())
    }
}

fn reason(error: Error) -> String {
    match error {
        Error::NoSuchStore => "the key-value store `default` does not exist".into(),
        Error::AccessDenied => {
            "the component may not use the key-value store `default`: add it to `key_value_stores` in spin.toml".into()
        }
        Error::Other(reason) => reason,
    }
}
