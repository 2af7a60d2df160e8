//! The servers that tests use: those of the conformance tests, and those of shops under test.

use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, anyhow, bail};
use libtest_mimic::Trial;

use super::runner::Runner;
use crate::servers::{Home, Server, Start, haproxy, kafka, localstripe, mongodb, redis, smtp, start_all};
use mercato_wasm_toolchain::process::progress;

/// The name of each server, the variable that holds its address for tests, and the function that starts it.
const SERVERS: [(&str, &str, Start); 5] = [
    ("MongoDB", "MERCATO_TEST_MONGODB", mongodb::start),
    ("Kafka", "MERCATO_TEST_KAFKA", kafka::start),
    ("Redis", "MERCATO_TEST_REDIS", redis::start),
    ("the mail server", "MERCATO_TEST_SMTP", smtp::start),
    ("localstripe", "MERCATO_TEST_STRIPE", localstripe::start),
];
/// The variable that names the Maildir of the mail server.
const MAILDIR: &str = "MERCATO_TEST_SMTP_FOLDER";

/// Running servers. They are stopped when dropped.
pub struct Servers {
    running: Vec<(&'static str, &'static str, Arc<Mutex<Server>>)>,
    missing: Vec<&'static str>,
    /// Where tests find the programs of servers that they start themselves.
    programs: Vec<(&'static str, String)>,
}

impl Servers {
    /// Starts all servers. A server that can't be installed or started is noted as missing.
    ///
    /// # Errors
    /// The folders of their data can't be created.
    pub fn start(runner: &mut Runner) -> Result<Self> {
        progress("starting the servers for the tests");
        let mut starts = Vec::new();
        for (name, _, start) in SERVERS {
            starts.push((name, start, Home::temporary()?));
        }
        let mut servers = Self {
            running: Vec::new(),
            missing: Vec::new(),
            programs: Vec::new(),
        };
        if let Ok(program) = redis::program(runner.project) {
            let program = program.display().to_string();
            servers.programs.push(("MERCATO_REDIS_SERVER", program));
        }
        if let Ok(program) = haproxy::program(runner.project) {
            let program = program.display().to_string();
            servers.programs.push(("MERCATO_HAPROXY", program));
        }
        if let Ok((_, packages)) = smtp::program(runner.project) {
            let packages = packages.display().to_string();
            servers.programs.push(("PYTHONPATH", packages));
        }
        let outcomes = start_all(runner.project, starts).into_iter();
        for ((name, outcome), (_, variable, _)) in outcomes.zip(SERVERS) {
            match outcome {
                Ok(server) => {
                    let server = Arc::new(Mutex::new(server));
                    servers.running.push((name, variable, server));
                }
                Err(error) => {
                    progress(format_args!("can't start {name}: {error:#}"));
                    runner.tally.note_missing(name, &error);
                    servers.missing.push(name);
                }
            }
        }
        Ok(servers)
    }

    /// Returns the environment variables by which tests find the servers.
    ///
    /// # Errors
    /// A test of a server panicked.
    pub fn variables(&self) -> Result<Vec<(&'static str, String)>> {
        let mut variables = self.programs.clone();
        for (name, variable, server) in &self.running {
            let server = server
                .lock()
                .map_err(|_| anyhow!("the test of {name} panicked"))?;
            variables.push((*variable, server.address().to_owned()));
            if *variable == "MERCATO_TEST_SMTP" {
                let maildir = server.home().path().join(smtp::MAILDIR);
                variables.push((MAILDIR, maildir.display().to_string()));
            }
        }
        Ok(variables)
    }

    /// Returns the Maildir of the mail server, if it runs.
    ///
    /// # Errors
    /// A test of a server panicked.
    pub fn maildir(&self) -> Result<Option<String>> {
        let mut variables = self.variables()?.into_iter();
        Ok(variables.find_map(|(name, value)| (name == MAILDIR).then_some(value)))
    }

    /// Returns the flags of `mercato up` that select the servers, or `None` if one of them is missing.
    pub fn flags(&self) -> Option<Vec<String>> {
        let flags = [
            ("MERCATO_TEST_MONGODB", "--documents", ""),
            ("MERCATO_TEST_KAFKA", "--events", "kafka://"),
            ("MERCATO_TEST_REDIS", "--cache", ""),
            ("MERCATO_TEST_SMTP", "--mail", ""),
        ];
        let variables = self.variables().ok()?;
        let mut arguments = Vec::new();
        for (name, flag, scheme) in flags {
            let (_, address) = variables.iter().find(|(variable, _)| *variable == name)?;
            arguments.extend([flag.to_owned(), format!("{scheme}{address}")]);
        }
        Some(arguments)
    }

    /// Returns the tests that kill and restart each server, as tests of faults do.
    pub fn trials(&self) -> Vec<Trial> {
        let title = |name: &str| format!("servers::{name} serves again after it was killed");
        let running = self.running.iter().map(|(name, _, server)| {
            let server = Arc::clone(server);
            Trial::test(title(name), move || {
                let mut server = server.lock().map_err(|_| "the lock is poisoned")?;
                Ok(check_restart(&mut server).map_err(|error| format!("{error:#}"))?)
            })
        });
        let missing = self.missing.iter();
        let missing = missing.map(|name| Trial::test(title(name), || Ok(())).with_ignored_flag(true));
        running.chain(missing).collect()
    }
}

fn check_restart(server: &mut Server) -> Result<()> {
    let (address, port, id) = (server.address().to_owned(), server.port(), server.id());
    server.kill()?;
    if server.is_running()? {
        bail!("it was not killed");
    }
    server.restart().context("it does not start again")?;
    if (server.address(), server.port()) != (address.as_str(), port) || server.id() == id {
        bail!("it has another address, or the same process");
    }
    Ok(())
}
