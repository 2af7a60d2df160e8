//! One running server.

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::Home;
use crate::daemon::{Daemon, is_stopping};
use mercato_wasm_toolchain::process::{progress, shown};

/// The time limit of a start; on a busy machine, a JVM takes most of a minute.
const START_LIMIT: Duration = Duration::from_secs(120);
/// The time limit of a stop, in which a server saves its data.
const STOP_LIMIT: Duration = Duration::from_secs(20);
/// The number of log lines that an error shows.
const LOG_LINES: usize = 5;

/// Checks whether a server serves. An error means: not yet.
pub type Ready = Box<dyn Fn() -> Result<()> + Send>;

/// How a server is started and restarted.
pub struct Launch {
    /// The name.
    pub name: String,
    /// The command line.
    pub command: Command,
    /// The folder.
    pub home: Home,
    /// The address, in the form that clients use.
    pub address: String,
    /// The port that the server listens on, if any.
    pub port: Option<u16>,
    /// The check whether the server serves.
    pub ready: Ready,
}

/// A running server. It is stopped when dropped.
pub struct Server {
    // Dropped first: the folder can be removed only afterwards.
    daemon: Daemon,
    launch: Launch,
}

impl Server {
    /// Starts a server and waits until it serves.
    ///
    /// # Errors
    /// The server does not start, ends, or does not serve in time; the error shows the end of its log.
    pub fn start(mut launch: Launch) -> Result<Self> {
        let daemon = spawn(&mut launch)?;
        let mut server = Self { daemon, launch };
        server.wait_until_ready()?;
        Ok(server)
    }

    /// Returns the address for clients.
    pub fn address(&self) -> &str {
        &self.launch.address
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.launch.name
    }

    /// Returns the port, which stays the same after a restart.
    pub fn port(&self) -> Option<u16> {
        self.launch.port
    }

    /// Returns the folder.
    pub fn home(&self) -> &Home {
        &self.launch.home
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.daemon.id()
    }

    /// Checks whether the process runs.
    ///
    /// # Errors
    /// The state of the process can't be read.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.daemon.ended()?.is_none())
    }

    /// Kills the server, which can't save anything.
    ///
    /// # Errors
    /// The process can't be killed.
    pub fn kill(&mut self) -> Result<()> {
        self.daemon.kill()
    }

    /// Starts a server that has ended, on the same port and data.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn restart(&mut self) -> Result<()> {
        self.daemon.stop(STOP_LIMIT)?;
        self.daemon = spawn(&mut self.launch)?;
        self.wait_until_ready()
    }

    /// Stops the server and waits until it has ended.
    ///
    /// # Errors
    /// The server had to be killed.
    pub fn stop(mut self) -> Result<()> {
        match self.daemon.stop(STOP_LIMIT)? {
            Some(_) => Ok(()),
            None => bail!(
                "{} did not end within {} s of SIGTERM and was killed",
                self.launch.name,
                STOP_LIMIT.as_secs()
            ),
        }
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let name = &self.launch.name;
        let started = Instant::now();
        loop {
            let not_yet = match (self.launch.ready)() {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if let Some(status) = self.daemon.ended()? {
                bail!("{name} ended while it started ({status}){}", self.log_end());
            }
            if is_stopping() {
                bail!("stopped while {name} started");
            }
            if started.elapsed() > START_LIMIT {
                let (seconds, log) = (START_LIMIT.as_secs(), self.log_end());
                return Err(not_yet).with_context(|| format!("{name} did not serve within {seconds} s{log}"));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Returns the last lines of the log, as the end of an error message.
    fn log_end(&self) -> String {
        let file = self.launch.home.log();
        let text = fs::read(&file).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().collect();
        let first = lines.len().saturating_sub(LOG_LINES);
        let last = lines.get(first..).unwrap_or_default();
        format!("; the end of its log {}:\n{}", file.display(), last.join("\n"))
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("name", &self.launch.name)
            .field("address", &self.launch.address)
            .finish_non_exhaustive()
    }
}

fn spawn(launch: &mut Launch) -> Result<Daemon> {
    match launch.port {
        Some(port) => progress(format_args!("starting {} on port {port}", launch.name)),
        None => progress(format_args!("starting {}", launch.name)),
    }
    let file = launch.home.log();
    if file.exists() {
        fs::rename(&file, file.with_extension("before"))?;
    }
    let log = File::create(&file).with_context(|| format!("can't write {}", file.display()))?;
    let line = shown(&launch.command);
    launch
        .command
        .current_dir(launch.home.path())
        .stdout(Stdio::from(log.try_clone()?))
        .stderr(Stdio::from(log));
    Daemon::spawn(&mut launch.command, launch.home.removable())
        .with_context(|| format!("can't start {} by `{line}`", launch.name))
}
