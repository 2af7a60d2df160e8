//! Restoring a backup into a data folder.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use mercato_sql::schema::{self, FORMAT};

use crate::database::{self, explain};
use crate::error::{BackupError, OpenError};
use crate::folder::identity::{self, Identity};
use crate::folder::{self, Folder, beside, commit_marker, has_content, private_file, sync_folder};
use crate::report::{self, Report};
use crate::store::Sqlite;

/// What a restore has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What the restored database holds.
    pub report: Report,
    /// The folder with the database that was replaced, if there was one.
    pub replaced: Option<PathBuf>,
}

/// Copies a backup into a data folder, checks all of the copy, and starts a new generation of the shop. If the
/// folder has a database, moves it into a new folder inside, but only if `replace` is set.
///
/// After a crash at any moment, the folder has the old database, or the new one, or is refused by
/// [`Store::open`](crate::Store::open) until a restore succeeds.
///
/// # Errors
/// If the backup is missing, damaged or of a newer format, or if the folder is in use or cannot be written.
pub fn restore(file: &Path, folder: &Path, replace: bool) -> Result<Restored, BackupError> {
    let unreadable = |source| BackupError::Read {
        file: file.to_owned(),
        source,
    };
    if has_content(&beside(file, "-wal")) {
        return Err(BackupError::Live {
            file: file.to_owned(),
        });
    }
    let mut backup = File::open(file).map_err(unreadable)?;
    let folder = Folder::lock(folder)?;
    let path = folder.path();
    let unwritable = |source| BackupError::Open(folder::unusable(path)(source));
    // With `replace`, a malformed file of the identity is replaced too.
    let previous = identity::read(path).or_else(|error| if replace { Ok(None) } else { Err(error) })?;
    let is_occupied = has_shop(path);
    if is_occupied && !replace {
        return Err(BackupError::Occupied {
            folder: path.to_owned(),
        });
    }
    let copy = path.join("restoring.db");
    for leftover in [copy.clone(), beside(&copy, "-journal")] {
        remove(&leftover).map_err(unwritable)?;
    }
    let written = private_file(&copy).and_then(|mut copy| io::copy(&mut backup, &mut copy));
    let identified = written
        .map_err(unwritable)
        .and_then(|_| prepare(&copy, previous.as_ref()).map_err(|error| rename(error, &copy, file)));
    let identity = match identified {
        Ok(identity) => identity,
        Err(error) => {
            // The error of the backup is more useful than that of removing the copy.
            let _ = remove(&copy);
            return Err(error);
        }
    };
    let replaced = install(path, &copy, &identity, is_occupied).map_err(unwritable)?;
    let report = report::report(path)?.ok_or_else(|| BackupError::Empty {
        folder: path.to_owned(),
    })?;
    Ok(Restored { report, replaced })
}

/// Returns whether a folder has a shop, complete or not.
fn has_shop(folder: &Path) -> bool {
    let database = folder::database(folder);
    [identity::file(folder), beside(&database, "-wal"), database]
        .iter()
        .any(|file| has_content(file))
}

/// Checks a copy of a backup, migrates it to this format, and gives it the identity of the next generation.
fn prepare(copy: &Path, previous: Option<&Identity>) -> Result<Identity, OpenError> {
    let failed = |error| explain(copy, error);
    report::file(copy)?;
    let connection = database::writer(copy).map_err(failed)?;
    // A copy of a database file, rather than a backup, has the mode WAL.
    let mode = connection.query_row("PRAGMA journal_mode = DELETE", (), |_| Ok(()));
    mode.map_err(failed)?;
    schema::migrate(&Sqlite(&connection), std::iter::empty(), &|_| {}).map_err(failed)?;
    let record = database::record(&connection, copy, FORMAT)?;
    let stored = record.map(|record| record.identity);
    let newest = [stored.as_ref(), previous]
        .into_iter()
        .flatten()
        .filter(|identity| stored.as_ref().is_none_or(|stored| stored.id == identity.id))
        .map(|identity| identity.generation)
        .max();
    let identity = Identity {
        generation: newest.unwrap_or(0).saturating_add(1),
        ..stored.or_else(|| previous.cloned()).unwrap_or_else(Identity::new)
    };
    database::set_identity(&connection, copy, &identity)?;
    Ok(identity)
}

/// Gives the copy its name. First writes the new identity, so that a crash leaves a folder that is refused, and
/// never an empty shop.
fn install(
    folder: &Path,
    copy: &Path,
    identity: &Identity,
    is_occupied: bool,
) -> io::Result<Option<PathBuf>> {
    let replaced = is_occupied.then(|| replaced_folder(folder));
    if let Some(replaced) = &replaced {
        fs::create_dir(replaced)?;
        copy_if_exists(&identity::file(folder), replaced)?;
    }
    identity.write(folder)?;
    if let Some(replaced) = &replaced {
        let database = folder::database(folder);
        let files = [
            beside(&database, "-wal"),
            beside(&database, "-shm"),
            commit_marker::file(folder),
            database,
        ];
        for file in files {
            move_if_exists(&file, replaced)?;
        }
    }
    // A marker without a database is that of a shop that was removed by hand.
    remove(&commit_marker::file(folder))?;
    fs::rename(copy, folder::database(folder))?;
    sync_folder(folder)?;
    Ok(replaced)
}

fn replaced_folder(folder: &Path) -> PathBuf {
    let now = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
    folder.join(format!("replaced-{}", now.replace(':', "")))
}

fn move_if_exists(file: &Path, folder: &Path) -> io::Result<()> {
    match file.file_name() {
        Some(name) => ignore_missing(fs::rename(file, folder.join(name))),
        None => Ok(()),
    }
}

fn copy_if_exists(file: &Path, folder: &Path) -> io::Result<()> {
    match file.file_name() {
        Some(name) => ignore_missing(fs::copy(file, folder.join(name)).map(drop)),
        None => Ok(()),
    }
}

fn remove(file: &Path) -> io::Result<()> {
    ignore_missing(fs::remove_file(file))
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Names the backup in an error, in place of its copy.
fn rename(error: OpenError, copy: &Path, backup: &Path) -> BackupError {
    let file = backup.to_owned();
    match error {
        OpenError::NotADatabase { reason, .. } => BackupError::NotABackup { file, reason },
        OpenError::Damaged { problem, .. } => BackupError::DamagedBackup { file, problem },
        OpenError::Newer { found, supported, .. } => OpenError::Newer {
            file,
            found,
            supported,
        }
        .into(),
        OpenError::Database { source, .. } => OpenError::Database {
            file: copy.to_owned(),
            source,
        }
        .into(),
        other => other.into(),
    }
}
