//! The number of the last durable commit, in a file beside the database. A database with fewer commits has
//! lost confirmed changes, for example because its write-ahead log was removed.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::private_file;

/// The open file of the marker.
pub(crate) struct CommitMarker(File);

impl CommitMarker {
    /// Opens the marker of a data folder.
    pub fn open(folder: &Path) -> io::Result<Self> {
        private_file(&file(folder)).map(Self)
    }

    /// Replaces the number. The text has a constant length, so the file never holds parts of two numbers.
    ///
    /// It does not wait for the disk. After a loss of power an older number is read, which is safe.
    pub fn write(&mut self, commits: i64) -> io::Result<()> {
        self.0.seek(SeekFrom::Start(0))?;
        self.0.write_all(format!("{commits:020}\n").as_bytes())
    }
}

/// Returns the file of the marker.
pub(crate) fn file(folder: &Path) -> PathBuf {
    folder.join("mercato.commits")
}

/// Reads the number. Returns 0 if there is none, or if a loss of power has damaged it.
pub(crate) fn read(folder: &Path) -> i64 {
    let text = fs::read_to_string(file(folder)).unwrap_or_default();
    text.trim().parse().unwrap_or_default()
}
