//! The identity of a shop. The database has it, and the file `shop.json` beside the database too. So a
//! missing database is not taken for a new shop, and the database of another shop is noticed.

use std::fmt;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::sync_folder;
use crate::error::OpenError;

/// The identity of a shop's data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The id of the shop. Backups keep it.
    pub id: String,
    /// When the data folder was created, in UTC (RFC 3339).
    pub created: String,
    /// 1 for a new shop. Each restore adds 1.
    pub generation: i64,
}

impl Identity {
    /// Returns the identity of a new shop.
    pub(crate) fn new() -> Self {
        Self {
            id: Uuid::now_v7().to_string(),
            created: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            generation: 1,
        }
    }

    /// Writes the identity to its file, all or nothing.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        let mut draft = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer_pretty(&mut draft, self)?;
        draft.write_all(b"\n")?;
        draft.as_file().sync_all()?;
        draft.persist(file(folder))?;
        sync_folder(folder)
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "shop {}, generation {}", self.id, self.generation)
    }
}

/// Returns the file of the identity.
pub(crate) fn file(folder: &Path) -> PathBuf {
    folder.join("shop.json")
}

/// Reads the identity from its file. Returns `None` if the file does not exist.
///
/// # Errors
/// If the file is unreadable or malformed.
pub(crate) fn read(folder: &Path) -> Result<Option<Identity>, OpenError> {
    let file = file(folder);
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(OpenError::Folder {
                folder: folder.to_owned(),
                source,
            });
        }
    };
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|error| OpenError::Identity {
            file,
            reason: error.to_string(),
        })
}
