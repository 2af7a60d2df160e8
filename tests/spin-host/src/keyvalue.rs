//! `wasi:keyvalue`: one table in the file `sqlite_key_value.db` of the state folder, with what that means for numbers and swaps.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, params};
use wasmtime::component::Resource;

use crate::bindings::wasi::keyvalue::atomics::{self, CasError, HostCas};
use crate::bindings::wasi::keyvalue::store::{self, Error, HostBucket, KeyResponse};
use crate::state::State;

/// All stores of the application, on one connection.
#[derive(Clone)]
pub struct Stores(Arc<Mutex<Connection>>);

/// A store that a guest holds.
#[derive(Clone)]
pub struct Bucket {
    stores: Stores,
    name: String,
}

/// A swap that a guest prepares.
pub struct Swap {
    bucket: Bucket,
    key: String,
    seen: Option<Vec<u8>>,
}

type Outcome<T> = wasmtime::Result<Result<T, Error>>;

impl Stores {
    /// Opens the file.
    ///
    /// # Errors
    /// As SQLite fails.
    pub fn open(folder: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(folder.join("sqlite_key_value.db"))?;
        connection.execute(
            "CREATE TABLE IF NOT EXISTS spin_key_value \
             (store TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (store, key))",
            (),
        )?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }
}

impl Bucket {
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.stores.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, key: &str) -> rusqlite::Result<Option<Vec<u8>>> {
        get(&self.connection(), &self.name, key)
    }

    fn set(&self, key: &str, value: &[u8]) -> rusqlite::Result<()> {
        set(&self.connection(), &self.name, key, value)
    }

    fn delete(&self, key: &str) -> rusqlite::Result<()> {
        self.connection()
            .prepare_cached("DELETE FROM spin_key_value WHERE store = ? AND key = ?")?
            .execute([&self.name, key])
            .map(drop)
    }

    fn keys(&self) -> rusqlite::Result<Vec<String>> {
        self.connection()
            .prepare_cached("SELECT key FROM spin_key_value WHERE store = ?")?
            .query_map([&self.name], |row| row.get(0))?
            .collect()
    }

    /// Numbers are eight bytes.
    fn increment(&self, key: &str, by: i64) -> rusqlite::Result<Result<i64, Error>> {
        let connection = self.connection();
        let current = get(&connection, &self.name, key)?.map_or(Ok([0; 8]), TryInto::try_into);
        let Ok(current) = current else {
            return Ok(Err(Error::Other(format!("`{key}` is no number"))));
        };
        let sum = i64::from_le_bytes(current).wrapping_add(by);
        set(&connection, &self.name, key, &sum.to_le_bytes())?;
        Ok(Ok(sum))
    }

    /// A swap from nothing overwrites.
    fn swap(&self, key: &str, seen: Option<&[u8]>, value: &[u8]) -> rusqlite::Result<bool> {
        let connection = self.connection();
        let Some(seen) = seen else {
            return set(&connection, &self.name, key, value).map(|()| true);
        };
        let changed = connection
            .prepare_cached("UPDATE spin_key_value SET value = ? WHERE store = ? AND key = ? AND value = ?")?
            .execute(params![value, self.name, key, seen])?;
        Ok(changed == 1)
    }
}

fn get(connection: &Connection, store: &str, key: &str) -> rusqlite::Result<Option<Vec<u8>>> {
    connection
        .prepare_cached("SELECT value FROM spin_key_value WHERE store = ? AND key = ?")?
        .query_row([store, key], |row| row.get(0))
        .optional()
}

fn set(connection: &Connection, store: &str, key: &str, value: &[u8]) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO spin_key_value (store, key, value) VALUES (?1, ?2, ?3) \
             ON CONFLICT (store, key) DO UPDATE SET value = ?3",
        )?
        .execute(params![store, key, value])
        .map(drop)
}

impl store::Host for State {
    async fn open(&mut self, identifier: String) -> Outcome<Resource<Bucket>> {
        if !self.component.stores.contains(&identifier) {
            return Ok(Err(Error::AccessDenied));
        }
        let bucket = Bucket {
            stores: self.stores.clone(),
            name: identifier,
        };
        Ok(Ok(self.table.push(bucket)?))
    }
}

impl HostBucket for State {
    async fn get(&mut self, bucket: Resource<Bucket>, key: String) -> Outcome<Option<Vec<u8>>> {
        Ok(self.table.get(&bucket)?.get(&key).map_err(other))
    }

    async fn set(&mut self, bucket: Resource<Bucket>, key: String, value: Vec<u8>) -> Outcome<()> {
        Ok(self.table.get(&bucket)?.set(&key, &value).map_err(other))
    }

    async fn delete(&mut self, bucket: Resource<Bucket>, key: String) -> Outcome<()> {
        Ok(self.table.get(&bucket)?.delete(&key).map_err(other))
    }

    async fn exists(&mut self, bucket: Resource<Bucket>, key: String) -> Outcome<bool> {
        let value = self.table.get(&bucket)?.get(&key);
        Ok(value.map(|value| value.is_some()).map_err(other))
    }

    async fn list_keys(&mut self, bucket: Resource<Bucket>, cursor: Option<String>) -> Outcome<KeyResponse> {
        if cursor.is_some() {
            return Ok(Err(Error::Other("list_keys: cursor not supported".into())));
        }
        let keys = self.table.get(&bucket)?.keys();
        Ok(keys.map(|keys| KeyResponse { keys, cursor: None }).map_err(other))
    }

    async fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl atomics::Host for State {
    async fn increment(&mut self, bucket: Resource<Bucket>, key: String, delta: i64) -> Outcome<i64> {
        let sum = self.table.get(&bucket)?.increment(&key, delta);
        Ok(sum.map_err(other).flatten())
    }

    async fn swap(&mut self, cas: Resource<Swap>, value: Vec<u8>) -> wasmtime::Result<Result<(), CasError>> {
        let mut swap = self.table.delete(cas)?;
        match swap.bucket.swap(&swap.key, swap.seen.as_deref(), &value) {
            Ok(true) => Ok(Ok(())),
            Ok(false) => {
                swap.seen = swap.bucket.get(&swap.key).unwrap_or_default();
                Ok(Err(CasError::CasFailed(self.table.push(swap)?)))
            }
            Err(error) => Ok(Err(CasError::StoreError(other(error)))),
        }
    }
}

impl HostCas for State {
    async fn new(&mut self, bucket: Resource<Bucket>, key: String) -> Outcome<Resource<Swap>> {
        let bucket = self.table.get(&bucket)?.clone();
        let seen = None;
        Ok(Ok(self.table.push(Swap { bucket, key, seen })?))
    }

    async fn current(&mut self, cas: Resource<Swap>) -> Outcome<Option<Vec<u8>>> {
        let swap = self.table.get_mut(&cas)?;
        match swap.bucket.get(&swap.key) {
            Ok(current) => {
                swap.seen.clone_from(&current);
                Ok(Ok(current))
            }
            Err(error) => Ok(Err(other(error))),
        }
    }

    async fn drop(&mut self, cas: Resource<Swap>) -> wasmtime::Result<()> {
        self.table.delete(cas)?;
        Ok(())
    }
}

fn other(error: rusqlite::Error) -> Error {
    Error::Other(error.to_string())
}
