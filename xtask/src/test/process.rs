//! The black-box tests against a shop in one process.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, anyhow};

use super::runner::{MAILS, Runner, test_settings};
use super::servers::Servers;
use crate::project::Project;
use crate::service::{Limits, Service};
use crate::{secret, shop};

/// A start first checks that everything is built. A stop finishes the requests and closes the database.
const LIMITS: Limits = Limits {
    start: Duration::from_secs(300),
    stop: Duration::from_secs(20),
};

/// Tests a shop with a data folder.
///
/// # Errors
/// The shop does not start, or a test fails.
pub fn with_data_folder(runner: &mut Runner, servers: &mut Option<Servers>) -> Result<()> {
    let project = runner.project;
    let shop = shop::whole(project)?;
    let log = runner.log("test")?;
    let secret = secret::generate()?;
    let service = start(project, &["--ephemeral"], &secret, &log)?;
    // Some tests start shops on servers. This shop itself was built without Kafka, as `cargo xtask up` builds it.
    let mercato = shop::host(project, false, true)?;
    let mut tests = runner.black_box(&service, &secret);
    tests.env("MERCATO_BIN", mercato).env("MERCATO_SHOP", &shop);
    // Tests start shops of their own, which use Stripe's API and send mail.
    if let Some(servers) = servers {
        tests.envs(servers.variables()?);
    }
    runner.black_box_then_stop(&mut tests, service, &log)
}

/// Tests a shop with MongoDB, Kafka, Redis and a mail server.
///
/// # Errors
/// The shop does not start, or a test fails.
pub fn with_servers(runner: &mut Runner, servers: &mut Option<Servers>) -> Result<()> {
    let found = servers
        .as_ref()
        .and_then(|servers| Some((servers, servers.flags()?)));
    let Some((servers, flags)) = found else {
        let error = anyhow!("not all of its servers run");
        runner.tally.skip("the shop with servers", &error);
        return Ok(());
    };
    let log = runner.log("test-servers")?;
    let secret = secret::generate()?;
    let mut arguments = vec!["--ephemeral", "--"];
    arguments.extend(flags.iter().map(String::as_str));
    let service = start(runner.project, &arguments, &secret, &log)?;
    let mut tests = runner.black_box(&service, &secret);
    tests.envs(servers.maildir()?.map(|folder| (MAILS, folder)));
    runner.black_box_then_stop(tests.arg("--shop-only"), service, &log)
}

/// Starts a shop on a free port by `cargo xtask up`.
fn start(project: &Project, arguments: &[&str], secret: &str, log: &Path) -> Result<Service> {
    let mut command = Command::new(std::env::current_exe()?);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("MERCATO_")) {
        command.env_remove(name);
    }
    command
        .args(["up", "--port", "0"])
        .args(arguments)
        .env("CARGO_TARGET_DIR", &project.target)
        .env("API_SECRET", secret)
        .envs(test_settings(secret))
        // A file `.env` of the checkout must not change the settings.
        .current_dir(std::env::temp_dir());
    Service::run(command, log, LIMITS)
}
