//! The tests of the lattice's packages, and the black-box tests on a lattice of two hosts.

use std::path::Path;

use anyhow::{Context, Result};
use libtest_mimic::Trial;

use super::tally::Tally;
use super::{MAILS, Test, count, digests, suite};
use crate::project::Project;
use crate::servers::{Home, get_all, localstripe, smtp};
use crate::service::Service;
use crate::{lattice, secret, shop};
use mercato_wasm_toolchain::process::progress;

/// What only a lattice shows.
const OWN: &str = "lattice::";
/// Of those, what needs quiet: the shoppers of other tests leave timers behind.
const QUIET: &str = "lattice::calls";

/// Reservations are given back so soon that a test can wait for it.
const IMPATIENT: &str = "RESERVATION_SECONDS=30";

/// Builds all that a lattice needs, tests it, and starts one for the black-box tests.
///
/// # Errors
/// Something can't be built or started, or a test fails.
pub fn step(test: &Test, project: &Project, tally: &mut Tally) -> Result<()> {
    if let Err(error) = get_all(project) {
        tally.skipped += 1;
        tally.miss("the lattice", &error);
        return Ok(());
    }
    let built = lattice::Built::build(project, false)?;
    let shop = shop::composed(project, None, None)?;
    let own = project.clone();
    let same = move || {
        let same = digests::same_everywhere(&own, &shop, &built.images);
        same.map_err(|error| format!("{error:#}").into())
    };
    let same = Trial::test("deploy::the lattice runs the components of the one process", same);
    test.own(vec![same], tally)?;
    let mut packages = lattice::cargo(project);
    packages.args(["test", "--locked"]);
    count(packages.args(&test.filter), tally)?;

    let log = test.log(project, "test-lattice")?;
    let data = tempfile::Builder::new().prefix("mercato-lattice-").tempdir()?;
    let secret = secret::generate()?;
    progress(format_args!("starting a lattice (its log: {})", log.display()));
    let service = lattice::start(project, &[IMPATIENT], data.path(), &secret, &log)?;
    let result = black_box(test, project, &service, &secret, data.path(), tally);
    let stopped = service
        .stop()
        .with_context(|| format!("the lattice's log: {}", log.display()));
    result.and(stopped)
}

fn black_box(
    test: &Test,
    project: &Project,
    service: &Service,
    secret: &str,
    data: &Path,
    tally: &mut Tally,
) -> Result<()> {
    let filter = test.filter.as_deref();
    let mails = data.join("mail").join(smtp::MAILS);
    let stripe = match localstripe::start(project, Home::temporary()?) {
        Ok(stripe) => Some(stripe),
        Err(error) => {
            tally.miss("localstripe", &error);
            None
        }
    };
    let own = |filter: &str, more: &[&str], tally: &mut Tally| {
        let mut tests = suite(project, service, secret);
        tests
            .args([filter, "--shop-only", "--test-threads", "1"])
            .args(more);
        tests.env("MERCATO_TEST_LATTICE", data.join("lattice.json"));
        if let Some(stripe) = &stripe {
            tests.env("MERCATO_TEST_STRIPE", stripe.address());
            // Its own mail server, which needs no address.
            tests
                .env("MERCATO_TEST_SMTP", "")
                .env("MERCATO_TEST_SMTP_FOLDER", &mails);
        }
        count(&mut tests, tally)
    };
    let quiet = match filter {
        Some(filter) if filter.starts_with(QUIET) => Some(filter),
        Some(filter) if !QUIET.starts_with(filter) => None,
        _ => Some(QUIET),
    };
    if let Some(quiet) = quiet {
        own(quiet, &[], tally)?;
    }
    let mut tests = test.tests(project, service, secret);
    tests.env(MAILS, &mails);
    let suite = count(tests.arg("--shop-only"), tally);
    if suite.is_err() && !test.keep_going {
        return suite;
    }
    if filter.is_none_or(|filter| filter.starts_with(OWN)) {
        progress(
            "configuring the lattice, changing it, and ending its parts one after the other, under load",
        );
        return suite.and(own(filter.unwrap_or(OWN), &["--skip", QUIET], tally));
    }
    suite
}
