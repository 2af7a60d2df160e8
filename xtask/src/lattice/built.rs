//! What a lattice runs: components, the archives of providers, and the host.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::layout::PROVIDERS;
use crate::compose::{Composition, Names};
use crate::project::Project;
use crate::services::{Service, Services};
use crate::{shop, wit};
use mercato_wasm_toolchain::process::{clean, progress, run};

/// The component that the benchmarks measure the floor of a call with.
const PROBE: &str = "adapters/probe";

/// The files that a build makes.
#[derive(Clone, Debug)]
pub struct Built {
    /// The program `mercato-lattice`.
    pub program: PathBuf,
    /// The folder of the components and of the providers' archives.
    pub images: PathBuf,
}

impl Built {
    /// Returns the paths of the files, whether or not they exist.
    pub fn paths(project: &Project, release: bool) -> Self {
        Self {
            program: programs(project, release).join("mercato-lattice"),
            images: project.target.join("shop/lattice"),
        }
    }

    /// Builds what has changed. The first build of the host takes many minutes.
    ///
    /// # Errors
    /// A component, a provider or the host can't be built.
    pub fn build(project: &Project, release: bool) -> Result<Self> {
        let built = Self::paths(project, release);
        let services = Services::read(project)?;
        let interfaces = wit::interfaces(&project.root.join("wit"))?;
        let image = |name: &str| built.images.join(name).with_extension("wasm");
        for service in services.iter() {
            let composition = Composition::for_lattice(vec![&service.name]);
            shop::composed(project, &composition, &image(&service.name))?;
            check_links(service, &image(&service.name), &interfaces)?;
        }
        let whole = Composition::for_lattice(services.names());
        shop::composed(project, &whole, &image("shop"))?;
        shop::composed(project, &Composition::for_lattice(vec![PROBE]), &image("probe"))?;
        progress("building the lattice's host and the providers (the first build takes many minutes)");
        run(cargo(project)
            .args(["build", "--locked", "--bins"])
            .args(release.then_some("--release")))
        .context("can't build the lattice's host and the providers")?;
        for name in PROVIDERS {
            let provider = programs(project, release).join(format!("mercato-{name}-provider"));
            let archive = built.images.join(format!("{name}.par"));
            let inputs_file = archive.with_extension("par.inputs");
            let inputs = fingerprint(&provider)?;
            if !archive.exists() || fs::read_to_string(&inputs_file).ok().as_ref() != Some(&inputs) {
                let mut command = clean(&built.program);
                command.arg("archive").arg(provider).args(["--name", name, "-o"]);
                run(command.arg(archive))?;
                fs::write(inputs_file, inputs)?;
            }
        }
        Ok(built)
    }
}

/// Checks that a service's component imports no more than the service's world in `wit/shop`, because the
/// manifest links only the imports of the world.
fn check_links(service: &Service, component: &Path, interfaces: &BTreeSet<String>) -> Result<()> {
    let bytes = fs::read(component).with_context(|| format!("can't read {}", component.display()))?;
    for import in Names::read(&bytes)?.imports {
        let name = wit::without_version(&import);
        if interfaces.contains(name) && !service.world.imports.contains(name) {
            bail!(
                "the component of {0} imports {name}, but the world `{0}-service` does not: add the import to the world",
                service.name
            );
        }
    }
    Ok(())
}

/// Returns the cargo of the lattice's workspace. One of its crates needs a compiler wrapper. The workspace
/// has a target folder of its own, because it builds hardly a crate with the same features as the main
/// workspace.
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

/// Distinguishes a program from other programs, and from its earlier builds.
fn fingerprint(program: &Path) -> Result<String> {
    let file = program.metadata()?;
    Ok(format!(
        "{} {:?} {}",
        program.display(),
        file.modified()?,
        file.len()
    ))
}
