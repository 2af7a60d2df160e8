//! Spin's SQLite and key-value store, as the adapter's logic uses them.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;

use mercato_adapters_spin::cache::{Bucket, Change};
use mercato_sql::connection::{Cell, Connection, OnRow, Row, Value};
use rusqlite::types::{ToSqlOutput, Value as Owned};
use rusqlite::{ToSql, params_from_iter};

/// A connection that returns complete results, like Spin's.
pub struct Database(rusqlite::Connection);

impl Database {
    /// Opens a new connection.
    pub fn open(file: &Path) -> Self {
        Self(rusqlite::Connection::open(file).unwrap())
    }

    fn execute(&self, sql: &str, values: &[Value<'_>]) -> rusqlite::Result<Vec<FetchedRow>> {
        let mut statement = self.0.prepare_cached(sql)?;
        let columns = statement.column_count();
        let rows = statement.query_map(params_from_iter(values.iter().map(Parameter)), |row| {
            (0..columns)
                .map(|column| row.get(column))
                .collect::<Result<_, _>>()
        })?;
        rows.map(|row| row.map(FetchedRow)).collect()
    }
}

impl Connection for Database {
    type Error = String;

    fn run(&self, sql: &str, values: &[Value<'_>], on_row: &mut OnRow<'_, String>) -> Result<(), String> {
        for row in self.execute(sql, values).map_err(|error| error.to_string())? {
            if on_row(&row)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

struct Parameter<'a>(&'a Value<'a>);

impl ToSql for Parameter<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Owned(match *self.0 {
            Value::Null => Owned::Null,
            Value::Integer(integer) => Owned::Integer(integer),
            Value::Text(text) => Owned::Text(text.to_owned()),
        }))
    }
}

struct FetchedRow(Vec<Owned>);

impl Row<String> for FetchedRow {
    fn cell(&self, column: usize) -> Result<Cell, String> {
        Ok(match self.0.get(column).ok_or("no such column")? {
            Owned::Null => Cell::Null,
            Owned::Integer(integer) => Cell::Integer(*integer),
            Owned::Text(text) => Cell::Text(text.clone()),
            Owned::Real(_) | Owned::Blob(_) => Cell::Other,
        })
    }
}

/// A key-value store that behaves like Spin's. On SQLite, a swap of a missing value overwrites, and numbers
/// are eight bytes. On Redis, numbers are digits.
pub struct KeyValueStore {
    values: Mutex<HashMap<String, Vec<u8>>>,
    redis: bool,
}

impl KeyValueStore {
    /// Creates an empty store.
    pub fn new(redis: bool) -> Self {
        Self {
            values: Mutex::default(),
            redis,
        }
    }
}

impl Bucket for KeyValueStore {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, String> {
        Ok(self.values.lock().unwrap().get(key).cloned())
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), String> {
        self.values.lock().unwrap().insert(key.to_owned(), value.to_vec());
        Ok(())
    }

    fn increment(&self, key: &str, by: i64) -> Result<i64, String> {
        let mut values = self.values.lock().unwrap();
        let number = values.get(key).map_or(0, |bytes| {
            if self.redis {
                str::from_utf8(bytes).unwrap().parse().unwrap()
            } else {
                i64::from_le_bytes(bytes.as_slice().try_into().unwrap())
            }
        }) + by;
        let bytes = if self.redis {
            number.to_string().into_bytes()
        } else {
            number.to_le_bytes().to_vec()
        };
        values.insert(key.to_owned(), bytes);
        Ok(number)
    }

    fn change(&self, key: &str, change: &Change<'_>) -> Result<(), String> {
        let before = self.get(key)?;
        let Some(changed) = change(before.as_deref()) else {
            return Ok(());
        };
        std::thread::yield_now();
        let mut values = self.values.lock().unwrap();
        let overwrites = before.is_none() && !self.redis;
        if overwrites || values.get(key) == before.as_ref() {
            values.insert(key.to_owned(), changed);
        }
        Ok(())
    }
}
