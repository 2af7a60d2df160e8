//! `cargo xtask test`: every test there is, on a fresh embedded shop.

#[cfg(test)]
mod compose_file;
mod deploy;
mod digests;
mod on_lattice;
mod servers;
mod spin;
mod tally;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use libtest_mimic::{Arguments, Trial};

use self::servers::Servers;
use self::tally::Tally;
use crate::project::Project;
use crate::service::{Limits, Service};
use crate::{secret, shop, wit};
use mercato_wasm_toolchain::process::{progress, run, shown};

/// Tells the black-box tests what the mail server of their shop keeps.
const MAILS: &str = "MERCATO_TEST_MAILS";

/// The hosts are built by themselves, as `cargo xtask up` builds one: with other packages beside them, crates get other features, and
/// wasmtime would be compiled again.
const HOST: [&str; 4] = ["-p", "mercato", "-p", "mercato-spin-host"];

/// What else is built and tested. xtask is not among it: it would be replaced while it runs.
const REST: [&str; 7] = [
    "--workspace",
    "--exclude",
    "mercato",
    "--exclude",
    "mercato-spin-host",
    "--exclude",
    "xtask",
];

/// A start includes the check that everything is built. At the end, requests are finished and the database is closed.
const UP: Limits = Limits {
    start: Duration::from_secs(300),
    stop: Duration::from_secs(20),
};

/// Run all tests on a fresh shop
///
/// Checks the interfaces, starts MongoDB, Kafka, Redis, a mail server and localstripe (and gets them if they are not there), runs the
/// unit and conformance tests on them, then builds a shop and runs the black-box tests against it: with its own data folder,
/// with those servers instead, under Spin, and on a wasmCloud lattice, whose parts are ended under load then. The last lines tell what
/// could not be had, and how many tests passed, failed and were skipped.
#[derive(Debug, clap::Args)]
pub struct Test {
    /// Go on after a failure, to see all of them
    #[arg(long)]
    keep_going: bool,
    /// Leave out the lattice, which takes many minutes to build the first time
    #[arg(long)]
    no_lattice: bool,
    /// Run only tests whose names contain this
    filter: Option<String>,
}

impl Test {
    /// Runs the tests; tells whether all of them passed.
    pub fn run(&self, project: &Project) -> bool {
        let mut total = Tally::default();
        let mut servers = None;
        for step in [
            Self::interfaces,
            Self::units,
            Self::one_process,
            Self::one_process_on_servers,
            Self::spin,
            Self::lattice,
        ] {
            let mut tally = Tally::default();
            if let Err(error) = step(self, project, &mut servers, &mut tally) {
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

    fn interfaces(&self, project: &Project, _: &mut Option<Servers>, _: &mut Tally) -> Result<()> {
        progress("checking the interfaces");
        wit::validate(&project.root.join("wit")).map(|_| ())
    }

    fn units(&self, project: &Project, there: &mut Option<Servers>, tally: &mut Tally) -> Result<()> {
        progress("building the host and the tests");
        for packages in [&HOST[..], &REST] {
            run(shop::cargo(project)
                .args(["build", "--locked", "--bins", "--tests"])
                .args(packages))?;
        }
        let servers = there.insert(Servers::start(project, tally)?);
        let mut trials = servers.trials();
        trials.extend(deploy::trials(project, tally));
        let own = self.own(trials, tally);
        if own.is_err() && !self.keep_going {
            return own;
        }
        progress("running the unit and conformance tests");
        let mut result = own;
        for packages in [&HOST[..], &REST, &["-p", "xtask"]] {
            if result.is_ok() || self.keep_going {
                result = result.and(self.cargo_test(project, packages, &servers.variables()?, tally));
            }
        }
        result
    }

    /// Runs tests of xtask's own, of what it started.
    fn own(&self, trials: Vec<Trial>, tally: &mut Tally) -> Result<()> {
        let arguments = Arguments {
            filter: self.filter.clone(),
            ..Arguments::default()
        };
        let conclusion = libtest_mimic::run(&arguments, trials);
        tally.passed += usize::try_from(conclusion.num_passed)?;
        tally.failed += usize::try_from(conclusion.num_failed)?;
        tally.skipped += usize::try_from(conclusion.num_ignored)?;
        if conclusion.has_failed() {
            bail!("what the tests run on is not as it should be");
        }
        Ok(())
    }

    fn cargo_test(
        &self,
        project: &Project,
        packages: &[&str],
        servers: &[(&str, String)],
        tally: &mut Tally,
    ) -> Result<()> {
        let mut cargo = shop::cargo(project);
        cargo.args(["test", "--locked"]).args(packages);
        cargo.envs(servers.iter().map(|(name, address)| (name, address)));
        if self.keep_going {
            cargo.arg("--no-fail-fast");
        }
        count(cargo.args(&self.filter), tally)
    }

    /// The shop in one process, started as a user starts it.
    fn one_process(&self, project: &Project, servers: &mut Option<Servers>, tally: &mut Tally) -> Result<()> {
        let shop = shop::composed(project, None, None)?;
        let log = self.log(project, "test")?;
        let secret = secret::generate()?;
        let service = up(project, &["--ephemeral"], &secret, &log)?;
        let mut tests = self.tests(project, &service, &secret);
        tests
            .env("MERCATO_BIN", project.target.join("debug/mercato"))
            .env("MERCATO_SHOP", &shop);
        // Shops that tests start themselves are paid by Stripe's API, and send real mail.
        if let Some(servers) = servers {
            tests.envs(servers.variables()?);
        }
        black_box(service, &mut tests, &log, tally)
    }

    /// The same with real servers instead of the data folder.
    fn one_process_on_servers(
        &self,
        project: &Project,
        servers: &mut Option<Servers>,
        tally: &mut Tally,
    ) -> Result<()> {
        let Some((servers, flags)) = servers
            .as_ref()
            .and_then(|servers| Some((servers, servers.flags()?)))
        else {
            tally.skipped += 1;
            tally.miss("the shop on servers", &anyhow!("not all of its servers are here"));
            return Ok(());
        };
        let log = self.log(project, "test-servers")?;
        let secret = secret::generate()?;
        let mut arguments = vec!["--ephemeral", "--"];
        arguments.extend(flags.iter().map(String::as_str));
        let service = up(project, &arguments, &secret, &log)?;
        let mut tests = self.tests(project, &service, &secret);
        tests.envs(servers.mails()?.map(|folder| (MAILS, folder)));
        black_box(service, tests.arg("--shop-only"), &log, tally)
    }

    /// The components of spin.toml, on a host of Spin's interfaces, and on Spin itself where it is installed.
    fn spin(&self, project: &Project, servers: &mut Option<Servers>, tally: &mut Tally) -> Result<()> {
        crate::spin::build(project)?;
        let log = self.log(project, "test-spin-host")?;
        let host = Arc::new(spin::Host::new(project, &log));
        let own = self.own(spin::trials(project, Arc::clone(&host)), tally);
        if own.is_err() && !self.keep_going {
            return own;
        }
        let state = tempfile::tempdir()?;
        let secret = secret::generate()?;
        let service = host.start(None, state.path(), &secret)?;
        let mut tests = self.tests(project, &service, &secret);
        tests.arg("--shop-only").envs(host.for_tests());
        if let Some(servers) = servers {
            tests.envs(servers.variables()?);
        }
        let on_host = black_box(service, &mut tests, &log, tally);
        let result = own.and(on_host);
        if result.is_err() && !self.keep_going {
            return result;
        }
        if let Err(error) = crate::spin::available() {
            tally.skipped += 1;
            tally.miss("the shop on Spin itself", &error);
            return result;
        }
        let log = self.log(project, "test-spin")?;
        let state = tempfile::tempdir()?;
        let service = spin::real(project, state.path(), &secret, &log)?;
        let mut tests = self.tests(project, &service, &secret);
        result.and(black_box(service, tests.arg("--shop-only"), &log, tally))
    }

    fn lattice(&self, project: &Project, servers: &mut Option<Servers>, tally: &mut Tally) -> Result<()> {
        if self.no_lattice {
            return Ok(());
        }
        // A lattice starts its own.
        drop(servers.take());
        on_lattice::step(self, project, tally)
    }

    /// The file of a shop's log.
    fn log(&self, project: &Project, name: &str) -> Result<PathBuf> {
        let logs = project.target.join("shop");
        fs::create_dir_all(&logs)?;
        Ok(logs.join(name).with_extension("log"))
    }

    fn tests(&self, project: &Project, service: &Service, secret: &str) -> Command {
        let mut tests = suite(project, service, secret);
        tests.args(&self.filter);
        tests
    }
}

/// The black-box tests against a shop.
fn suite(project: &Project, service: &Service, secret: &str) -> Command {
    let mut tests = Command::new(project.target.join("debug/mercato-tests"));
    tests
        .args(["--url", &service.url])
        .current_dir(&project.root)
        .env("API_SECRET", secret);
    tests
}

/// The settings of payments by the gateway that plays. Tests sign webhooks with the API secret.
pub fn playing(secret: &str) -> [(&'static str, &str); 3] {
    [
        ("MERCATO_ENVIRONMENT", "development"),
        ("PAYMENT_GATEWAY", "test"),
        ("STRIPE_WEBHOOK_SECRET", secret),
    ]
}

/// Starts a shop on a free port by `cargo xtask up`, with its log in a file.
fn up(project: &Project, arguments: &[&str], secret: &str, log: &Path) -> Result<Service> {
    let mut command = Command::new(std::env::current_exe()?);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("MERCATO_")) {
        command.env_remove(name);
    }
    command
        .args(["up", "--port", "0"])
        .args(arguments)
        .env("CARGO_TARGET_DIR", &project.target)
        .env("API_SECRET", secret)
        .envs(playing(secret))
        // A `.env` of the checkout is for a developer's own shop.
        .current_dir(std::env::temp_dir());
    Service::run(command, log, UP)
}

/// Runs the black-box tests against a shop, and stops it.
fn black_box(service: Service, tests: &mut Command, log: &Path, tally: &mut Tally) -> Result<()> {
    progress(format_args!(
        "running the black-box tests against {} (its log: {})",
        service.url,
        log.display()
    ));
    let result = count(tests, tally);
    let stopped = service
        .stop()
        .with_context(|| format!("the shop's log: {}", log.display()));
    result.and(stopped)
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
