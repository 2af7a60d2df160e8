//! A connection of `mercato_sql` to Spin's SQLite.

use std::cell::OnceCell;

use mercato_sql::connection::{Cell, Connection, OnRow, Row, Value};
use spin_sdk::sqlite::{self, Error, RowResult};

use crate::documents::prepare;
use crate::shop::Shop;

thread_local! {
    /// The database of this instance, after its first use.
    static DATABASE: OnceCell<Database> = const { OnceCell::new() };
}

/// A prepared connection, and the shop that it was prepared for.
pub struct Database {
    /// The connection.
    pub connection: SpinConnection,
    /// The shop.
    pub shop: Shop,
}

/// A connection to the database `default`.
pub struct SpinConnection(sqlite::Connection);

/// Calls a function with the database, which the first call opens.
///
/// # Errors
/// `failed` of the reason why the database can't be opened, or the error of the function.
pub fn with_database<T, E>(
    failed: impl FnOnce(String) -> E,
    call: impl FnOnce(&Database) -> Result<T, E>,
) -> Result<T, E> {
    DATABASE.with(|cell| {
        if let Some(database) = cell.get() {
            return call(database);
        }
        let database = open().map_err(failed)?;
        call(cell.get_or_init(|| database))
    })
}

/// Returns whether this instance has opened the database.
pub fn used() -> bool {
    DATABASE.with(|cell| cell.get().is_some())
}

fn open() -> Result<Database, String> {
    let shop = Shop::compiled_in()?;
    let connection = SpinConnection(sqlite::Connection::open_default().map_err(reason)?);
    prepare(&connection, &shop)?;
    Ok(Database { connection, shop })
}

impl Connection for SpinConnection {
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
        let result = self.0.execute(sql, &values).map_err(reason)?;
        for row in &result.rows {
            if on_row(&SpinRow(row))?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// A row of a result.
struct SpinRow<'a>(&'a RowResult);

impl Row<String> for SpinRow<'_> {
    fn cell(&self, column: usize) -> Result<Cell, String> {
        match self.0.values.get(column) {
            None => Err(format!("the result has no column {column}")),
            Some(sqlite::Value::Null) => Ok(Cell::Null),
            Some(sqlite::Value::Integer(integer)) => Ok(Cell::Integer(*integer)),
            Some(sqlite::Value::Text(text)) => Ok(Cell::Text(text.clone())),
            Some(sqlite::Value::Real(_) | sqlite::Value::Blob(_)) => Ok(Cell::Other),
        }
    }
}

fn reason(error: Error) -> String {
    match error {
        Error::NoSuchDatabase => "the database `default` does not exist".into(),
        Error::AccessDenied => {
            "the component may not use the database `default`: add it to `sqlite_databases` in spin.toml"
                .into()
        }
        Error::InvalidConnection => "the connection is closed".into(),
        Error::DatabaseFull => "the database is full".into(),
        Error::Io(reason) => reason,
    }
}
