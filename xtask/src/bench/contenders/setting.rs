//! What contenders get, and what they make of it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

use crate::api::Api;
use crate::bench::meter::Meter;
use crate::project::Project;
use crate::shop;
use mercato_wasm_toolchain::process::{clean, output};

/// Starts a shop with the products of the feed, its data in an empty folder.
pub type Start<'a> = Box<dyn Fn(&Path) -> Result<Shop> + 'a>;

/// What all contenders get.
pub struct Setting<'a> {
    /// The folders of the project.
    pub project: &'a Project,
    /// The API key.
    pub secret: String,
    /// The program `mercato` and the composed component, which are built once.
    pub mercato: OnceLock<PathBuf>,
    pub shop: OnceLock<PathBuf>,
    /// The number of products.
    pub products: usize,
    /// The products, for `mercato import`.
    pub feed: PathBuf,
}

/// A running shop. It is stopped when dropped.
pub struct Shop {
    /// The address.
    pub url: String,
    /// Its counters.
    pub meter: Meter,
    /// The time from the start of its processes to the first answer.
    pub cold_start: Duration,
    /// Stops it. Fails if a process had ended before.
    pub stop: Box<dyn FnOnce() -> Result<()>>,
}

impl Setting<'_> {
    /// Returns the program `mercato`.
    ///
    /// # Errors
    /// It can't be built.
    pub fn mercato(&self) -> Result<PathBuf> {
        once(&self.mercato, || shop::host(self.project, true, true))
    }

    /// Returns the composed component.
    ///
    /// # Errors
    /// It can't be built.
    pub fn shop(&self) -> Result<PathBuf> {
        once(&self.shop, || shop::whole(self.project))
    }

    /// Imports the products with `mercato import`.
    ///
    /// # Errors
    /// The shop refuses a product.
    pub fn import(&self, mercato: &Path, url: &str) -> Result<()> {
        let mut import = clean(mercato);
        import.arg("import").arg(&self.feed).args(["--url", url]);
        output(import.env("API_SECRET", &self.secret)).map(drop)
    }

    /// Sends the smallest query.
    ///
    /// # Errors
    /// The shop does not answer.
    pub fn check_answer(&self, url: &str) -> Result<()> {
        Api::new(url, &self.secret)
            .execute("{__typename}", &json!({}))
            .map(drop)
    }

    /// Returns the log file of a contender.
    ///
    /// # Errors
    /// Its folder can't be created.
    pub fn log(&self, name: &str) -> Result<PathBuf> {
        let folder = self.project.target.join("bench");
        std::fs::create_dir_all(&folder)?;
        Ok(folder.join(name).with_extension("log"))
    }
}

fn once(file: &OnceLock<PathBuf>, build: impl FnOnce() -> Result<PathBuf>) -> Result<PathBuf> {
    if file.get().is_none() {
        let built = build()?;
        // Another thread may have built the same file.
        let _ = file.set(built);
    }
    file.get().cloned().context("the file was not built")
}
