//! The real servers that the conformance tests of the providers run on, and those that shops under test pay and write to.

use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, anyhow, bail};
use libtest_mimic::Trial;

use super::tally::Tally;
use crate::project::Project;
use crate::servers::{Home, Server, Start, kafka, localstripe, mongodb, redis, smtp, start_all};
use mercato_wasm_toolchain::process::progress;

/// A server's name, the variable that tells tests its address, and what starts it.
const SERVERS: [(&str, &str, Start); 5] = [
    ("MongoDB", "MERCATO_TEST_MONGODB", mongodb::start),
    ("Kafka", "MERCATO_TEST_KAFKA", kafka::start),
    ("Redis", "MERCATO_TEST_REDIS", redis::start),
    ("a mail server", "MERCATO_TEST_SMTP", smtp::start),
    ("localstripe", "MERCATO_TEST_STRIPE", localstripe::start),
];
/// Tells tests where the mails are that the mail server took.
const MAIL_FOLDER: &str = "MERCATO_TEST_SMTP_FOLDER";

/// Running servers; ended when dropped.
pub struct Servers {
    there: Vec<(&'static str, &'static str, Arc<Mutex<Server>>)>,
    missing: Vec<&'static str>,
}

impl Servers {
    /// Gets and starts all of them; what can't be had is noted as missing.
    ///
    /// # Errors
    /// There is no place for their data.
    pub fn start(project: &Project, tally: &mut Tally) -> Result<Self> {
        progress("getting and starting the servers for the tests");
        let mut wanted = Vec::new();
        for (name, _, start) in SERVERS {
            wanted.push((name, start, Home::temporary()?));
        }
        let mut servers = Self {
            there: Vec::new(),
            missing: Vec::new(),
        };
        for ((name, outcome), (_, variable, _)) in start_all(project, wanted).into_iter().zip(SERVERS) {
            match outcome {
                Ok(server) => servers.there.push((name, variable, Arc::new(Mutex::new(server)))),
                Err(error) => {
                    progress(format_args!("{name} can't be had: {error:#}"));
                    tally.miss(name, &error);
                    servers.missing.push(name);
                }
            }
        }
        Ok(servers)
    }

    /// The variables that tell tests where the servers are.
    ///
    /// # Errors
    /// A test of the servers broke off.
    pub fn variables(&self) -> Result<Vec<(&'static str, String)>> {
        let mut variables = Vec::new();
        for (_, variable, server) in &self.there {
            let server = server.lock().map_err(|_| anyhow!("a server was given up"))?;
            variables.push((*variable, server.address().to_owned()));
            if *variable == "MERCATO_TEST_SMTP" {
                let mails = server.home().path().join(smtp::MAILS);
                variables.push((MAIL_FOLDER, mails.display().to_string()));
            }
        }
        Ok(variables)
    }

    /// The folder of the mails that the mail server has taken.
    ///
    /// # Errors
    /// A test of the servers broke off.
    pub fn mails(&self) -> Result<Option<String>> {
        let variables = self.variables()?;
        Ok(variables
            .into_iter()
            .find_map(|(name, value)| (name == MAIL_FOLDER).then_some(value)))
    }

    /// The flags of `mercato up` that have it use the servers; none where one of them is missing.
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

    /// The tests that kill each server and start it again, as tests of faults do.
    pub fn trials(&self) -> Vec<Trial> {
        let title = |name: &str| format!("servers::{name} serves again after it was killed");
        let there = self.there.iter().map(|(name, _, server)| {
            let server = Arc::clone(server);
            Trial::test(title(name), move || {
                let mut server = server.lock().map_err(|_| "its lock is broken")?;
                Ok(serves_again(&mut server).map_err(|error| format!("{error:#}"))?)
            })
        });
        let missing = self
            .missing
            .iter()
            .map(|name| Trial::test(title(name), || Ok(())).with_ignored_flag(true));
        there.chain(missing).collect()
    }
}

fn serves_again(server: &mut Server) -> Result<()> {
    let before = (server.address().to_owned(), server.port(), server.id());
    server.kill()?;
    if server.runs()? {
        bail!("it was not killed");
    }
    server.restart().context("it does not start again")?;
    if (server.address(), server.port()) != (before.0.as_str(), before.1) || server.id() == before.2 {
        bail!("it is another place, or the same process");
    }
    Ok(())
}
