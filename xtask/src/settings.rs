//! The settings of the shop, as `crates/shop/src/settings/settings.toml` describes them.

use std::fs;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::project::Project;

/// The file of all settings, below the checkout.
pub const FILE: &str = "crates/shop/src/settings/settings.toml";

/// All settings, in the order of their file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    settings: Vec<Setting>,
}

/// One setting. The comment of its file describes the fields.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    pub name: String,
    pub meaning: String,
    pub default: Option<String>,
    pub without: Option<String>,
    #[serde(default)]
    pub secret: bool,
    pub runtime: Option<Reader>,
    pub spin: Option<String>,
    pub wadm: Option<String>,
    pub configuration: Option<String>,
    pub host: Option<String>,
}

/// The only runtime that reads a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reader {
    /// The program `mercato`.
    Process,
    /// The adapter for Spin.
    Spin,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    /// The file can't be read or parsed.
    pub fn read(project: &Project) -> Result<Self> {
        let text =
            fs::read_to_string(project.root.join(FILE)).with_context(|| format!("can't read {FILE}"))?;
        toml::from_str(&text).with_context(|| format!("{FILE} is not a table of settings"))
    }

    /// Iterates over the settings.
    pub fn iter(&self) -> impl Iterator<Item = &Setting> + Clone {
        self.settings.iter()
    }
}
