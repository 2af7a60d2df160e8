//! The groups of packages that are built together. Cargo selects the features of shared crates for all
//! packages of a call, so a package must always be built in the same group. Otherwise its dependencies would
//! be compiled again.

use anyhow::Result;

use crate::project::Project;
use crate::shop;
use mercato_wasm_toolchain::process::run;

/// The hosts, which depend on wasmtime. `cargo xtask up` builds one of them alone.
pub const HOSTS: &[&str] = &["-p", "mercato", "-p", "mercato-spin-host"];

/// The other packages, without xtask: a build would replace it while it runs.
pub const REST: &[&str] = &[
    "--workspace",
    "--exclude",
    "mercato",
    "--exclude",
    "mercato-spin-host",
    "--exclude",
    "xtask",
];

/// The package of this program.
pub const XTASK: &[&str] = &["-p", "xtask"];

/// Builds the programs and the tests of a group.
///
/// # Errors
/// A package does not compile.
pub fn build(project: &Project, group: &[&str]) -> Result<()> {
    let mut cargo = shop::cargo(project);
    run(cargo.args(["build", "--locked", "--bins", "--tests"]).args(group))
}
