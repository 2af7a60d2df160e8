//! Why a store could not be opened.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a store could not be opened; each says what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The folder can't be made or written to.
    #[error("the data folder {} can't be used: {source}; choose a folder that this user may write to", folder.display())]
    Folder {
        /// The data folder.
        folder: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Another process holds the folder's lock.
    #[error("the data folder {} is in use by another mercato; stop it, or choose another folder", folder.display())]
    InUse {
        /// The data folder.
        folder: PathBuf,
    },
    /// The file is no SQLite database, a damaged one, or one of another program.
    #[error(
        "{} is not a Mercato database or is damaged ({reason}); it was left as it is: move it away or restore it from a backup",
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
        "{} has format {found}, and this mercato knows formats up to {supported}; use the version that wrote it, or a newer one",
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
    /// The manifest declares what can't be kept.
    #[error("the shop's manifest can't be used: {0}")]
    Manifest(String),
    /// SQLite failed otherwise: a full disk, a lack of memory.
    #[error("{} can't be opened: {source}", file.display())]
    Database {
        /// The database file.
        file: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
}
