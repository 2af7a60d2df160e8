//! An in-memory database for the tests of this crate.

use rusqlite::types::ValueRef;
use rusqlite::{Error, ToSql, params_from_iter};

use crate::connection::{Cell, Connection, OnRow, Row, Value};

/// A database that lives as long as this value.
pub struct Memory(rusqlite::Connection);

impl Memory {
    /// Opens an empty database.
    pub fn new() -> Self {
        Self(rusqlite::Connection::open_in_memory().unwrap())
    }
}

impl Connection for Memory {
    type Error = Error;

    fn run(&self, sql: &str, values: &[Value<'_>], on_row: &mut OnRow<'_, Error>) -> Result<(), Error> {
        let values = values.iter().map(|value| -> Box<dyn ToSql> {
            match *value {
                Value::Null => Box::new(rusqlite::types::Null),
                Value::Integer(integer) => Box::new(integer),
                Value::Text(text) => Box::new(text.to_owned()),
            }
        });
        let mut statement = self.0.prepare(sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            if on_row(row)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl Row<Error> for rusqlite::Row<'_> {
    fn cell(&self, column: usize) -> Result<Cell, Error> {
        Ok(match self.get_ref(column)? {
            ValueRef::Null => Cell::Null,
            ValueRef::Integer(integer) => Cell::Integer(integer),
            ValueRef::Text(text) => Cell::Text(String::from_utf8_lossy(text).into_owned()),
            _ => Cell::Other,
        })
    }
}
