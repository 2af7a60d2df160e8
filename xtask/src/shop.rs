//! From sources to a shop that can be started: the composed component and the host.

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
use mercato_wasm_toolchain::process::{progress, run};

/// Builds the components that the composition's file names, and composes them; returns the composed component's file.
/// The default file is the whole shop's; the default output is named like it, in `target/shop` (in `target/shop/lattice` for a file in
/// `deploy/compositions/lattice`), and made again only if something changed. Each part is kept in `target/shop/parts`.
///
/// # Errors
/// There is no toolchain for guests, a component does not compile, or they can't be composed.
pub fn composed(project: &Project, file: Option<&Path>, out: Option<&Path>) -> Result<PathBuf> {
    let own = project.root.join("deploy/compositions/shop.toml");
    let file = file.unwrap_or(&own);
    let composition = Composition::read(file)?;
    let manifests = composition
        .parts
        .iter()
        .map(|part| manifest(project, part))
        .collect::<Result<Vec<_>>>()?;
    let toolchain = toolchain::ensure(&project.cache)?;
    guests::build(project, &toolchain)?;

    let mut inputs = Sha256::new();
    inputs.update(this_program()?);
    inputs.update(fs::read(file)?);
    let mut parts = Vec::new();
    for (name, manifest) in composition.parts.iter().zip(&manifests) {
        let component = guests::component(project, name);
        let bytes = fs::read(&component).with_context(|| format!("{} was not built", component.display()))?;
        inputs.update(Sha256::digest(&bytes));
        inputs.update(Sha256::digest(manifest));
        parts.push((guests::name(name), bytes, manifest));
    }
    let inputs = format!("{:x}", inputs.finalize());

    let folder = project.target.join("shop");
    let kept = kept(project, &folder, file);
    let made_of = with_suffix(&kept, ".inputs");
    if out.is_none() && kept.exists() && fs::read_to_string(&made_of).is_ok_and(|earlier| earlier == inputs) {
        return Ok(kept);
    }
    let out = out.unwrap_or(&kept);
    progress(format_args!("composing {}", out.display()));
    let parts = parts
        .into_iter()
        .map(|(name, bytes, manifest)| Part::new(&name, bytes, manifest))
        .collect::<Result<Vec<_>>>()?;
    let whole = compose(&parts, composition.runtime)
        .with_context(|| format!("the parts that {} names can't be composed", file.display()))?;
    fs::create_dir_all(folder.join("parts"))
        .with_context(|| format!("{} can't be made", folder.display()))?;
    for part in &parts {
        write(
            &folder.join("parts").join(&part.name).with_extension("wasm"),
            &part.bytes,
        )?;
    }
    if let Some(folder) = out.parent() {
        fs::create_dir_all(folder).with_context(|| format!("{} can't be made", folder.display()))?;
    }
    write(out, &whole)?;
    if out == kept {
        write(&made_of, inputs.as_bytes())?;
    }
    Ok(out.to_owned())
}

/// Builds the host; returns its file.
///
/// # Errors
/// It does not compile.
pub fn host(project: &Project, release: bool) -> Result<PathBuf> {
    progress("building the host");
    let mut cargo = cargo(project);
    cargo.args(["build", "--locked", "-p", "mercato"]);
    if release {
        cargo.arg("--release");
    }
    run(&mut cargo).context("the host can't be built")?;
    Ok(project
        .target
        .join(if release { "release" } else { "debug" })
        .join("mercato"))
}

/// The cargo that runs xtask, for what runs on this machine. It keeps the environment, so that it sees the flags with
/// which everything else was built.
pub fn cargo(project: &Project) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    cargo
        .current_dir(&project.root)
        .env("CARGO_TARGET_DIR", &project.target)
        .env_remove("CARGO_BUILD_TARGET");
    // What cargo tells of xtask. Build scripts that look at it would run again after each build by hand, and all that is built on them.
    let of_xtask = |name: &OsStr| {
        name.to_str()
            .is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
    };
    for (name, _) in std::env::vars_os().filter(|(name, _)| of_xtask(name)) {
        cargo.env_remove(name);
    }
    cargo
}

/// Where a composition is put by default: as deep under `folder` as its file is under `deploy/compositions`, if it is there.
fn kept(project: &Project, folder: &Path, file: &Path) -> PathBuf {
    let compositions = project.root.join("deploy/compositions");
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let below = absolute.strip_prefix(&compositions).ok();
    let own = below.unwrap_or_else(|| Path::new(file.file_name().unwrap_or_default()));
    folder.join(own).with_extension("wasm")
}

fn manifest(project: &Project, part: &str) -> Result<String> {
    let file = project.root.join("components").join(part).join("service.toml");
    fs::read_to_string(&file).with_context(|| {
        format!(
            "there is no service `{part}`: its manifest {} can't be read",
            file.display()
        )
    })
}

/// Tells one build of xtask from another, whose way of composing may differ.
fn this_program() -> Result<String> {
    let file = std::env::current_exe()?.metadata()?;
    Ok(format!("{:?} {}", file.modified()?, file.len()))
}

fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Writes a file in whole or not at all: a running shop may be reading the earlier one.
fn write(file: &Path, content: &[u8]) -> Result<()> {
    let unfinished = with_suffix(file, ".unfinished");
    fs::write(&unfinished, content)
        .and_then(|()| fs::rename(&unfinished, file))
        .with_context(|| format!("{} can't be written", file.display()))
}
