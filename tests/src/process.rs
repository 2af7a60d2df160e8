//! Processes that tests start: their folder, their output and their end.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::shop::Shop;

/// The API key of shops that tests start.
pub const SECRET: &str = "a-secret-of-the-black-box-tests-0123456789";

/// The time limit for a start. A busy machine may take that long to compile the shop.
pub const START: Duration = Duration::from_secs(120);

/// The time limit for a graceful stop.
const STOP: Duration = Duration::from_secs(20);

/// Returns a command in a folder, with only the environment variables that programs need.
pub fn clean(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env_clear().stdin(Stdio::null());
    for name in ["PATH", "HOME", "XDG_CACHE_HOME"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// A temporary folder for one test. It holds the data and the logs of the test's processes.
pub struct Home(TempDir);

impl Home {
    /// Creates an empty folder.
    pub fn new() -> Result<Self> {
        Ok(Self(tempfile::Builder::new().prefix("mercato-tests-").tempdir()?))
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Returns the path of a shop's data.
    pub fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }
}

/// A process with its output. It is killed when this is dropped.
pub struct Process {
    child: Child,
    lines: mpsc::Receiver<String>,
    reader: Option<JoinHandle<()>>,
    stdout: Vec<String>,
    log: PathBuf,
}

impl Process {
    /// Starts a command and writes its log to a file in this folder.
    pub fn start(home: &Home, command: &mut Command) -> Result<Self> {
        let (log, path): (File, PathBuf) = tempfile::Builder::new()
            .prefix("log-")
            .tempfile_in(home.path())?
            .keep()?;
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("mercato can't be started")?;
        let stdout = child.stdout.take().context("the output is piped")?;
        let (sender, lines) = mpsc::channel();
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            child,
            lines,
            reader: Some(reader),
            stdout: Vec::new(),
            log: path,
        })
    }

    /// Returns the id of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the log so far.
    pub fn log(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&std::fs::read(&self.log)?).into_owned())
    }

    /// Waits for the end of the output and returns its lines.
    pub fn printed(&mut self) -> Vec<String> {
        if let Some(reader) = self.reader.take() {
            // A reader that panicked has no more lines.
            let _ = reader.join();
        }
        self.lines_so_far()
    }

    /// Returns the lines of the output so far.
    pub fn lines_so_far(&mut self) -> Vec<String> {
        self.stdout.extend(self.lines.try_iter());
        self.stdout.clone()
    }

    /// Sends SIGTERM, as an operator or an orchestrator does.
    pub fn terminate(&self) -> Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).context("the process should be running")
    }

    /// Sends SIGKILL, which has the effect of a power failure.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Waits until the process has ended.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            ensure!(
                Instant::now() < deadline,
                "the process should end within {limit:?}; its log:\n{}",
                self.log()?
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends SIGTERM and waits until the process has ended.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        self.terminate()?;
        self.wait(STOP)
    }

    /// Returns whether the process runs.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.kill();
    }
}

/// A shop that a test has started and that is ready.
pub struct Running {
    /// The shop's process.
    pub process: Process,
    /// The shop's base URL.
    pub url: String,
}

impl Running {
    /// Starts a shop and waits until it is ready.
    pub fn start(home: &Home, command: &mut Command) -> Result<Self> {
        let mut process = Process::start(home, command)?;
        let deadline = Instant::now() + START;
        let line = loop {
            match process.lines.recv_timeout(Duration::from_millis(50)) {
                Ok(line) => break line,
                Err(_) if !process.is_running()? => {
                    bail!("mercato ended before it was ready:\n{}", process.log()?)
                }
                Err(_) => ensure!(
                    Instant::now() < deadline,
                    "mercato should be ready:\n{}",
                    process.log()?
                ),
            }
        };
        let url = line
            .strip_prefix("ready ")
            .ok_or_else(|| anyhow!("mercato should print `ready URL`, not {line}"))?;
        let url = url.to_owned();
        process.stdout.push(line);
        Ok(Self { process, url })
    }

    /// Returns the shop with the API key that tests configure.
    pub fn shop(&self) -> Shop {
        Shop::new(&self.url, SECRET)
    }

    /// Returns the shop's port.
    pub fn port(&self) -> Result<u16> {
        let port = self.url.rsplit(':').next().unwrap_or_default();
        port.parse()
            .with_context(|| format!("{} should end in a port", self.url))
    }

    /// Stops the shop. Fails unless it exits with success.
    pub fn stop(mut self) -> Result<()> {
        let status = self.process.stop()?;
        ensure!(
            status.success(),
            "mercato should exit with success, not {status}:\n{}",
            self.process.log()?
        );
        Ok(())
    }
}
