//! The errors of opening a store.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a store could not be opened. Each message says what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The folder cannot be created or written to.
    #[error(
        "the data folder {} cannot be used: {source}; choose a folder that this user may write to",
        folder.display()
    )]
    Folder {
        /// The data folder.
        folder: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Another process holds the lock of the folder.
    #[error(
        "the data folder {} is in use by another mercato process: stop it, or choose another folder",
        folder.display()
    )]
    InUse {
        /// The data folder.
        folder: PathBuf,
    },
    /// The file is not a SQLite database, is damaged, or belongs to another program.
    #[error(
        "{} is not a Mercato database, or it is damaged ({reason}); the file was not changed: \
         move it away, or restore it from a backup",
        file.display()
    )]
    NotADatabase {
        /// The database file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The database was written by a newer Mercato.
    #[error(
        "{} has format {found}, and this version of mercato supports formats up to {supported}; \
         use the version that wrote the file, or a newer one",
        file.display()
    )]
    Newer {
        /// The database file.
        file: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that this version reads.
        supported: u32,
    },
    /// The manifest is invalid.
    #[error("the manifest of the shop is invalid: {0}")]
    Manifest(String),
    /// SQLite failed for another reason, such as a full disk.
    #[error("{} cannot be opened: {source}", file.display())]
    Database {
        /// The database file.
        file: PathBuf,
        /// The error of SQLite.
        source: rusqlite::Error,
    },
}
