//! Shops of a test's own: the `mercato` binary, started, stopped and killed.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use libtest_mimic::Trial;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::client::Shop;
use crate::trials::failed;

/// The API key of shops that tests start.
pub const SECRET: &str = "a-secret-of-the-black-box-tests-0123456789";

/// What tests are told apart by that lack a binary.
pub const KIND: &str = "needs MERCATO_BIN and MERCATO_SHOP";

/// Compiling the shop anew can take that long on a busy machine.
const START: Duration = Duration::from_secs(120);

/// The binary and the composed shop it runs.
#[derive(Clone, Debug)]
pub struct Binary {
    mercato: PathBuf,
    /// The composed component.
    pub shop: PathBuf,
}

impl Binary {
    /// What `MERCATO_BIN` and `MERCATO_SHOP` name; none where one of them is not set.
    pub fn from_env() -> Option<Self> {
        let path = |name| std::path::absolute(std::env::var_os(name)?).ok();
        Some(Self {
            mercato: path("MERCATO_BIN")?,
            shop: path("MERCATO_SHOP")?,
        })
    }

    /// The binary's file.
    pub fn program(&self) -> &Path {
        &self.mercato
    }

    /// The same binary with another file as its shop.
    pub fn with_shop(&self, shop: PathBuf) -> Self {
        Self { shop, ..self.clone() }
    }

    /// A command of the binary in this folder, with no more of this process's environment than programs need.
    pub fn command(&self, folder: &Path) -> Command {
        clean(&self.mercato, folder)
    }

    /// `mercato up` on a free port with this data folder.
    pub fn up(&self, home: &Home, data: &Path) -> Command {
        let mut command = self.command(home.path());
        command
            .arg("up")
            .arg("--shop")
            .arg(&self.shop)
            .args(["--port", "0"])
            .arg("--data")
            .arg(data);
        command.env("API_SECRET", SECRET).env("RUST_LOG", "warn");
        command
    }
}

/// A command in a folder, with no more of this process's environment than programs need.
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

/// A test of the binary; it is reported as ignored where there is none.
pub fn own_trial(name: &str, test: impl FnOnce(&Binary) -> Result<()> + Send + 'static) -> Trial {
    let binary = Binary::from_env();
    let ignored = binary.is_none();
    let trial = Trial::test(name, move || {
        let binary = binary.ok_or("set MERCATO_BIN and MERCATO_SHOP to run this test")?;
        test(&binary).map_err(failed)
    });
    if ignored {
        trial.with_kind(KIND).with_ignored_flag(true)
    } else {
        trial
    }
}

/// The tests of an area that start their own shops, each named as its function.
macro_rules! own_trials {
    ($area:literal, [$($test:ident),* $(,)?]) => {
        vec![$($crate::own::own_trial(concat!($area, "::", stringify!($test)), $test)),*]
    };
}
pub(crate) use own_trials;

/// A temporary folder for one test: the current folder of its processes, their data and their logs.
pub struct Home(TempDir);

impl Home {
    /// An empty one.
    pub fn new() -> Result<Self> {
        Ok(Self(tempfile::Builder::new().prefix("mercato-tests-").tempdir()?))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Where a shop keeps its data in it.
    pub fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }
}

/// A process, its output, and its end: it does not outlive the test.
pub struct Process {
    child: Child,
    lines: mpsc::Receiver<String>,
    reader: Option<JoinHandle<()>>,
    stdout: Vec<String>,
    log: PathBuf,
}

impl Process {
    /// Starts a command, whose log goes to a file of this folder.
    pub fn start(home: &Home, command: &mut Command) -> Result<Self> {
        let (log, path) = tempfile::Builder::new()
            .prefix("log-")
            .tempfile_in(home.path())?
            .keep()?;
        let log: File = log;
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

    /// What it logged so far.
    pub fn log(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&std::fs::read(&self.log)?).into_owned())
    }

    /// All that it printed, once it has ended.
    pub fn printed(&mut self) -> Vec<String> {
        if let Some(reader) = self.reader.take() {
            // A reader that panicked has printed nothing more.
            let _ = reader.join();
        }
        self.stdout.extend(self.lines.try_iter());
        self.stdout.clone()
    }

    /// Asks it to end, as an operator or an orchestrator does.
    pub fn terminate(&self) -> Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).context("the process should still run")
    }

    /// Ends it at once, as a loss of power does.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Waits for its end.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            ensure!(
                Instant::now() < deadline,
                "it should end within {limit:?}; its log:\n{}",
                self.log()?
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already, or it ends now; either is fine.
        let _ = self.kill();
    }
}

/// A shop that serves.
pub struct Running {
    /// Its process.
    pub process: Process,
    /// Its base URL.
    pub url: String,
}

impl Running {
    /// Starts a shop and waits until it serves.
    pub fn start(home: &Home, command: &mut Command) -> Result<Self> {
        let mut process = Process::start(home, command)?;
        let deadline = Instant::now() + START;
        let line = loop {
            match process.lines.recv_timeout(Duration::from_millis(50)) {
                Ok(line) => break line,
                Err(_) if !process.runs()? => bail!("mercato ended instead of serving:\n{}", process.log()?),
                Err(_) => ensure!(
                    Instant::now() < deadline,
                    "mercato should be ready:\n{}",
                    process.log()?
                ),
            }
        };
        let url = line
            .strip_prefix("ready ")
            .ok_or_else(|| anyhow!("mercato should say `ready URL`, not {line}"))?;
        let url = url.to_owned();
        process.stdout.push(line);
        Ok(Self { process, url })
    }

    /// The shop, for requests with the key that tests configure.
    pub fn shop(&self) -> Shop {
        Shop::new(&self.url, SECRET)
    }

    /// The port it serves on.
    pub fn port(&self) -> Result<u16> {
        let port = self.url.rsplit(':').next().unwrap_or_default();
        port.parse()
            .with_context(|| format!("{} should end in a port", self.url))
    }

    /// Stops it properly, and fails where it does not end well.
    pub fn stop(mut self) -> Result<()> {
        self.process.terminate()?;
        let status = self.process.wait(Duration::from_secs(20))?;
        ensure!(
            status.success(),
            "it should end well, not with {status}:\n{}",
            self.process.log()?
        );
        Ok(())
    }
}

/// Runs a command that must refuse to do its work: with an exit code and one clear sentence that holds these words; tells its log.
pub fn refuses(home: &Home, command: &mut Command, words: &[&str]) -> Result<String> {
    exits(home, command, words).map(|(_, log)| log)
}

/// As [`refuses`], with the exit code.
pub fn exits(home: &Home, command: &mut Command, words: &[&str]) -> Result<(i32, String)> {
    let mut process = Process::start(home, command)?;
    let status = process.wait(START)?;
    let (printed, log) = (process.printed(), process.log()?);
    let code = status
        .code()
        .with_context(|| format!("it should exit, not end by {status}:\n{log}"))?;
    ensure!(code != 0, "the exit code should tell of the failure:\n{log}");
    ensure!(
        !printed.iter().any(|line| line.starts_with("ready")),
        "it should not be ready: {printed:?}"
    );
    for noise in [
        "panicked at",
        "RUST_BACKTRACE",
        "stack backtrace",
        "Os {",
        "Error {",
    ] {
        ensure!(
            !log.contains(noise),
            "the log should speak to people, not of {noise}:\n{log}"
        );
    }
    let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    ensure!(
        (1..=3).contains(&lines.len()),
        "one clear sentence should be enough:\n{log}"
    );
    for word in words {
        ensure!(
            log.to_lowercase().contains(&word.to_lowercase()),
            "the sentence should speak of \"{word}\":\n{log}"
        );
    }
    Ok((code, log))
}
