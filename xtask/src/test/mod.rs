//! `cargo xtask test`: every test there is, on a fresh embedded shop.

mod tally;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use self::tally::Tally;
use crate::process::{progress, run, shown};
use crate::project::Project;
use crate::service::Service;
use crate::{secret, shop, wit};

/// The packages that are built and tested together. xtask is not among them: it would be replaced while it runs.
const ALL_BUT_XTASK: [&str; 3] = ["--workspace", "--exclude", "xtask"];

/// Run all tests on a fresh shop
///
/// Checks the interfaces, runs the unit and conformance tests, then builds a shop and runs the black-box tests against
/// it. The last line tells how many tests passed, failed and were skipped.
#[derive(Debug, clap::Args)]
pub struct Test {
    /// Go on after a failure, to see all of them
    #[arg(long)]
    keep_going: bool,
    /// Run only tests whose names contain this
    filter: Option<String>,
}

impl Test {
    /// Runs the tests; tells whether all of them passed.
    pub fn run(&self, project: &Project) -> bool {
        let mut total = Tally::default();
        for step in [Self::interfaces, Self::units, Self::black_box] {
            let mut tally = Tally::default();
            if let Err(error) = step(self, project, &mut tally) {
                progress(format_args!("{error:#}"));
                tally.failed = tally.failed.max(1);
            }
            total += tally;
            if total.failed > 0 && !self.keep_going {
                break;
            }
        }
        println!("\n{total}");
        total.failed == 0
    }

    fn interfaces(&self, project: &Project, _: &mut Tally) -> Result<()> {
        progress("checking the interfaces");
        wit::validate(&project.root.join("wit")).map(|_| ())
    }

    fn units(&self, project: &Project, tally: &mut Tally) -> Result<()> {
        build(project)?;
        progress("running the unit and conformance tests");
        let result = self.cargo_test(project, &ALL_BUT_XTASK, tally);
        if result.is_ok() || self.keep_going {
            self.cargo_test(project, &["-p", "xtask"], tally)?;
        }
        result
    }

    fn cargo_test(&self, project: &Project, packages: &[&str], tally: &mut Tally) -> Result<()> {
        let mut cargo = shop::cargo(project);
        cargo.args(["test", "--locked"]).args(packages);
        if self.keep_going {
            cargo.arg("--no-fail-fast");
        }
        count(cargo.args(&self.filter), tally)
    }

    fn black_box(&self, project: &Project, tally: &mut Tally) -> Result<()> {
        let shop = shop::composed(project, None, None)?;
        build(project)?;
        let programs = project.target.join("debug");
        let host = programs.join("mercato");

        let logs = project.target.join("shop");
        fs::create_dir_all(&logs)?;
        let log = logs.join("test.log");
        let secret = secret::generate()?;
        let service = Service::start(&host, &shop, &["--ephemeral"], &secret, &log)?;
        progress(format_args!(
            "running the black-box tests against {} (its log: {})",
            service.url,
            log.display()
        ));
        let mut tests = Command::new(programs.join("mercato-tests"));
        tests
            .args(["--url", &service.url])
            .args(&self.filter)
            .current_dir(&project.root);
        tests
            .env("API_SECRET", &secret)
            .env("MERCATO_BIN", &host)
            .env("MERCATO_SHOP", &shop);
        let result = count(&mut tests, tally);
        let stopped = service
            .stop()
            .with_context(|| format!("the shop's log: {}", log.display()));
        result.and(stopped)
    }
}

/// Builds the programs and their tests by one call of cargo: with other packages chosen, crates get other features, and
/// wasmtime would be compiled twice.
fn build(project: &Project) -> Result<()> {
    progress("building the host and the tests");
    let mut cargo = shop::cargo(project);
    run(cargo
        .args(["build", "--locked", "--bins", "--tests"])
        .args(ALL_BUT_XTASK))
}

/// Runs a program that runs tests, shows what it prints, and counts the tests.
fn count(command: &mut Command, tally: &mut Tally) -> Result<()> {
    let line = shown(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{line}` can't be started"))?;
    for text in BufReader::new(child.stdout.take().context("a program without output")?).lines() {
        let text = text?;
        tally.read(&text);
        println!("{text}");
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_run_is_an_error_and_its_results_are_counted() {
        let mut tally = Tally::default();
        let text = "echo 'test result: FAILED. 1 passed; 2 failed; 0 ignored'; exit 3";
        let error = count(Command::new("sh").args(["-c", text]), &mut tally).unwrap_err();
        assert_eq!((tally.passed, tally.failed), (1, 2));
        assert!(error.to_string().contains("exit status: 3"), "{error}");
    }
}
