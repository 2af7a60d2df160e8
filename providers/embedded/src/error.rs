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
    /// The file is not a SQLite database, or belongs to another program.
    #[error(
        "{} is not a Mercato database ({reason}); the file was not changed: \
         move it away, or restore a backup with `mercato restore`",
        file.display()
    )]
    NotADatabase {
        /// The database file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The database is damaged.
    #[error(
        "{} is damaged ({problem}); the file was not changed: restore a backup with `mercato restore --force`",
        file.display()
    )]
    Damaged {
        /// The database file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The database is missing or empty in a folder that had one.
    #[error(
        "the database {} is missing or empty, but {} shows that it existed: \
         restore a backup with `mercato restore --force`, or remove {} to begin with an empty shop",
        file.display(), evidence.display(), evidence.display()
    )]
    Missing {
        /// The database file.
        file: PathBuf,
        /// The file that shows that there was a database.
        evidence: PathBuf,
    },
    /// The database belongs to another shop, or to another generation of it.
    #[error(
        "{} belongs to another data folder: it has {found}, and {} has {expected}; \
         put the right database back, restore a backup with `mercato restore --force`, \
         or remove {} to use this database",
        file.display(), identity.display(), identity.display()
    )]
    Foreign {
        /// The database file.
        file: PathBuf,
        /// The identity of the database.
        found: String,
        /// The identity of the folder.
        expected: String,
        /// The file of the folder's identity.
        identity: PathBuf,
    },
    /// The file of the folder's identity is malformed.
    #[error(
        "{} is malformed ({reason}): restore a backup with `mercato restore --force`, \
         or remove the file to use the database as it is",
        file.display()
    )]
    Identity {
        /// The file of the identity.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The database lacks confirmed changes.
    #[error(
        "{} lacks confirmed changes (its last commit is {found}, and {recorded} is recorded), because its \
         write-ahead log was removed or damaged, or because the file is an old copy; nothing was changed: put the \
         files back, restore a backup with `mercato restore --force`, or go on without these changes with \
         `mercato up --accept-loss`",
        file.display()
    )]
    Lost {
        /// The database file.
        file: PathBuf,
        /// The number of the last commit in the database.
        found: i64,
        /// The number of the last commit that was recorded.
        recorded: i64,
    },
    /// The database was written by a newer Mercato.
    #[error(
        "{} has format {found}, and this version of mercato supports formats up to {supported}; \
         use the version that wrote the file or a newer one, or restore a backup of this version",
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

/// Why a backup could not be made or restored. Each message says what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The data folder or its database cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The folder never had a database.
    #[error("the data folder {} has no database: name the data folder of the shop with --data", folder.display())]
    Empty {
        /// The data folder.
        folder: PathBuf,
    },
    /// The file of the backup exists.
    #[error("{} exists: choose another file, or replace it with --force", file.display())]
    Exists {
        /// The file.
        file: PathBuf,
    },
    /// The file of the backup would be beside the database.
    #[error("{} is in the data folder: choose a file outside of it, best on another disk", file.display())]
    Inside {
        /// The file.
        file: PathBuf,
    },
    /// The database was replaced while it was copied.
    #[error("the database in {} was replaced during the backup: try again", folder.display())]
    Changed {
        /// The data folder.
        folder: PathBuf,
    },
    /// The backup cannot be written.
    #[error("cannot write {}: {source}; choose a file that this user may write, with enough space", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The backup cannot be read.
    #[error("cannot read {}: {source}; name a backup of `mercato backup`", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file is the database of a shop, with a write-ahead log beside it.
    #[error(
        "{} is a database with a write-ahead log, not a backup: make a backup of its folder with `mercato backup`",
        file.display()
    )]
    Live {
        /// The file.
        file: PathBuf,
    },
    /// The file is no backup.
    #[error("{} is not a backup of Mercato ({reason}): name a file of `mercato backup`", file.display())]
    NotABackup {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The backup is damaged.
    #[error("the backup {} is damaged ({problem}), and nothing was changed: use an older backup", file.display())]
    DamagedBackup {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The folder has a shop already.
    #[error(
        "the data folder {} has a shop already: choose an empty folder, or replace its database with --force",
        folder.display()
    )]
    Occupied {
        /// The data folder.
        folder: PathBuf,
    },
}
