//! `cargo xtask mutants`: changes the code in small ways with cargo-mutants, and counts the changes that tests
//! detect.

mod plan;
mod report;

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use self::plan::{Group, Plan};
use self::report::Report;
use crate::daemon::Daemon;
use crate::project::Project;
use crate::tool::Tool;
use mercato_wasm_toolchain::process::{clean, progress};

const CARGO_MUTANTS: Tool = Tool {
    name: "cargo-mutants",
    version: "27.1.0",
};

/// The time in which cargo-mutants must end after SIGTERM.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// Count the bugs that tests detect
///
/// Makes copies of the code with one bug each, the mutants, and runs the tests of the package on each copy.
/// Prints the mutants that no test detects, and a table of the files. Fails if less than 95 % of the mutants
/// are detected. tests/mutants.toml lists the files, and the judged mutants: those that no test must detect.
/// cargo-mutants is installed into the cache if it is not on the PATH.
#[derive(Debug, clap::Args)]
pub struct Mutants {
    /// A file to mutate; can be repeated [default: the files in tests/mutants.toml]
    #[arg(long = "file", value_name = "FILE")]
    files: Vec<String>,
    /// One of N parts of the mutants: K is from 0 to N-1
    #[arg(long, value_name = "K/N")]
    shard: Option<String>,
    /// The time after which no more mutants are tested, in minutes
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=1440))]
    minutes: u64,
}

impl Mutants {
    /// Tests the mutants and prints the report. Returns whether enough of them were detected.
    ///
    /// # Errors
    /// cargo-mutants can't be installed or fails, or the tests fail without a bug.
    pub fn run(&self, project: &Project) -> Result<bool> {
        let plan = Plan::read(project)?;
        let program = CARGO_MUTANTS.find(project)?;
        let deadline = Instant::now() + Duration::from_secs(60 * self.minutes);
        let mut report = Report::new(&plan.judged);
        for group in plan.groups(&self.files) {
            if deadline <= Instant::now() {
                report.is_complete = false;
                break;
            }
            let out = tempfile::Builder::new()
                .prefix("mutants-")
                .tempdir_in(&project.target)?;
            report.is_complete &= self.test(project, &program, &group, out.path(), deadline)?;
            report.add(&project.root, &out.path().join("mutants.out/outcomes.json"))?;
        }
        println!("{report}");
        Ok(report.is_sufficient())
    }

    /// Tests the mutants of a group. Returns whether all of them were tested before the deadline.
    fn test(
        &self,
        project: &Project,
        program: &Path,
        group: &Group,
        out: &Path,
        deadline: Instant,
    ) -> Result<bool> {
        let mut command = clean(program);
        command
            .current_dir(&project.root)
            // A folder of its own: the mutants' builds would replace those of other tasks.
            .env("CARGO_TARGET_DIR", project.target.join("mutants"))
            .env("CARGO_INCREMENTAL", "1")
            .env("CARGO_PROFILE_DEV_DEBUG", "none")
            .args([
                "mutants",
                "--workspace",
                "--colors=never",
                "--minimum-test-timeout=60",
            ])
            // Without the examples in comments, which take long to compile.
            .arg("--cargo-arg=--tests")
            .arg("--output")
            .arg(out);
        for file in &group.files {
            command.args(["--file", file]);
        }
        if !group.tests.is_empty() {
            command.args(["--test-package", &group.tests.join(",")]);
        }
        if let Some(shard) = &self.shard {
            command.args(["--shard", shard]);
        }
        let mut running = Daemon::spawn(command.stdout(Stdio::from(std::io::stderr())), None)?;
        while running.ended()?.is_none() {
            if Instant::now() >= deadline {
                progress("the time is over");
                running.stop(STOP_LIMIT)?;
                return Ok(false);
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        let status = running
            .ended()?
            .context("cargo-mutants has ended without a status")?;
        // 0: all detected, 2: some are not, 3: some took too long.
        match status.code() {
            Some(0 | 2 | 3) => Ok(true),
            _ => anyhow::bail!("cargo-mutants failed ({status})"),
        }
    }
}
