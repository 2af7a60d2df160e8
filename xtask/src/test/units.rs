//! The unit and conformance tests of all packages.

use anyhow::Result;

use super::deploy;
use super::runner::Runner;
use super::servers::Servers;
use crate::groups::{self, HOSTS, REST, XTASK};
use crate::{shop, wit};
use mercato_wasm_toolchain::process::progress;

/// Checks the interfaces in `wit/`.
///
/// # Errors
/// A package is invalid.
pub fn interfaces(runner: &mut Runner, _: &mut Option<Servers>) -> Result<()> {
    progress("checking the interfaces");
    wit::validate(&runner.project.root.join("wit")).map(drop)
}

/// Starts the servers, checks that they survive a kill, and runs the tests of all packages.
///
/// # Errors
/// A package does not compile, or a test fails.
pub fn all(runner: &mut Runner, servers: &mut Option<Servers>) -> Result<()> {
    progress("building the hosts and the tests");
    for group in [HOSTS, REST] {
        groups::build(runner.project, group)?;
    }
    let servers = servers.insert(Servers::start(runner)?);
    let mut trials = servers.trials();
    trials.extend(deploy::trials(runner));
    let mut result = runner.trials(trials);
    progress("running the unit and conformance tests");
    for packages in [HOSTS, REST, XTASK] {
        if result.is_err() && !runner.keep_going {
            break;
        }
        let mut cargo = shop::cargo(runner.project);
        cargo.args(["test", "--locked"]).args(packages);
        cargo.envs(servers.variables()?);
        if runner.keep_going {
            cargo.arg("--no-fail-fast");
        }
        cargo.args(&runner.filter);
        result = result.and(runner.program(&mut cargo));
    }
    result
}
