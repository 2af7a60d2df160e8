//! A shop in the background, for tests and measurements.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::daemon::Daemon;

/// Time limits of a service.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From the start until it serves.
    pub start: Duration,
    /// From SIGTERM until it has ended.
    pub stop: Duration,
}

/// In a debug build, compiling the components takes most of a start. A stop finishes the requests and closes
/// the database.
pub const SHOP: Limits = Limits {
    start: Duration::from_secs(180),
    stop: Duration::from_secs(20),
};

/// A running shop. It is stopped when dropped.
#[derive(Debug)]
pub struct Service {
    daemon: Daemon,
    limits: Limits,
    /// The address of the shop.
    pub url: String,
}

impl Service {
    /// Starts a shop on a free port with these flags and no other settings, and waits until it serves. It
    /// logs to the file `log`.
    ///
    /// # Errors
    /// The shop does not start or does not serve in time; the error names the log.
    pub fn start(host: &Path, shop: &Path, flags: &[&str], secret: &str, log: &Path) -> Result<Self> {
        let mut command = Command::new(host);
        Self::set_up(&mut command, shop, flags, secret);
        Self::run(command, log, SHOP)
    }

    /// Adds the arguments of a shop on a free port, with these flags and no other settings.
    pub fn set_up(command: &mut Command, shop: &Path, flags: &[&str], secret: &str) {
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
            // A file `.env` of the checkout must not change the settings.
            .current_dir(std::env::temp_dir());
    }

    /// Starts a command and waits until it prints `ready URL`. It logs to the file `log`.
    ///
    /// # Errors
    /// The command does not start or does not print that line in time; the error names the log.
    pub fn run(mut command: Command, log: &Path, limits: Limits) -> Result<Self> {
        let logs = File::create(log).with_context(|| format!("can't write {}", log.display()))?;
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
            // Reads to the end, because the shop would block on a full pipe.
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // Fails after the first line, because nothing receives.
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
                bail!("the shop ended while it started; its log: {}", log.display())
            }
        }
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.daemon.id()
    }

    /// Stops the shop and waits until it has ended.
    ///
    /// # Errors
    /// The shop had already ended, fails at the end, or had to be killed.
    pub fn stop(mut self) -> Result<()> {
        if let Some(status) = self.daemon.ended()? {
            bail!("the shop ended before it was stopped ({status})");
        }
        match self.daemon.stop(self.limits.stop)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => bail!("the shop failed while it stopped ({status})"),
            None => bail!(
                "the shop did not end within {} s of SIGTERM and was killed",
                self.limits.stop.as_secs()
            ),
        }
    }
}
