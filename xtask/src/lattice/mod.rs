//! `cargo xtask lattice`: the shop on a wasmCloud lattice of this machine, with real servers.

mod built;
mod configuration;
mod layout;
mod parts;
mod running;
mod state;
mod status;
mod up;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

pub use self::built::{Built, cargo};
pub use self::layout::{DEVELOPMENT, PROVIDERS, ZONES};
pub use self::running::{Options, Running};
use crate::project::Project;
use crate::service::{Limits, Service};
use mercato_wasm_toolchain::process::clean;

/// A start waits for a JVM, hosts and providers. At the end, hosts hand over their work.
const LIMITS: Limits = Limits {
    start: Duration::from_secs(600),
    stop: Duration::from_secs(120),
};

/// Run the shop on a wasmCloud lattice
#[derive(Debug, clap::Subcommand)]
pub enum Lattice {
    Up(up::Up),
    Status(status::Status),
    /// Build what a lattice runs
    ///
    /// Prints the folder of the components and of the providers' archives, for a registry or for hosts that
    /// load files.
    Images,
}

impl Lattice {
    /// Runs the task.
    ///
    /// # Errors
    /// Something can't be built, installed or started, or no lattice runs.
    pub fn run(self, project: &Project) -> Result<()> {
        match self {
            Self::Up(up) => up.run(project),
            Self::Status(status) => status.run(project),
            Self::Images => {
                println!("{}", Built::build(project, false)?.images.display());
                Ok(())
            }
        }
    }
}

/// Starts a lattice with these settings by `cargo xtask lattice up`, on a free port, with its data in the
/// folder `data` and its progress in the file `log`. The file `lattice.json` of the folder describes its
/// processes.
///
/// # Errors
/// The lattice does not start or does not serve in time; the error names the log.
pub fn start(project: &Project, settings: &[&str], data: &Path, secret: &str, log: &Path) -> Result<Service> {
    let mut command: Command = clean(std::env::current_exe()?);
    command
        .args([
            "lattice",
            "up",
            "--built",
            "--port",
            "0",
            "--restart-after",
            "6",
            "--data",
        ])
        .arg(data)
        .args(settings.iter().flat_map(|setting| ["--set", setting]))
        .env("CARGO_TARGET_DIR", &project.target)
        .env("API_SECRET", secret);
    Service::run(command, log, LIMITS)
}
