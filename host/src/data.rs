//! The data folder.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::exit::{Code, Failure};

/// A folder that exists; a temporary one is removed when this is dropped.
pub struct DataFolder {
    path: PathBuf,
    _temporary: Option<tempfile::TempDir>,
}

impl DataFolder {
    /// Opens a folder, making it, for its owner only, where it is not there.
    ///
    /// # Errors
    /// Where it can't be made, or is no folder that this user may write to.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let failure = |error: std::io::Error| {
            let advice = "choose a folder that this user may write to with --data";
            Failure::new(
                Code::CantCreate,
                format!("can't use the data folder {} ({error}): {advice}", path.display()),
            )
        };
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(failure)?;
        // Permissions alone don't tell: the file system may be mounted read-only.
        tempfile::tempfile_in(path).map_err(failure)?;
        Ok(Self {
            path: path.to_owned(),
            _temporary: None,
        })
    }

    /// A new folder among the system's temporary files.
    ///
    /// # Errors
    /// Where it can't be made.
    pub fn temporary() -> Result<Self, Failure> {
        let folder = tempfile::Builder::new()
            .prefix("mercato-")
            .tempdir()
            .map_err(|error| {
                Failure::new(
                    Code::CantCreate,
                    format!("can't make a temporary data folder ({error}): set TMPDIR to a writable one"),
                )
            })?;
        Ok(Self {
            path: folder.path().to_owned(),
            _temporary: Some(folder),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
