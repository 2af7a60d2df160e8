//! The folder of a server's data and log.

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
    /// Creates a folder that is removed when the server is dropped.
    ///
    /// # Errors
    /// The folder can't be created.
    pub fn temporary() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("mercato-").tempdir()?;
        Ok(Self {
            path: folder.path().to_owned(),
            temporary: Some(folder),
        })
    }

    /// Uses a folder that is not removed, and creates it if it is missing.
    ///
    /// # Errors
    /// The folder can't be created.
    pub fn permanent(path: &Path) -> Result<Self> {
        let path = std::path::absolute(path)?;
        fs::create_dir_all(&path).with_context(|| format!("can't create {}", path.display()))?;
        Ok(Self {
            path,
            temporary: None,
        })
    }

    /// Returns the path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path of the folder if it is temporary.
    pub fn removable(&self) -> Option<&Path> {
        self.temporary.as_ref().map(TempDir::path)
    }

    /// Returns the log file.
    pub fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    /// Returns a folder inside, and creates it if it is missing.
    ///
    /// # Errors
    /// The folder can't be created.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.path.join(name);
        fs::create_dir_all(&folder).with_context(|| format!("can't create {}", folder.display()))?;
        Ok(folder)
    }
}
