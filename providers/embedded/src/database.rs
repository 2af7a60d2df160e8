//! The database file: its connections, its format, its identity and its integrity.

use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use mercato_sql::schema::{APPLICATION, FORMAT};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension};

use crate::error::OpenError;
use crate::folder::identity::Identity;

/// How long a connection waits for a lock of another one. A reader may wait for a recovery, for example.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The prepared statements that a connection caches. A shop has some dozens of different ones.
const STATEMENT_CACHE: usize = 128;

/// The first format with a table `identity`.
const IDENTITY_FORMAT: u32 = 2;

/// Opens a connection for reading and writing.
pub(crate) fn writer(file: &Path) -> rusqlite::Result<Connection> {
    connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE)
}

/// Opens a read-only connection. It never changes the file of the database, not even when it is closed.
pub(crate) fn reader(file: &Path) -> rusqlite::Result<Connection> {
    connect(file, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

fn connect(file: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    // No mutex, because only one thread at a time uses a connection.
    let connection = Connection::open_with_flags(file, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    // Without this option SQLite plans a statement again for each new value of its parameters.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

/// What a database says of itself.
pub(crate) struct Record {
    /// The identity of its shop.
    pub identity: Identity,
    /// The number of its last durable commit.
    pub commits: i64,
}

/// Returns the format of a database.
///
/// # Errors
/// If the file is not a Mercato database of a supported format.
pub(crate) fn format(connection: &Connection, file: &Path) -> Result<u32, OpenError> {
    let number = |sql: &str| {
        connection
            .query_row(sql, (), |row| row.get::<_, u32>(0))
            .map_err(|error| explain(file, error))
    };
    let application = number("PRAGMA application_id")?;
    let empty = number("SELECT count(*) FROM sqlite_schema")? == 0;
    if application != APPLICATION && !(application == 0 && empty) {
        return Err(OpenError::NotADatabase {
            file: file.to_owned(),
            reason: "it belongs to another program".to_owned(),
        });
    }
    let found = number("PRAGMA user_version")?;
    if found > FORMAT {
        return Err(OpenError::Newer {
            file: file.to_owned(),
            found,
            supported: FORMAT,
        });
    }
    Ok(found)
}

/// Returns what a database of this format says of itself. A database of an old format says nothing.
///
/// # Errors
/// If SQLite fails.
pub(crate) fn record(connection: &Connection, file: &Path, format: u32) -> Result<Option<Record>, OpenError> {
    if format < IDENTITY_FORMAT {
        return Ok(None);
    }
    connection
        .query_row(
            "SELECT id, created, generation, commits FROM identity",
            (),
            |row| {
                Ok(Record {
                    identity: Identity {
                        id: row.get(0)?,
                        created: row.get(1)?,
                        generation: row.get(2)?,
                    },
                    commits: row.get(3)?,
                })
            },
        )
        .optional()
        .map_err(|error| explain(file, error))
}

/// Stores the identity in a migrated database.
///
/// # Errors
/// If SQLite fails.
pub(crate) fn set_identity(
    connection: &Connection,
    file: &Path,
    identity: &Identity,
) -> Result<(), OpenError> {
    let set = "INSERT INTO identity (n, id, created, generation) VALUES (1, ?, ?, ?) \
               ON CONFLICT (n) DO UPDATE SET id = excluded.id, created = excluded.created, \
               generation = excluded.generation";
    let values = (&identity.id, &identity.created, identity.generation);
    connection
        .execute(set, values)
        .map(drop)
        .map_err(|error| explain(file, error))
}

/// How thoroughly a database was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checked {
    /// All of it, and no damage was found.
    Completely,
    /// A part of it, because the time limit ended the check. No damage was found.
    Partly,
}

/// Searches for damage: first in the structure of the file, then also in its indexes. With the limit zero it
/// reads nothing.
///
/// # Errors
/// If the database is damaged or unreadable.
pub(crate) fn verify(connection: &Connection, file: &Path, limit: Duration) -> Result<Checked, OpenError> {
    if limit.is_zero() {
        return Ok(Checked::Partly);
    }
    let checks = ["PRAGMA quick_check(1)", "PRAGMA integrity_check(1)"];
    let found = interrupt_after(connection, limit, || {
        checks
            .iter()
            .map(|check| connection.query_row(check, (), |row| row.get::<_, String>(0)))
            .find(|result| !matches!(result, Ok(text) if text == "ok"))
            .unwrap_or_else(|| Ok("ok".into()))
    });
    match found {
        Ok(text) if text == "ok" => Ok(Checked::Completely),
        Ok(problem) => Err(OpenError::Damaged {
            file: file.to_owned(),
            problem: problem.split_whitespace().collect::<Vec<_>>().join(" "),
        }),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => {
            Ok(Checked::Partly)
        }
        Err(error) => Err(explain(file, error)),
    }
}

/// Runs `work` and interrupts its statements when the time is up.
fn interrupt_after<T>(connection: &Connection, limit: Duration, work: impl FnOnce() -> T) -> T {
    let handle = connection.get_interrupt_handle();
    let (running, ended) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            if ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                handle.interrupt();
            }
        });
        let result = work();
        drop(running);
        result
    })
}

/// Converts an error of SQLite, by what it means for the file.
pub(crate) fn explain(file: &Path, error: rusqlite::Error) -> OpenError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::NotADatabase {
            file: file.to_owned(),
            reason: error.to_string(),
        },
        Some(ErrorCode::DatabaseCorrupt) => OpenError::Damaged {
            file: file.to_owned(),
            problem: error.to_string(),
        },
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            OpenError::Folder {
                folder: file.parent().unwrap_or(file).to_owned(),
                source: std::io::Error::new(std::io::ErrorKind::PermissionDenied, error),
            }
        }
        _ => OpenError::Database {
            file: file.to_owned(),
            source: error,
        },
    }
}
