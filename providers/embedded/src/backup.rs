//! Backups of a data folder.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::{TempDir, TempPath};

use crate::database::explain;
use crate::error::{BackupError, OpenError};
use crate::folder::{self, private_file, sync_folder};
use crate::inspection::inspect;
use crate::report::{self, Report};

/// The end of the name of an unfinished backup.
const UNFINISHED: &str = ".partial";

/// Copies the database of a data folder to a file, as it is at one moment, while the shop may run. Checks all of
/// the copy before the file gets its name. Replaces an existing file only if `replace` is set.
///
/// The copy holds all documents and events. It holds neither the API secret nor the mail files.
///
/// # Errors
/// If the database is missing or damaged, or if the file exists or cannot be written.
pub fn backup(folder: &Path, file: &Path, replace: bool) -> Result<Report, BackupError> {
    let failed = |source| BackupError::Write {
        file: file.to_owned(),
        source,
    };
    let target = std::path::absolute(file).map_err(failed)?;
    let (Some(parent), Some(name)) = (target.parent(), target.file_name()) else {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    };
    let exists = || BackupError::Exists {
        file: file.to_owned(),
    };
    if target.exists() && !replace {
        return Err(exists());
    }
    if target.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    let Some(source) = inspect(folder, Duration::ZERO)? else {
        return Err(BackupError::Empty {
            folder: folder.to_owned(),
        });
    };
    if let Some(lost) = source.lost {
        return Err(lost.into());
    }
    if is_same_folder(parent, folder) {
        return Err(BackupError::Inside {
            file: file.to_owned(),
        });
    }
    remove_unfinished(parent, name);
    let draft = Draft::new(parent, name).map_err(failed)?;
    let path = draft.file.to_str().ok_or(io::ErrorKind::InvalidFilename);
    let path = path.map_err(|kind| failed(kind.into()))?;
    source
        .connection
        .execute("VACUUM INTO ?", [path])
        .map_err(|error| explain_copy(folder, file, error))?;
    let copy = report::file(&draft.file)?;
    let identity = source.record.map(|record| record.identity);
    if copy.format != source.format || copy.identity != identity {
        // Another program has replaced the database meanwhile.
        return Err(BackupError::Changed {
            folder: folder.to_owned(),
        });
    }
    File::open(&draft.file)
        .and_then(|copy| copy.sync_all())
        .map_err(failed)?;
    let copied = TempPath::try_from_path(&draft.file).map_err(failed)?;
    let named = if replace {
        copied.persist(&target)
    } else {
        copied.persist_noclobber(&target)
    };
    named.map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => exists(),
        _ => failed(error.error),
    })?;
    sync_folder(parent).map_err(failed)?;
    Ok(Report {
        file: file.to_owned(),
        ..copy
    })
}

/// A backup that has no name yet: a locked folder beside its later place, with the copy.
struct Draft {
    file: PathBuf,
    _lock: File,
    _folder: TempDir,
}

impl Draft {
    fn new(parent: &Path, name: &OsStr) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        let prefix = unfinished_prefix(name);
        builder.prefix(&prefix).suffix(UNFINISHED);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let folder = builder.tempdir_in(parent)?;
        let lock = File::open(folder.path())?;
        lock.lock()?;
        let file = folder.path().join("mercato.db");
        private_file(&file)?;
        Ok(Self {
            file,
            _lock: lock,
            _folder: folder,
        })
    }
}

fn unfinished_prefix(name: &OsStr) -> String {
    format!(".{}.", name.to_string_lossy())
}

/// Removes what a killed backup to the same file has left. What cannot be removed does no harm.
fn remove_unfinished(parent: &Path, name: &OsStr) {
    let prefix = unfinished_prefix(name);
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_unlocked = || File::open(entry.path()).is_ok_and(|folder| folder.try_lock().is_ok());
        if name.starts_with(&prefix) && name.ends_with(UNFINISHED) && is_unlocked() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn is_same_folder(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// Converts an error of copying. A damaged database is the source, and everything else concerns the copy.
fn explain_copy(folder: &Path, file: &Path, error: rusqlite::Error) -> BackupError {
    match explain(&folder::database(folder), error) {
        OpenError::Database { source, .. } => BackupError::Write {
            file: file.to_owned(),
            source: io::Error::other(source),
        },
        OpenError::Folder { source, .. } => BackupError::Write {
            file: file.to_owned(),
            source,
        },
        error => error.into(),
    }
}
