//! Opening a store: the checks of its folder, the migration of its database, and the writing connection.

use std::path::Path;
use std::time::Duration;

use mercato_sql::Collection;
use mercato_sql::schema::{self, FORMAT};
use rusqlite::Connection;

use super::connection::Sqlite;
use super::durability::Durability;
use crate::database::{self, Checked, Record, explain};
use crate::error::OpenError;
use crate::folder::commit_marker::CommitMarker;
use crate::folder::identity::{self, Identity};
use crate::folder::{Folder, private_file, unusable};
use crate::inspection::inspect;

/// How long a start may search the database for damage.
const CHECK_LIMIT: Duration = Duration::from_secs(5);

/// Checks the folder and its database, then migrates the database to this format and to the declared
/// collections, all or nothing. Returns the writing connection and the marker of its commits.
///
/// # Errors
/// If the folder or the database cannot be used. A database that cannot be used is not changed.
pub(super) fn open<'a>(
    folder: &Folder,
    durability: Durability,
    accept_loss: bool,
    collections: impl Iterator<Item = &'a Collection>,
) -> Result<(Connection, CommitMarker), OpenError> {
    check(folder, accept_loss)?;
    let file = folder.database();
    let failed = |error| explain(&file, error);
    // SQLite would create a file that everyone can read. Its WAL files inherit the permissions that are set
    // here.
    private_file(&file).map_err(unusable(folder.path()))?;
    let connection = writer(&file, durability).map_err(failed)?;
    let report = |step: &str| tracing::info!("{step}");
    schema::migrate(&Sqlite(&connection), collections, &report).map_err(failed)?;
    let record = identify(&connection, folder)?;
    let mut marker = CommitMarker::open(folder.path()).map_err(unusable(folder.path()))?;
    marker.write(record.commits).map_err(unusable(folder.path()))?;
    Ok((connection, marker))
}

/// Checks the folder and its database, and changes nothing.
fn check(folder: &Folder, accept_loss: bool) -> Result<(), OpenError> {
    let Some(inspection) = inspect(folder.path(), CHECK_LIMIT)? else {
        return Ok(());
    };
    if inspection.checked == Checked::Partly {
        tracing::info!("the database is too large to check all of it at a start: run `mercato check`");
    }
    match inspection.lost {
        Some(lost) if accept_loss => {
            tracing::warn!("the loss is accepted: {lost}");
            Ok(())
        }
        Some(lost) => Err(lost),
        None => Ok(()),
    }
}

/// Opens the writing connection.
fn writer(file: &Path, durability: Durability) -> rusqlite::Result<Connection> {
    let connection = database::writer(file)?;
    connection.query_row("PRAGMA journal_mode = WAL", (), |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", durability.pragma())?;
    // After a burst of writes the WAL is truncated to this size, in bytes.
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    // Commits wait while the WAL is copied to the database. A longer WAL is copied less often, and a page that
    // changed several times is copied once. The number is pages of 4 KiB.
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    // A negative number is a size in KiB. The cache of the writer stays valid, because no other connection
    // writes.
    connection.pragma_update(None, "cache_size", -65_536)?;
    Ok(connection)
}

/// Gives the database and the folder the same identity, if they have none yet.
fn identify(connection: &Connection, folder: &Folder) -> Result<Record, OpenError> {
    let file = folder.database();
    let record = match database::record(connection, &file, FORMAT)? {
        Some(record) => record,
        None => {
            let identity = Identity::new();
            database::set_identity(connection, &file, &identity)?;
            Record { identity, commits: 0 }
        }
    };
    if identity::read(folder.path())?.is_none() {
        let written = record.identity.write(folder.path());
        written.map_err(unusable(folder.path()))?;
    }
    Ok(record)
}
