//! Runs the shared statements on this process's SQLite.

use mercato_sql::connection::{Cell, Connection, OnRow, Row, Value};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Error, Result, ToSql, params_from_iter};

/// A connection that caches its prepared statements.
pub(crate) struct Sqlite<'a>(pub &'a rusqlite::Connection);

impl Connection for Sqlite<'_> {
    type Error = Error;

    fn run(&self, sql: &str, values: &[Value<'_>], on_row: &mut OnRow<'_, Error>) -> Result<()> {
        let mut statement = self.0.prepare_cached(sql)?;
        let mut rows = statement.query(params_from_iter(values.iter().map(Parameter)))?;
        while let Some(row) = rows.next()? {
            if on_row(&SqliteRow(row))?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

struct Parameter<'a>(&'a Value<'a>);

impl ToSql for Parameter<'_> {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self.0 {
            Value::Null => ValueRef::Null,
            Value::Integer(integer) => ValueRef::Integer(integer),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

struct SqliteRow<'a>(&'a rusqlite::Row<'a>);

impl Row<Error> for SqliteRow<'_> {
    fn cell(&self, column: usize) -> Result<Cell> {
        let value = self.0.get_ref(column)?;
        Ok(match value {
            ValueRef::Null => Cell::Null,
            ValueRef::Integer(integer) => Cell::Integer(integer),
            ValueRef::Text(_) => Cell::Text(value.as_str()?.to_owned()),
            ValueRef::Real(_) | ValueRef::Blob(_) => Cell::Other,
        })
    }
}
