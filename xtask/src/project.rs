//! The folders that tasks use: the checkout, the target folder, the cache.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The folders that tasks use.
#[derive(Clone, Debug)]
pub struct Project {
    /// The checkout.
    pub root: PathBuf,
    /// Cargo's target folder: `CARGO_TARGET_DIR`, or `target` in the checkout.
    pub target: PathBuf,
    /// The cache that all checkouts share: `mercato` in `XDG_CACHE_HOME`, or in `~/.cache`.
    pub cache: PathBuf,
}

impl Project {
    /// Finds the folders.
    ///
    /// # Errors
    /// Neither `XDG_CACHE_HOME` nor `HOME` is set.
    pub fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask has no parent folder")?;
        let target = match std::env::var_os("CARGO_TARGET_DIR").filter(|folder| !folder.is_empty()) {
            Some(folder) => std::path::absolute(folder)?,
            None => root.join("target"),
        };
        let cache = match std::env::var_os("XDG_CACHE_HOME").filter(|folder| Path::new(folder).is_absolute())
        {
            Some(folder) => PathBuf::from(folder),
            None => std::env::home_dir()
                .context("set HOME: the cache needs it")?
                .join(".cache"),
        };
        Ok(Self {
            root: root.to_owned(),
            target,
            cache: cache.join("mercato"),
        })
    }

    /// Returns the target folder of the components.
    pub fn guest_target(&self) -> PathBuf {
        self.target.join("guest")
    }
}
