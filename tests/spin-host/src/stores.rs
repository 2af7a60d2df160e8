//! The key-value stores: a table in the file `sqlite_key_value.db` of the state folder. Numbers and swaps
//! behave as in Spin on SQLite.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension, params};
use tokio::task::block_in_place;

use crate::bindings::wasi::keyvalue::store::Error;

/// All stores of the application, which share a connection.
#[derive(Clone)]
pub struct Stores(Arc<Mutex<Connection>>);

/// A guest's handle of a store.
#[derive(Clone)]
pub struct Bucket {
    pub stores: Stores,
    pub name: String,
}

/// A guest's handle of a compare-and-swap operation.
pub struct CompareAndSwap {
    pub bucket: Bucket,
    pub key: String,
    pub seen: Option<Vec<u8>>,
}

impl Stores {
    /// Opens the file.
    ///
    /// # Errors
    /// Fails if SQLite fails.
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
    /// Uses the connection as Spin does: on the thread of the guest, which tokio replaces meanwhile. So the
    /// guest runs on beside the thread that sends its response.
    fn with<T>(&self, work: impl FnOnce(&Connection) -> T) -> T {
        block_in_place(|| work(&self.stores.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    pub fn get(&self, key: &str) -> rusqlite::Result<Option<Vec<u8>>> {
        self.with(|connection| get(connection, &self.name, key))
    }

    pub fn set(&self, key: &str, value: &[u8]) -> rusqlite::Result<()> {
        self.with(|connection| set(connection, &self.name, key, value))
    }

    pub fn delete(&self, key: &str) -> rusqlite::Result<()> {
        self.with(|connection| {
            connection
                .prepare_cached("DELETE FROM spin_key_value WHERE store = ? AND key = ?")?
                .execute([&self.name, key])
                .map(drop)
        })
    }

    pub fn keys(&self) -> rusqlite::Result<Vec<String>> {
        self.with(|connection| {
            connection
                .prepare_cached("SELECT key FROM spin_key_value WHERE store = ?")?
                .query_map([&self.name], |row| row.get(0))?
                .collect()
        })
    }

    /// Adds to a number, which is stored in eight bytes.
    pub fn increment(&self, key: &str, by: i64) -> rusqlite::Result<Result<i64, Error>> {
        self.with(|connection| {
            let current = get(connection, &self.name, key)?.map_or(Ok([0; 8]), TryInto::try_into);
            let Ok(current) = current else {
                return Ok(Err(Error::Other(format!("the value of `{key}` is not a number"))));
            };
            let sum = i64::from_le_bytes(current).wrapping_add(by);
            set(connection, &self.name, key, &sum.to_le_bytes())?;
            Ok(Ok(sum))
        })
    }

    /// Replaces the value if it is still the seen one. Overwrites it if no value was seen.
    pub fn swap(&self, key: &str, seen: Option<&[u8]>, value: &[u8]) -> rusqlite::Result<bool> {
        self.with(|connection| {
            let Some(seen) = seen else {
                return set(connection, &self.name, key, value).map(|()| true);
            };
            let changed = connection
                .prepare_cached(
                    "UPDATE spin_key_value SET value = ? WHERE store = ? AND key = ? AND value = ?",
                )?
                .execute(params![value, self.name, key, seen])?;
            Ok(changed == 1)
        })
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
