//! `cargo xtask lint`: runs clippy on all code.

use std::process::Command;

use anyhow::Result;

use crate::groups::{HOSTS, REST, XTASK};
use crate::project::Project;
use crate::{guests, lattice, shop};
use mercato_wasm_toolchain as toolchain;
use mercato_wasm_toolchain::Toolchain;
use mercato_wasm_toolchain::process::{progress, run};

/// Runs clippy on all targets of both workspaces, and on the components for their own target. Warnings are
/// errors.
///
/// # Errors
/// Code does not compile, or clippy reports something.
pub fn all(project: &Project) -> Result<()> {
    progress("linting the main workspace");
    for packages in [HOSTS, REST, XTASK] {
        let mut cargo = shop::cargo(project);
        clippy(cargo.arg("clippy").args(packages).arg("--all-targets"))?;
    }
    // `cargo xtask up` builds the host without Kafka, unless its flags name Kafka.
    let mut cargo = shop::cargo(project);
    clippy(
        cargo
            .arg("clippy")
            .args(HOSTS)
            .args(["--all-targets", "--no-default-features"]),
    )?;
    match toolchain::ensure(&project.cache)? {
        Toolchain::Active => {
            progress("linting the components for their target");
            clippy(&mut guests::cargo(project, &Toolchain::Active, "clippy")?)?;
        }
        Toolchain::Linked { .. } => {
            progress("skipped the components: the toolchain mercato-wasm has no clippy")
        }
    }
    progress("linting the workspace of the lattice");
    clippy(lattice::cargo(project).args(["clippy", "--all-targets"]))
}

fn clippy(cargo: &mut Command) -> Result<()> {
    run(cargo.args(["--locked", "--", "-D", "warnings"]))
}
