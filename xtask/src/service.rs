//! A shop in the background, for tests and measurements.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// How long a start may take: in a debug build, compiling the components takes most of it.
const START_LIMIT: Duration = Duration::from_secs(180);
/// How long the shop may take to finish its requests and close its database.
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// The shops that are to be stopped when xtask itself is told to stop.
static RUNNING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// A running `mercato up`; killed when dropped.
#[derive(Debug)]
pub struct Service {
    child: Child,
    /// Where it serves.
    pub url: String,
}

impl Service {
    /// Starts a shop on a free port, with no settings but these flags, with its logs in the file `log`, and waits until it serves.
    ///
    /// # Errors
    /// It can't be started, ends, or does not serve in time; the error names the log.
    pub fn start(host: &Path, shop: &Path, flags: &[&str], secret: &str, log: &Path) -> Result<Self> {
        stop_with_xtask()?;
        let logs = File::create(log).with_context(|| format!("{} can't be written", log.display()))?;
        let mut command = Command::new(host);
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("MERCATO_"))
        {
            command.env_remove(name);
        }
        let mut child = command
            .args(["up", "--port", "0", "--host", "127.0.0.1", "--shop"])
            .arg(shop)
            .args(flags)
            .env("API_SECRET", secret)
            // A `.env` of the checkout is for a developer's own shop.
            .current_dir(std::env::temp_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(logs)
            .spawn()
            .with_context(|| format!("{} can't be started", host.display()))?;
        RUNNING
            .lock()
            .map_err(|_| anyhow!("the list of shops is broken"))?
            .push(pid(&child)?);
        let stdout = child.stdout.take().context("the shop has no output")?;
        let mut service = Self {
            child,
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
        match receiver.recv_timeout(START_LIMIT) {
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
                    START_LIMIT.as_secs(),
                    log.display()
                )
            }
            Err(RecvTimeoutError::Disconnected) => {
                let status = service.child.wait()?;
                bail!(
                    "the shop ended while starting ({status}); its log: {}",
                    log.display()
                )
            }
        }
    }

    /// The id of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Tells the shop to stop and waits for it.
    ///
    /// # Errors
    /// It had ended before, fails at the end, or has to be killed.
    pub fn stop(mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("the shop ended by itself ({status})");
        }
        kill_process(pid(&self.child)?, Signal::TERM)?;
        match self.wait(STOP_LIMIT)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => bail!("the shop failed when it was told to stop ({status})"),
            None => bail!(
                "the shop did not stop within {} s of SIGTERM and was killed",
                STOP_LIMIT.as_secs()
            ),
        }
    }

    fn wait(&mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        let started = Instant::now();
        while started.elapsed() < limit {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(None)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let (Ok(mut running), Ok(pid)) = (RUNNING.lock(), pid(&self.child)) {
            running.retain(|other| *other != pid);
        }
        // Fails where it has ended already, as it should have.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn pid(child: &Child) -> Result<Pid> {
    let id = i32::try_from(child.id())?;
    Pid::from_raw(id).context("a process without an id")
}

/// From now on, what stops xtask stops the running shops first.
fn stop_with_xtask() -> Result<()> {
    let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            for pid in RUNNING.lock().iter().flat_map(|running| running.iter()) {
                // Fails where it has ended already.
                let _ = kill_process(*pid, Signal::TERM);
            }
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}
