//! `cargo xtask test`: every test, on fresh shops.

#[cfg(test)]
mod compose_file;
mod deploy;
mod digests;
#[cfg(test)]
mod kubernetes_manifest;
mod lattice;
mod process;
mod runner;
mod servers;
mod spin;
mod tally;
mod units;

use anyhow::Result;

use self::runner::Runner;
use self::servers::Servers;
use crate::project::Project;
use mercato_wasm_toolchain::process::progress;

/// Run all tests on fresh shops
///
/// Checks the interfaces. Installs and starts MongoDB, Kafka, Redis, a mail server and localstripe. Runs the
/// unit and conformance tests with these servers. Then builds a shop and runs the black-box tests against it:
/// in one process with a data folder, in one process with the servers, under Spin, and on a wasmCloud
/// lattice, whose parts are killed under load. Under Spin and on the lattice, only the black-box tests run
/// that a runtime can break. The last lines name what could not be installed, and count the tests that
/// passed, failed and were skipped.
#[derive(Debug, clap::Args)]
pub struct Test {
    /// Continue after a failure
    #[arg(long)]
    keep_going: bool,
    /// Skip the lattice, whose first build takes many minutes
    #[arg(long)]
    no_lattice: bool,
    /// Run only tests whose names contain this text
    filter: Option<String>,
}

/// A group of tests. Steps share the servers.
type Step = fn(&mut Runner, &mut Option<Servers>) -> Result<()>;

impl Test {
    /// Runs the tests, and returns whether all passed.
    pub fn run(self, project: &Project) -> bool {
        let mut runner = Runner::new(project, self.keep_going, self.filter);
        let mut servers = None;
        let mut steps: Vec<Step> = vec![
            units::interfaces,
            units::all,
            process::with_data_folder,
            process::with_servers,
            spin::all,
        ];
        if !self.no_lattice {
            steps.push(lattice::all);
        }
        for step in steps {
            let failed = runner.tally.failed;
            if let Err(error) = step(&mut runner, &mut servers) {
                progress(format_args!("{error:#}"));
                runner.tally.failed = runner.tally.failed.max(failed + 1);
            }
            if runner.tally.failed > 0 && !self.keep_going {
                break;
            }
        }
        println!("\n{}", runner.tally);
        runner.tally.failed == 0
    }
}
