//! `cargo xtask spin`: the shop under Spin.

mod check;
mod manifest;
mod up;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use self::manifest::Manifest;
pub use self::up::available;
use crate::project::Project;
use crate::shop;

/// The folder of a shop's databases, beside its manifest.
const STATE: &str = ".spin";

/// Run the shop under Spin
#[derive(Debug, clap::Subcommand)]
pub enum Spin {
    Up(up::Up),
    /// Compose what spin.toml names, as `spin build` does
    ///
    /// Each component `NAME` is composed from `deploy/compositions/spin/NAME.toml` and put where the manifest says.
    Build,
    /// Compose what spin.toml names, and hold it against what Spin offers and permits
    ///
    /// Prints each component's size and what an instance of it takes. It needs no Spin.
    Check,
}

impl Spin {
    /// Runs the task.
    ///
    /// # Errors
    /// Something can't be built, is not as Spin wants it, or Spin is not there.
    pub fn run(self, project: &Project) -> Result<()> {
        match self {
            Self::Up(up) => up.run(project),
            Self::Build => {
                for file in build(project)? {
                    println!("{}", file.display());
                }
                Ok(())
            }
            Self::Check => {
                build(project)?;
                for line in check(project)? {
                    println!("{line}");
                }
                Ok(())
            }
        }
    }
}

/// Where the manifest is.
pub fn manifest(project: &Project) -> PathBuf {
    project.root.join("spin.toml")
}

/// Composes the components that the manifest names; returns their files.
///
/// # Errors
/// The manifest is wrong, or something can't be built.
pub fn build(project: &Project) -> Result<Vec<PathBuf>> {
    let manifest = Manifest::read(&manifest(project))?;
    let mut files = Vec::new();
    for (name, component) in &manifest.component {
        let composition = project
            .root
            .join("deploy/compositions/spin")
            .join(name)
            .with_extension("toml");
        let composed = shop::composed(project, Some(&composition), None)?;
        let file = project.root.join(&component.source);
        put(&composed, &file)?;
        files.push(file);
    }
    Ok(files)
}

/// Holds the composed components against Spin and the manifest; a line about each.
///
/// # Errors
/// All that is not as it should be.
pub fn check(project: &Project) -> Result<Vec<String>> {
    let manifest = Manifest::read(&manifest(project))?;
    let mut lines = Vec::new();
    let mut faults = manifest.faults();
    let mut found = Vec::new();
    for (name, component) in &manifest.component {
        let file = project.root.join(&component.source);
        let bytes = fs::read(&file).with_context(|| format!("{} can't be read", file.display()))?;
        let composed = check::Composed::parse(&bytes)?;
        lines.push(format!("{name}: {} KiB, {composed}", bytes.len() / 1024));
        faults.extend(
            composed
                .faults(component)
                .map(|fault| format!("component `{name}`: {fault}")),
        );
        found.push(composed);
    }
    for subscriber in found.iter().flat_map(check::Composed::subscribers) {
        faults.extend(manifest.lacks_consumer(subscriber));
    }
    faults.sort();
    faults.dedup();
    if !faults.is_empty() {
        bail!(
            "spin.toml and its components do not fit together:\n{}",
            faults.join("\n")
        );
    }
    Ok(lines)
}

/// Copies a file in whole or not at all, unless it is there already.
fn put(from: &Path, to: &Path) -> Result<()> {
    let content = fs::read(from)?;
    if fs::read(to).is_ok_and(|earlier| earlier == content) {
        return Ok(());
    }
    let unfinished = to.with_extension("unfinished");
    let written = to
        .parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(&unfinished, content))
        .and_then(|()| fs::rename(&unfinished, to));
    written.with_context(|| format!("{} can't be written", to.display()))
}
