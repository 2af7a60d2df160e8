//! What a lattice is made of: components, providers' archives, the host.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::project::Project;
use crate::shop;
use mercato_wasm_toolchain::process::{clean, progress, run};

const PROVIDERS: [&str; 5] = ["mongodb", "kafka", "redis", "smtp", "http"];

/// What was built.
#[derive(Clone, Debug)]
pub struct Built {
    /// The program `mercato-lattice`.
    pub program: PathBuf,
    /// The folder of components and providers' archives.
    pub images: PathBuf,
}

impl Built {
    /// Where it all is once it was built.
    pub fn places(project: &Project, release: bool) -> Self {
        Self {
            program: programs(project, release).join("mercato-lattice"),
            images: project.target.join("shop/lattice"),
        }
    }

    /// Builds what changed. The host takes many minutes the first time.
    ///
    /// # Errors
    /// Something does not compile.
    pub fn build(project: &Project, release: bool) -> Result<Self> {
        let built = Self::places(project, release);
        let compositions = project.root.join("deploy/compositions/lattice");
        for entry in fs::read_dir(&compositions)
            .with_context(|| format!("{} can't be read", compositions.display()))?
        {
            shop::composed(project, Some(&entry?.path()), None)?;
        }
        progress("building the lattice's host and the providers (the first time takes many minutes)");
        run(cargo(project)
            .args(["build", "--locked", "--bins"])
            .args(release.then_some("--release")))
        .context("the lattice's host and the providers can't be built")?;
        for name in PROVIDERS {
            let provider = programs(project, release).join(format!("mercato-{name}-provider"));
            let archive = built.images.join(format!("{name}.par"));
            let made_of = archive.with_extension("par.inputs");
            let inputs = told(&provider)?;
            if !archive.exists() || fs::read_to_string(&made_of).ok().as_ref() != Some(&inputs) {
                let mut command = clean(&built.program);
                command.arg("archive").arg(provider).args(["--name", name, "-o"]);
                run(command.arg(archive))?;
                fs::write(made_of, inputs)?;
            }
        }
        Ok(built)
    }
}

/// The cargo of the lattice's workspace. One of its crates needs a compiler wrapper. It has a target folder of its own, because hardly
/// a crate is built with the same features as in the main workspace.
pub fn cargo(project: &Project) -> Command {
    let mut cargo = shop::cargo(project);
    cargo
        .current_dir(project.root.join("lattice"))
        .env("CARGO_TARGET_DIR", target(project))
        .env("RUSTC_WRAPPER", project.root.join("lattice/host/rustc-wrapper"));
    cargo
}

fn target(project: &Project) -> PathBuf {
    project.target.join("lattice")
}

fn programs(project: &Project, release: bool) -> PathBuf {
    target(project).join(if release { "release" } else { "debug" })
}

/// What tells one program from another, and from what it was before.
fn told(program: &Path) -> Result<String> {
    let file = program.metadata()?;
    Ok(format!(
        "{} {:?} {}",
        program.display(),
        file.modified()?,
        file.len()
    ))
}
