//! Spin's SQLite as what runs statements.

use std::cell::OnceCell;

use mercato_ports::documents::{CommitFailure, Failure};
use mercato_sql::connection::{Cell, Connection, OnRow, Row, Value};

use super::bindings::fermyon::spin::sqlite::{self, Error, RowResult};
use crate::documents::{prepare, unavailable};
use crate::shop::Shop;

thread_local! {
    /// The database of this instance, once it is needed.
    static DATABASE: OnceCell<Database> = const { OnceCell::new() };
}

/// A connection that is fit for use.
pub struct Database {
    /// The connection.
    pub connection: Spin,
    /// What it is used for.
    pub shop: Shop,
}

/// A connection to the database `default`.
pub struct Spin(sqlite::Connection);

/// Why the database can't be used, as the functions that use it tell it.
pub trait Unusable {
    /// From a sentence.
    fn unusable(reason: String) -> Self;
}

impl Unusable for String {
    fn unusable(reason: String) -> Self {
        reason
    }
}

impl Unusable for Failure {
    fn unusable(reason: String) -> Self {
        unavailable(reason)
    }
}

impl Unusable for CommitFailure {
    fn unusable(reason: String) -> Self {
        Self::Failed(unavailable(reason))
    }
}

/// Does something with the database, which is opened if it is not yet.
pub fn with_database<T, E: Unusable>(work: impl FnOnce(&Database) -> Result<T, E>) -> Result<T, E> {
    DATABASE.with(|cell| {
        if let Some(database) = cell.get() {
            return work(database);
        }
        let database = open().map_err(E::unusable)?;
        work(cell.get_or_init(|| database))
    })
}

/// Whether it was opened.
pub fn used() -> bool {
    DATABASE.with(|cell| cell.get().is_some())
}

fn open() -> Result<Database, String> {
    let shop = Shop::own()?;
    let connection = Spin(sqlite::Connection::open("default").map_err(sentence)?);
    prepare(&connection, &shop)?;
    Ok(Database { connection, shop })
}

impl Connection for Spin {
    type Error = String;

    fn run(&self, sql: &str, values: &[Value<'_>], on_row: &mut OnRow<'_, String>) -> Result<(), String> {
        let values = values
            .iter()
            .map(|value| match *value {
                Value::Null => sqlite::Value::Null,
                Value::Integer(integer) => sqlite::Value::Integer(integer),
                Value::Text(text) => sqlite::Value::Text(text.to_owned()),
            })
            .collect::<Vec<_>>();
        let result = self.0.execute(sql, &values).map_err(sentence)?;
        for row in &result.rows {
            if on_row(row)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl Row<String> for RowResult {
    fn cell(&self, column: usize) -> Result<Cell, String> {
        match self.values.get(column) {
            None => Err(format!("the result has no column {column}")),
            Some(sqlite::Value::Null) => Ok(Cell::Null),
            Some(sqlite::Value::Integer(integer)) => Ok(Cell::Integer(*integer)),
            Some(sqlite::Value::Text(text)) => Ok(Cell::Text(text.clone())),
            Some(sqlite::Value::Real(_) | sqlite::Value::Blob(_)) => Ok(Cell::Other),
        }
    }
}

fn sentence(error: Error) -> String {
    match error {
        Error::NoSuchDatabase => "there is no database `default`".into(),
        Error::AccessDenied => "spin.toml gives this component no database `default`".into(),
        Error::InvalidConnection => "the connection is closed".into(),
        Error::DatabaseFull => "the database is full".into(),
        Error::Io(reason) => reason,
    }
}
