//! `fermyon:spin/sqlite`: each `open` creates a connection to the file `sqlite_db.db` in the state folder.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::params_from_iter;
use rusqlite::types::Value as Stored;
use wasmtime::component::Resource;

use crate::bindings::fermyon::spin::sqlite::{Error, Host, HostConnection, QueryResult, RowResult, Value};
use crate::state::State;

/// A guest's connection.
pub struct Connection(Arc<Mutex<rusqlite::Connection>>);

impl Host for State {}

impl HostConnection for State {
    async fn open(&mut self, database: String) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        if !self.component.databases.contains(&database) {
            return Ok(Err(Error::AccessDenied));
        }
        if database != "default" {
            return Ok(Err(Error::NoSuchDatabase));
        }
        match open(&self.data.join("sqlite_db.db")) {
            Ok(connection) => Ok(Ok(self.table.push(connection)?)),
            Err(error) => Ok(Err(io(error))),
        }
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<QueryResult, Error>> {
        let connection = Arc::clone(&self.table.get(&connection)?.0);
        let work = move || execute(&connection, &statement, parameters).map_err(io);
        Ok(tokio::task::spawn_blocking(work).await?)
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

fn open(file: &Path) -> rusqlite::Result<Connection> {
    Ok(Connection(Arc::new(Mutex::new(rusqlite::Connection::open(
        file,
    )?))))
}

fn execute(
    connection: &Mutex<rusqlite::Connection>,
    statement: &str,
    parameters: Vec<Value>,
) -> rusqlite::Result<QueryResult> {
    let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
    let mut statement = connection.prepare_cached(statement)?;
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let parameters = parameters.into_iter().map(|value| match value {
        Value::Null => Stored::Null,
        Value::Integer(integer) => Stored::Integer(integer),
        Value::Real(real) => Stored::Real(real),
        Value::Text(text) => Stored::Text(text),
        Value::Blob(blob) => Stored::Blob(blob),
    });
    let width = columns.len();
    let rows = statement.query_map(params_from_iter(parameters), |row| {
        let values = (0..width).map(|column| row.get(column).map(to_wit));
        Ok(RowResult {
            values: values.collect::<rusqlite::Result<_>>()?,
        })
    })?;
    let rows = rows.collect::<rusqlite::Result<_>>()?;
    Ok(QueryResult { columns, rows })
}

fn to_wit(value: Stored) -> Value {
    match value {
        Stored::Null => Value::Null,
        Stored::Integer(integer) => Value::Integer(integer),
        Stored::Real(real) => Value::Real(real),
        Stored::Text(text) => Value::Text(text),
        Stored::Blob(blob) => Value::Blob(blob),
    }
}

fn io(error: rusqlite::Error) -> Error {
    Error::Io(error.to_string())
}
