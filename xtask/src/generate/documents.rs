//! The documents in `docs/api`: GraphQL's SDL, the OpenAPI document, and a JSON Schema for each event.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::groups::{self, REST};
use crate::project::Project;
use mercato_wasm_toolchain::process::{clean, output, progress};

/// Texts of generated files by their paths below the checkout.
pub type Files = BTreeMap<PathBuf, String>;

/// The folder of the documents.
const FOLDER: &str = "docs/api";
/// The folder of the schemas, which holds nothing else.
const EVENTS: &str = "docs/api/events";

/// Returns the documents, which a program with the services prints.
///
/// # Errors
/// The program can't be built.
pub fn all(project: &Project) -> Result<Files> {
    progress("building the program that prints the documents of the API");
    groups::build(project, REST)?;
    let printed = output(&mut clean(project.target.join("debug/mercato-api-docs")))?;
    let texts: BTreeMap<String, String> =
        serde_json::from_str(&printed).context("can't parse the documents")?;
    let below = |(name, text)| (Path::new(FOLDER).join::<String>(name), text);
    Ok(texts.into_iter().map(below).collect())
}

/// Returns the schemas of events that no longer exist.
///
/// # Errors
/// The folder of the schemas can't be read.
pub fn outdated(project: &Project, files: &Files) -> Result<Vec<PathBuf>> {
    let folder = project.root.join(EVENTS);
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder)?.map(|entry| Ok(Path::new(EVENTS).join(entry?.file_name())));
    let mut paths = entries.collect::<Result<Vec<_>>>()?;
    paths.retain(|path| !files.contains_key(path));
    paths.sort();
    Ok(paths)
}
