//! Reads: a pool of connections that can only read, each statement on the newest committed state.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use mercato_ports::documents::{Document, Failure};
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use super::plan::Select;
use super::{Collection, open, unavailable};

/// As many connections are kept as are ever used at once, up to this; each holds up to 2 MiB of pages.
const KEPT: usize = 16;

/// Connections for reading. A read takes one, or opens one where all are taken.
pub(crate) struct Readers {
    file: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub fn new(file: PathBuf) -> Self {
        Self {
            file,
            idle: Mutex::new(Vec::new()),
        }
    }

    /// Reads with one connection.
    pub fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Failure> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = idle
            .map_or_else(|| open::reader(&self.file), Ok)
            .map_err(unavailable)?;
        let result = read(&connection);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push(connection);
        }
        result.map_err(unavailable)
    }
}

/// The documents of these ids, all of one moment.
pub(crate) fn get_many(
    connection: &Connection,
    collection: &Collection,
    ids: &[String],
) -> rusqlite::Result<Vec<Option<Document>>> {
    // One statement is a moment by itself.
    let moment = if ids.len() > 1 {
        Some(connection.unchecked_transaction()?)
    } else {
        None
    };
    let mut statement = connection.prepare_cached(&collection.get)?;
    let documents = ids
        .iter()
        .map(|id| statement.query_row([id], document).optional())
        .collect();
    drop(statement);
    drop(moment);
    documents
}

/// The documents that a statement selects.
pub(crate) fn find(connection: &Connection, select: Select) -> rusqlite::Result<Vec<Document>> {
    let mut statement = connection.prepare_cached(&select.sql)?;
    statement
        .query_map(params_from_iter(select.values), document)?
        .collect()
}

fn document(row: &Row) -> rusqlite::Result<Document> {
    Ok(Document {
        id: row.get(0)?,
        version: row.get::<_, i64>(1)?.cast_unsigned(),
        body: row.get(2)?,
    })
}
