//! One running server.

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::Home;
use crate::daemon::{Daemon, stopped};
use mercato_wasm_toolchain::process::{progress, shown};

/// How long a server may take until it serves; on a busy machine a JVM takes most of a minute.
const START_LIMIT: Duration = Duration::from_secs(120);
/// How long a server may take to save what it has and end.
const STOP_LIMIT: Duration = Duration::from_secs(20);
/// How many lines of its log an error shows.
const LOG_LINES: usize = 5;

/// Asks a server whether it serves. An error means: not yet.
pub type Ready = Box<dyn Fn() -> Result<()> + Send>;

/// How a server is started, and started again.
pub struct Launch {
    /// Its name, for people.
    pub name: String,
    /// Its command line.
    pub command: Command,
    /// Its folder.
    pub home: Home,
    /// Where clients find it, in the form that they want it in.
    pub address: String,
    /// The port that it listens on, if it does.
    pub port: Option<u16>,
    /// Whether it serves.
    pub ready: Ready,
}

/// A running server; ended when dropped.
pub struct Server {
    // Dropped first: its folder may be removed only then.
    daemon: Daemon,
    launch: Launch,
}

impl Server {
    /// Starts it and waits until it serves.
    ///
    /// # Errors
    /// It can't be started, ends, or does not serve in time; the error shows the end of its log.
    pub fn start(mut launch: Launch) -> Result<Self> {
        let daemon = spawn(&mut launch)?;
        let mut server = Self { daemon, launch };
        server.wait()?;
        Ok(server)
    }

    /// Where clients find it.
    pub fn address(&self) -> &str {
        &self.launch.address
    }

    /// Its name, for people.
    pub fn name(&self) -> &str {
        &self.launch.name
    }

    /// The port that it listens on, also after a restart.
    pub fn port(&self) -> Option<u16> {
        self.launch.port
    }

    /// Its folder.
    pub fn home(&self) -> &Home {
        &self.launch.home
    }

    /// The id of its process.
    pub fn id(&self) -> u32 {
        self.daemon.id()
    }

    /// Whether its process is there.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn runs(&mut self) -> Result<bool> {
        Ok(self.daemon.ended()?.is_none())
    }

    /// Ends it at once, without a chance to save anything.
    ///
    /// # Errors
    /// The system does not let it be ended.
    pub fn kill(&mut self) -> Result<()> {
        self.daemon.kill()
    }

    /// Starts it again, on the same port and data, after its process ended in whatever way.
    ///
    /// # Errors
    /// As for a first start.
    pub fn restart(&mut self) -> Result<()> {
        self.daemon.stop(STOP_LIMIT)?;
        self.daemon = spawn(&mut self.launch)?;
        self.wait()
    }

    /// Tells it to end and waits for that.
    ///
    /// # Errors
    /// It had to be killed.
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

    fn wait(&mut self) -> Result<()> {
        let started = Instant::now();
        loop {
            let not_yet = match (self.launch.ready)() {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if let Some(status) = self.daemon.ended()? {
                bail!(
                    "{} ended while starting ({status}){}",
                    self.launch.name,
                    self.log()
                );
            }
            if stopped() {
                bail!("told to stop");
            }
            if started.elapsed() > START_LIMIT {
                let seconds = START_LIMIT.as_secs();
                let log = self.log();
                return Err(not_yet)
                    .with_context(|| format!("{} did not serve within {seconds} s{log}", self.launch.name));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The end of its log, as the end of a message.
    fn log(&self) -> String {
        let file = self.launch.home.log();
        let text = fs::read(&file).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().collect();
        let last = lines
            .get(lines.len().saturating_sub(LOG_LINES)..)
            .unwrap_or_default();
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
    let log = File::create(&file).with_context(|| format!("{} can't be written", file.display()))?;
    let line = shown(&launch.command);
    launch
        .command
        .current_dir(launch.home.path())
        .stdout(Stdio::from(log.try_clone()?))
        .stderr(Stdio::from(log));
    Daemon::spawn(&mut launch.command, launch.home.removable())
        .with_context(|| format!("{} can't be started by `{line}`", launch.name))
}
