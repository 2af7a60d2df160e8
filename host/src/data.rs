//! The data folder.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::command_error::{Code, CommandError};

/// An existing data folder. Dropping it removes a temporary folder.
pub struct DataFolder {
    path: PathBuf,
    _temporary: Option<tempfile::TempDir>,
}

impl DataFolder {
    /// Opens a folder. If it does not exist, creates it with access for its owner only.
    ///
    /// # Errors
    /// If this user cannot create the folder or write to it.
    pub fn open(path: &Path) -> Result<Self, CommandError> {
        let unusable = |error: std::io::Error| {
            let advice = "choose a folder that this user may write to with --data";
            CommandError::new(
                Code::CantCreate,
                format!(
                    "cannot use the data folder {} ({error}): {advice}",
                    path.display()
                ),
            )
        };
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(unusable)?;
        // The permissions do not show whether the file system is mounted read-only.
        tempfile::tempfile_in(path).map_err(unusable)?;
        Ok(Self {
            path: path.to_owned(),
            _temporary: None,
        })
    }

    /// Creates a folder in the system's folder of temporary files.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn temporary() -> Result<Self, CommandError> {
        let folder = tempfile::Builder::new()
            .prefix("mercato-")
            .tempdir()
            .map_err(|error| {
                CommandError::new(
                    Code::CantCreate,
                    format!(
                        "cannot create a temporary data folder ({error}): set TMPDIR to a writable folder"
                    ),
                )
            })?;
        Ok(Self {
            path: folder.path().to_owned(),
            _temporary: Some(folder),
        })
    }

    /// Returns the path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Rejects a data folder that does not exist.
///
/// # Errors
/// If it does not exist.
pub fn require_folder(data: &Path) -> Result<(), CommandError> {
    if data.is_dir() {
        return Ok(());
    }
    let message = format!(
        "the data folder {} does not exist: name the data folder of the shop with --data",
        data.display()
    );
    Err(CommandError::new(Code::NoInput, message))
}
