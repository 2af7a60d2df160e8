//! Where a server keeps its data and its log.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

/// The folder of one server.
#[derive(Debug)]
pub struct Home {
    path: PathBuf,
    temporary: Option<TempDir>,
}

impl Home {
    /// A folder that is removed when the server is dropped.
    ///
    /// # Errors
    /// It can't be made.
    pub fn temporary() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("mercato-").tempdir()?;
        Ok(Self {
            path: folder.path().to_owned(),
            temporary: Some(folder),
        })
    }

    /// A folder that stays; made if it is not there.
    ///
    /// # Errors
    /// It can't be made.
    pub fn kept(path: &Path) -> Result<Self> {
        let path = std::path::absolute(path)?;
        fs::create_dir_all(&path).with_context(|| format!("{} can't be made", path.display()))?;
        Ok(Self {
            path,
            temporary: None,
        })
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder, if it is to be removed at the end.
    pub fn removable(&self) -> Option<&Path> {
        self.temporary.as_ref().map(TempDir::path)
    }

    /// Where its server logs to.
    pub fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    /// A folder in it; made if it is not there.
    ///
    /// # Errors
    /// It can't be made.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.path.join(name);
        fs::create_dir_all(&folder).with_context(|| format!("{} can't be made", folder.display()))?;
        Ok(folder)
    }
}
