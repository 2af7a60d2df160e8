//! Runs tests and counts their results.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use libtest_mimic::{Arguments, Trial};

use super::tally::Tally;
use crate::project::Project;
use crate::service::Service;
use mercato_wasm_toolchain::process::{progress, shown};

/// The environment variable that names the Maildir of the shop's mail server for the black-box tests.
pub const MAILS: &str = "MERCATO_TEST_MAILS";

/// The options of a test run, and its results.
pub struct Runner<'a> {
    /// The folders.
    pub project: &'a Project,
    /// Whether a failure is followed by more tests.
    pub keep_going: bool,
    /// A text that the names of tests must contain.
    pub filter: Option<String>,
    /// The results so far.
    pub tally: Tally,
}

impl<'a> Runner<'a> {
    /// Starts a run without results.
    pub fn new(project: &'a Project, keep_going: bool, filter: Option<String>) -> Self {
        Self {
            project,
            keep_going,
            filter,
            tally: Tally::default(),
        }
    }

    /// Runs tests within this process.
    ///
    /// # Errors
    /// A test fails.
    pub fn trials(&mut self, trials: Vec<Trial>) -> Result<()> {
        let arguments = Arguments {
            filter: self.filter.clone(),
            ..Arguments::default()
        };
        let conclusion = libtest_mimic::run(&arguments, trials);
        self.tally.passed += usize::try_from(conclusion.num_passed)?;
        self.tally.failed += usize::try_from(conclusion.num_failed)?;
        self.tally.skipped += usize::try_from(conclusion.num_ignored)?;
        if conclusion.has_failed() {
            bail!("a test of the surroundings failed");
        }
        Ok(())
    }

    /// Runs a program that runs tests, prints its output, and counts the tests.
    ///
    /// # Errors
    /// The program can't be started, or fails.
    pub fn program(&mut self, command: &mut Command) -> Result<()> {
        let line = shown(command);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("can't start `{line}`"))?;
        for text in BufReader::new(child.stdout.take().context("the program has no output")?).lines() {
            let text = text?;
            self.tally.add_line(&text);
            println!("{text}");
        }
        let status = child.wait()?;
        if !status.success() {
            bail!("`{line}` failed ({status})");
        }
        Ok(())
    }

    /// Returns the command that runs the black-box tests against a shop. It has no filter.
    pub fn black_box(&self, service: &Service, secret: &str) -> Command {
        let mut tests = Command::new(self.project.target.join("debug/mercato-tests"));
        tests
            .args(["--url", &service.url])
            .current_dir(&self.project.root)
            .env("API_SECRET", secret);
        tests
    }

    /// Runs the black-box tests that match the filter against a shop, then stops the shop.
    ///
    /// # Errors
    /// A test fails, or the shop does not stop cleanly; the error names the log.
    pub fn black_box_then_stop(&mut self, tests: &mut Command, service: Service, log: &Path) -> Result<()> {
        let shown_log = log.display();
        progress(format_args!(
            "running the black-box tests against {} (log: {shown_log})",
            service.url
        ));
        let result = self.program(tests.args(self.filter.clone()));
        let stopped = service.stop();
        result.and(stopped.with_context(|| format!("the log of the shop is {shown_log}")))
    }

    /// Returns the log file of a shop.
    ///
    /// # Errors
    /// The folder can't be created.
    pub fn log(&self, name: &str) -> Result<PathBuf> {
        let logs = self.project.target.join("shop");
        fs::create_dir_all(&logs)?;
        Ok(logs.join(name).with_extension("log"))
    }
}

/// Returns settings for test payments, for webhooks to a host that does not exist, and for many registrations
/// from one address. Tests sign webhooks of payments with the API key.
pub fn test_settings(secret: &str) -> [(&'static str, &str); 5] {
    [
        (
            "HTTP_CLIENT_HOSTS",
            "api.stripe.com,api.twilio.com,webhooks.example",
        ),
        ("MERCATO_ENVIRONMENT", "development"),
        ("PAYMENT_GATEWAY", "test"),
        ("REGISTRATION_LIMIT", "off"),
        ("STRIPE_WEBHOOK_SECRET", secret),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_a_failed_program_and_counts_its_tests() {
        let project = Project::find().unwrap();
        let mut runner = Runner::new(&project, false, None);
        let text = "echo 'test result: FAILED. 1 passed; 2 failed; 0 ignored'; exit 3";
        let error = runner.program(Command::new("sh").args(["-c", text])).unwrap_err();
        assert_eq!((runner.tally.passed, runner.tally.failed), (1, 2));
        assert!(error.to_string().contains("exit status: 3"), "{error}");
    }
}
