//! The data folder: its lock, the names of its files, and what it records of its shop.

pub(crate) mod commit_marker;
pub(crate) mod identity;

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::OpenError;

/// A locked data folder. No other process writes to it while this value lives.
pub(crate) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Locks the folder, and creates it if it does not exist.
    ///
    /// # Errors
    /// If the folder cannot be used, or if another process has locked it.
    pub fn lock(path: &Path) -> Result<Self, OpenError> {
        private_folder().create(path).map_err(unusable(path))?;
        let lock = private_file(&path.join("mercato.lock")).map_err(unusable(path))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => OpenError::InUse {
                folder: path.to_owned(),
            },
            TryLockError::Error(source) => unusable(path)(source),
        })?;
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Returns the path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the file of the database.
    pub fn database(&self) -> PathBuf {
        database(&self.path)
    }
}

/// Returns the file of the database in a data folder.
pub(crate) fn database(folder: &Path) -> PathBuf {
    folder.join("mercato.db")
}

/// Returns a file that SQLite keeps beside a database: the suffix is `-wal`, `-shm` or `-journal`.
pub(crate) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Returns whether a file exists and has content.
pub(crate) fn has_content(file: &Path) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.len() > 0)
}

/// Returns the conversion of an error of the operating system in a data folder.
pub(crate) fn unusable(folder: &Path) -> impl Fn(io::Error) -> OpenError {
    let folder = folder.to_owned();
    move |source| OpenError::Folder {
        folder: folder.clone(),
        source,
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
pub(crate) fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Waits until the names in a folder are on disk.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
