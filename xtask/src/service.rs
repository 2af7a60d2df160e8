//! A shop in the background, for tests and measurements.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::daemon::Daemon;

/// How long a service may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Until it serves.
    pub start: Duration,
    /// Until it ended.
    pub stop: Duration,
}

/// In a debug build, compiling the components takes most of a start. At the end, requests are finished and the database
/// is closed.
const SHOP: Limits = Limits {
    start: Duration::from_secs(180),
    stop: Duration::from_secs(20),
};

/// A running `mercato up`, or a lattice; ended when dropped.
#[derive(Debug)]
pub struct Service {
    daemon: Daemon,
    limits: Limits,
    /// Where it serves.
    pub url: String,
}

impl Service {
    /// Starts a shop on a free port, with no settings but these flags, with its logs in the file `log`, and waits until it serves.
    ///
    /// # Errors
    /// It can't be started, ends, or does not serve in time; the error names the log.
    pub fn start(host: &Path, shop: &Path, flags: &[&str], secret: &str, log: &Path) -> Result<Self> {
        let mut command = Command::new(host);
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("MERCATO_"))
        {
            command.env_remove(name);
        }
        command
            .args(["up", "--port", "0", "--host", "127.0.0.1", "--shop"])
            .arg(shop)
            .args(flags)
            .env("API_SECRET", secret)
            // A `.env` of the checkout is for a developer's own shop.
            .current_dir(std::env::temp_dir());
        Self::run(command, log, SHOP)
    }

    /// Starts a command that prints `ready URL` when it serves, with its logs in the file `log`, and waits for that.
    ///
    /// # Errors
    /// It can't be started, ends, or does not serve in time; the error names the log.
    pub fn run(mut command: Command, log: &Path, limits: Limits) -> Result<Self> {
        let logs = File::create(log).with_context(|| format!("{} can't be written", log.display()))?;
        command.stdout(Stdio::piped()).stderr(logs);
        let mut daemon = Daemon::spawn(&mut command, None)?;
        let stdout = daemon.stdout().context("the shop has no output")?;
        let mut service = Self {
            daemon,
            limits,
            url: String::new(),
        };
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            // Reads to the end: the shop must never wait for its output to be taken.
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // Nobody listens any more once it serves.
                let _ = sender.send(line);
            }
        });
        match receiver.recv_timeout(limits.start) {
            Ok(line) => {
                let url = line
                    .strip_prefix("ready ")
                    .with_context(|| format!("the shop printed: {line}"))?;
                service.url = url.trim().to_owned();
                Ok(service)
            }
            Err(RecvTimeoutError::Timeout) => {
                bail!(
                    "the shop did not serve within {} s; its log: {}",
                    limits.start.as_secs(),
                    log.display()
                )
            }
            Err(RecvTimeoutError::Disconnected) => {
                bail!("the shop ended while starting; its log: {}", log.display())
            }
        }
    }

    /// The id of its process.
    pub fn id(&self) -> u32 {
        self.daemon.id()
    }

    /// Tells the shop to stop and waits for it.
    ///
    /// # Errors
    /// It had ended before, fails at the end, or has to be killed.
    pub fn stop(mut self) -> Result<()> {
        if let Some(status) = self.daemon.ended()? {
            bail!("the shop ended by itself ({status})");
        }
        match self.daemon.stop(self.limits.stop)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => bail!("the shop failed when it was told to stop ({status})"),
            None => bail!(
                "the shop did not stop within {} s of SIGTERM and was killed",
                self.limits.stop.as_secs()
            ),
        }
    }
}
