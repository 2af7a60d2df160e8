//! From sources to a shop that can start: composed components and the host.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use mercato_wasm_toolchain as toolchain;
use sha2::{Digest, Sha256};

use crate::compose::{Composition, Part, compose};
use crate::guests;
use crate::project::Project;
use crate::services::Services;
use mercato_wasm_toolchain::process::{progress, run};

/// Builds the whole shop for one process and returns the file of the component.
///
/// # Errors
/// As [`composed`].
pub fn whole(project: &Project) -> Result<PathBuf> {
    let out = project.target.join("shop/shop.wasm");
    composed(project, &Composition::shop(&Services::read(project)?), &out)?;
    Ok(out)
}

/// Builds all components and composes the parts into the file `out`, unless neither the parts nor xtask have
/// changed. Also keeps each part in `target/shop/parts`.
///
/// # Errors
/// There is no toolchain for components, a component does not compile, or the parts can't be composed.
pub fn composed(project: &Project, composition: &Composition, out: &Path) -> Result<()> {
    let names = &composition.parts;
    let manifests = names
        .iter()
        .map(|part| manifest(project, part))
        .collect::<Result<Vec<_>>>()?;
    let toolchain = toolchain::ensure(&project.cache)?;
    guests::build(project, &toolchain)?;

    let mut inputs = Sha256::new();
    inputs.update(xtask_fingerprint()?);
    inputs.update(format!("{composition:?}"));
    let mut parts = Vec::new();
    for (part, manifest) in names.iter().zip(&manifests) {
        let component = guests::component(project, part);
        let bytes = fs::read(&component).with_context(|| format!("{} was not built", component.display()))?;
        inputs.update(Sha256::digest(&bytes));
        inputs.update(Sha256::digest(manifest));
        parts.push((guests::name(part), bytes, manifest));
    }
    let inputs = format!("{:x}", inputs.finalize());
    let inputs_file = with_suffix(out, ".inputs");
    if out.exists() && fs::read_to_string(&inputs_file).is_ok_and(|earlier| earlier == inputs) {
        return Ok(());
    }

    progress(format_args!("composing {}", out.display()));
    let parts = parts
        .into_iter()
        .map(|(name, bytes, manifest)| Part::new(&name, bytes, manifest))
        .collect::<Result<Vec<_>>>()?;
    let component = compose(&parts, composition.runtime)
        .with_context(|| format!("can't compose {}", names.join(", ")))?;
    let folder = project.target.join("shop/parts");
    for part in &parts {
        write(&folder.join(&part.name).with_extension("wasm"), &part.bytes)?;
    }
    write(out, &component)?;
    write(&inputs_file, inputs.as_bytes())
}

/// Builds the host, with or without its client of Kafka, and returns its file. Only that client needs a C++
/// compiler.
///
/// # Errors
/// The host does not compile.
pub fn host(project: &Project, release: bool, kafka: bool) -> Result<PathBuf> {
    progress("building the host");
    let mut cargo = cargo(project);
    cargo.args(["build", "--locked", "-p", "mercato"]);
    if !kafka {
        cargo.arg("--no-default-features");
    }
    if release {
        cargo.arg("--release");
    }
    run(&mut cargo).context("can't build the host")?;
    Ok(project
        .target
        .join(if release { "release" } else { "debug" })
        .join("mercato"))
}

/// Returns the cargo that runs xtask, for programs of this machine. It keeps the environment, so that it sees
/// the flags of all other builds.
pub fn cargo(project: &Project) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    cargo
        .current_dir(&project.root)
        .env("CARGO_TARGET_DIR", &project.target)
        .env_remove("CARGO_BUILD_TARGET");
    // These describe xtask. A build script that reads one would run again after each build without xtask, and
    // everything that depends on it would be compiled again.
    let describes_xtask = |name: &OsStr| {
        name.to_str()
            .is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
    };
    for (name, _) in std::env::vars_os().filter(|(name, _)| describes_xtask(name)) {
        cargo.env_remove(name);
    }
    cargo
}

fn manifest(project: &Project, part: &str) -> Result<String> {
    let file = project.root.join("components").join(part).join("service.toml");
    fs::read_to_string(&file)
        .with_context(|| format!("there is no part `{part}`: can't read {}", file.display()))
}

/// Distinguishes this build of xtask from others, which may compose differently.
fn xtask_fingerprint() -> Result<String> {
    let file = std::env::current_exe()?.metadata()?;
    Ok(format!("{:?} {}", file.modified()?, file.len()))
}

fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Replaces a file atomically, because a running shop may be reading it.
fn write(file: &Path, content: &[u8]) -> Result<()> {
    let unfinished = with_suffix(file, ".unfinished");
    file.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(&unfinished, content))
        .and_then(|()| fs::rename(&unfinished, file))
        .with_context(|| format!("can't write {}", file.display()))
}
