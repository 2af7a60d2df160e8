//! The tests of the lattice's packages, and the black-box tests on a lattice of two hosts.

use std::path::Path;

use anyhow::{Context, Result};
use libtest_mimic::Trial;

use super::digests;
use super::runner::{MAILS, Runner};
use super::servers::Servers;
use crate::lattice::{self, Built};
use crate::servers::{Home, Server, install_all, localstripe, nats, smtp};
use crate::service::Service;
use crate::{secret, shop};
use mercato_wasm_toolchain::process::progress;

/// The black-box tests that need a lattice.
const LATTICE: &str = "lattice::";
/// Those that count calls. They run first, because the timers that other tests leave behind make calls too.
const CALLS: &str = "lattice::calls";

/// Reservations are released so soon that a test can wait for it, and tests register many users.
const SETTINGS: [&str; 2] = ["RESERVATION_SECONDS=30", "REGISTRATION_LIMIT=off"];

/// Builds a lattice, tests its packages, and starts it for the black-box tests.
///
/// # Errors
/// A part can't be built or started, or a test fails.
pub fn all(runner: &mut Runner, servers: &mut Option<Servers>) -> Result<()> {
    // The lattice starts its own servers.
    drop(servers.take());
    let project = runner.project;
    if let Err(error) = install_all(project) {
        runner.tally.skip("the lattice", &error);
        return Ok(());
    }
    let built = Built::build(project, false)?;
    let shop = shop::whole(project)?;
    let owned = project.clone();
    let same = move || {
        let same = digests::same_everywhere(&owned, &shop, &built.images);
        same.map_err(|error| format!("{error:#}").into())
    };
    let name = "deploy::the lattice runs the same components as one process";
    runner.trials(vec![Trial::test(name, same)])?;
    let mut packages = lattice::cargo(project);
    packages.args(["test", "--locked"]).args(&runner.filter);
    let nats = nats::start(project, Home::temporary()?)?;
    runner.program(packages.env("MERCATO_TEST_NATS", nats.address()))?;
    drop(nats);

    let log = runner.log("test-lattice")?;
    let data = tempfile::Builder::new().prefix("mercato-lattice-").tempdir()?;
    let secret = secret::generate()?;
    progress(format_args!("starting a lattice (log: {})", log.display()));
    let service = lattice::start(project, &SETTINGS, data.path(), &secret, &log)?;
    let result = black_box(runner, &service, &secret, data.path());
    let stopped = service.stop();
    result.and(stopped.with_context(|| format!("the log of the lattice is {}", log.display())))
}

fn black_box(runner: &mut Runner, service: &Service, secret: &str, data: &Path) -> Result<()> {
    let filter = runner.filter.clone();
    let filter = filter.as_deref();
    let maildir = data.join("mail").join(smtp::MAILDIR);
    let stripe = match localstripe::start(runner.project, Home::temporary()?) {
        Ok(stripe) => Some(stripe),
        Err(error) => {
            runner.tally.note_missing("localstripe", &error);
            None
        }
    };
    let calls = match filter {
        Some(filter) if filter.starts_with(CALLS) => Some(filter),
        Some(filter) if !CALLS.starts_with(filter) => None,
        _ => Some(CALLS),
    };
    let stripe = stripe.as_ref().map(|server| (server, maildir.as_path()));
    if let Some(calls) = calls {
        lattice_tests(runner, service, secret, data, stripe, &[calls])?;
    }
    let mut tests = runner.black_box(service, secret);
    tests.env(MAILS, &maildir);
    tests.args(["--shop-only", "--portable-only"]).args(filter);
    let result = runner.program(&mut tests);
    if result.is_err() && !runner.keep_going {
        return result;
    }
    if filter.is_none_or(|filter| filter.starts_with(LATTICE)) {
        progress("changing the configuration of the lattice, and killing its parts under load");
        let arguments = [filter.unwrap_or(LATTICE), "--skip", CALLS];
        return result.and(lattice_tests(runner, service, secret, data, stripe, &arguments));
    }
    result
}

/// Runs the tests that need a lattice, one after the other. Some of them need Stripe and the Maildir of the
/// mail server.
fn lattice_tests(
    runner: &mut Runner,
    service: &Service,
    secret: &str,
    data: &Path,
    stripe: Option<(&Server, &Path)>,
    arguments: &[&str],
) -> Result<()> {
    let mut tests = runner.black_box(service, secret);
    tests
        .args(arguments)
        .args(["--shop-only", "--portable-only", "--test-threads", "1"]);
    tests.env("MERCATO_TEST_LATTICE", data.join("lattice.json"));
    if let Some((stripe, maildir)) = stripe {
        tests.env("MERCATO_TEST_STRIPE", stripe.address());
        // The lattice is already linked to its mail server, so the address is empty.
        tests.env("MERCATO_TEST_SMTP", "");
        tests.env("MERCATO_TEST_SMTP_FOLDER", maildir);
    }
    runner.program(&mut tests)
}
