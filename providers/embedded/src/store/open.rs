//! Opening a store: the folder and its lock, the file and its connections.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mercato_sql::Collection;
use mercato_sql::schema::{self, APPLICATION, FORMAT};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::connection::Sqlite;
use super::durability::Durability;
use crate::error::OpenError;

/// How long a connection waits for a lock of another one. A reader may wait for a recovery, for example.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The prepared statements that a connection caches. A shop has some dozens of different ones.
const STATEMENT_CACHE: usize = 128;

/// A locked data folder. No other process uses it while this value lives.
pub(crate) struct Folder {
    /// The database file.
    pub file: PathBuf,
    _lock: File,
}

impl Folder {
    /// Locks the folder, and creates it if it does not exist.
    pub fn lock(folder: &Path) -> Result<Self, OpenError> {
        let unusable = |source| OpenError::Folder {
            folder: folder.to_owned(),
            source,
        };
        private_folder().create(folder).map_err(unusable)?;
        let lock = private_file(&folder.join("mercato.lock")).map_err(unusable)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => OpenError::InUse {
                folder: folder.to_owned(),
            },
            TryLockError::Error(source) => unusable(source),
        })?;
        let file = folder.join("mercato.db");
        // SQLite would create a file that everyone can read. Its WAL files inherit the permissions that are
        // set here.
        private_file(&file).map_err(unusable)?;
        Ok(Self { file, _lock: lock })
    }
}

fn private_folder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Opens a file for writing and keeps its content. A new file gets mode 0600.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Opens the writing connection, and checks that the file is a Mercato database of a supported format.
pub(crate) fn writer(file: &Path, durability: Durability) -> Result<Connection, OpenError> {
    let connection =
        connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(|error| explain(file, error))?;
    check(&connection, file)?;
    connection
        .query_row("PRAGMA journal_mode = WAL", (), |_| Ok(()))
        .and_then(|()| connection.pragma_update(None, "synchronous", durability.pragma()))
        // After a burst of writes the WAL is truncated to this size, in bytes.
        .and_then(|()| connection.pragma_update(None, "journal_size_limit", 64 << 20))
        // A negative number is a size in KiB. The cache of the writer stays valid, because no other
        // connection writes.
        .and_then(|()| connection.pragma_update(None, "cache_size", -65_536))
        .map_err(|error| explain(file, error))?;
    Ok(connection)
}

/// Opens a read-only connection.
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

fn check(connection: &Connection, file: &Path) -> Result<(), OpenError> {
    let number = |sql: &str| {
        connection
            .query_row(sql, (), |row| row.get::<_, u32>(0))
            .map_err(|error| explain(file, error))
    };
    let application = number("PRAGMA application_id")?;
    let empty = number("SELECT count(*) FROM sqlite_schema")? == 0;
    if application != APPLICATION && !(application == 0 && empty) {
        let reason = "a SQLite database of another program".to_owned();
        return Err(OpenError::NotADatabase {
            file: file.to_owned(),
            reason,
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
    Ok(())
}

/// Converts an error of SQLite, by what it means for the file.
pub(crate) fn explain(file: &Path, error: rusqlite::Error) -> OpenError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => OpenError::NotADatabase {
            file: file.to_owned(),
            reason: error.to_string(),
        },
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            OpenError::Folder {
                folder: file.parent().unwrap_or(file).to_owned(),
                source: io::Error::new(io::ErrorKind::PermissionDenied, error),
            }
        }
        _ => OpenError::Database {
            file: file.to_owned(),
            source: error,
        },
    }
}

/// Migrates the database to this format and to the declared collections, all or nothing.
pub(crate) fn prepare<'a>(
    connection: &Connection,
    file: &Path,
    collections: impl Iterator<Item = &'a Collection>,
) -> Result<(), OpenError> {
    let report = |step: &str| tracing::info!("{step}");
    schema::migrate(&Sqlite(connection), collections, &report).map_err(|error| explain(file, error))
}
