//! The root files of the crates in both workspaces.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::project::Project;
use crate::{lattice, shop};
use mercato_wasm_toolchain::process::output;

/// The part of `cargo metadata` that is used.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
    src_path: PathBuf,
}

/// Returns the root files of all libraries and programs.
///
/// # Errors
/// Cargo can't read a manifest.
pub fn of(project: &Project) -> Result<Vec<PathBuf>> {
    let mut roots = Vec::new();
    for mut cargo in [shop::cargo(project), lattice::cargo(project)] {
        let printed = output(cargo.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]))?;
        let metadata: Metadata = serde_json::from_str(&printed).context("can't parse cargo's metadata")?;
        let targets = metadata.packages.into_iter().flat_map(|package| package.targets);
        let is_code = |target: &Target| {
            let kinds = ["lib", "rlib", "cdylib", "bin"];
            target.kind.iter().any(|kind| kinds.contains(&kind.as_str()))
        };
        roots.extend(targets.filter(is_code).map(|target| normal(&target.src_path)));
    }
    roots.sort();
    roots.dedup();
    Ok(roots)
}

/// Removes `..` from a path: the lattice's workspace has members outside its folder.
fn normal(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}
