//! The processes of a lattice besides its servers: hosts, wadm, the proxy.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::servers::{Home, Launch, Server};
use mercato_wasm_toolchain::process::clean;

/// The time between two heartbeats of a host, in seconds.
const HEARTBEAT: &str = "5";
/// The time without a heartbeat after which wadm moves a host's work, in seconds: more than two heartbeats.
const CLEANUP: &str = "15";

/// The program `mercato-lattice`, for one lattice.
#[derive(Debug)]
pub struct Tool {
    /// The program.
    pub program: PathBuf,
    /// The address of NATS.
    pub nats: String,
}

impl Tool {
    /// Returns a command of the program.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = clean(&self.program);
        command.args(["--nats", &self.nats]).args(arguments);
        command
    }

    /// Starts wadm.
    ///
    /// # Errors
    /// wadm does not start.
    pub fn wadm(&self, home: Home) -> Result<Server> {
        let command = self.command(&["wadm", "--cleanup", CLEANUP]);
        self.start("wadm", command, home)
    }

    /// Starts a host in a zone.
    ///
    /// # Errors
    /// The host does not start.
    pub fn host(&self, name: &str, zone: &str, home: Home) -> Result<Server> {
        let temporary = home.path().join("tmp");
        if temporary.exists() {
            fs::remove_dir_all(&temporary)?;
        }
        let temporary = home.folder("tmp")?;
        let mut command = self.command(&["host", "--heartbeat", HEARTBEAT]);
        command.args(["--label", &format!("zone={zone}")]);
        command.args(["--label", &format!("arch={}", std::env::consts::ARCH)]);
        command.arg("--seed-file").arg(home.path().join("seed"));
        // The host unpacks providers there and does not remove them.
        command.env("TMPDIR", temporary);
        self.start(name, command, home)
    }

    fn start(&self, name: &str, command: Command, home: Home) -> Result<Server> {
        let log = home.log();
        Server::start(Launch {
            name: name.to_owned(),
            command,
            home,
            address: self.nats.clone(),
            port: None,
            ready: Box::new(move || check_ready(&log)),
        })
    }
}

/// Checks that a log has the line `ready`.
fn check_ready(log: &Path) -> Result<()> {
    let text = fs::read(log).with_context(|| format!("can't read {}", log.display()))?;
    let text = String::from_utf8_lossy(&text);
    let is_ready = |line: &str| line == "ready" || line.starts_with("ready ");
    if !text.lines().any(is_ready) {
        bail!("it has not logged `ready`");
    }
    Ok(())
}
