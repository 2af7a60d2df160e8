//! `cargo xtask up`: builds what is needed and becomes the host.

use std::net::IpAddr;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::project::Project;
use crate::shop;
use mercato_wasm_toolchain::process::progress;

/// Start a shop
///
/// Builds the components, composes them, builds the host and starts it. Prints `ready URL` when it serves.
#[derive(Debug, clap::Args)]
pub struct Up {
    /// The port to listen on; 0 takes any that is free [default: 3000]
    #[arg(long)]
    port: Option<u16>,
    /// The address to listen on; 0.0.0.0 can be reached from other machines [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    host: Option<IpAddr>,
    /// The folder that keeps the shop's data [default: .mercato]
    #[arg(long, value_name = "DIR", conflicts_with = "ephemeral")]
    data: Option<PathBuf>,
    /// Keep the data in a temporary folder, which is removed at the end
    #[arg(long)]
    ephemeral: bool,
    /// Build the host with all optimisations (takes minutes the first time)
    #[arg(long)]
    release: bool,
    /// More flags of `mercato up` (see `mercato up --help`), after `--`
    #[arg(last = true, value_name = "FLAGS")]
    more: Vec<String>,
}

impl Up {
    /// Builds, and replaces this process by the host: signals, output and exit code are the host's own.
    ///
    /// # Errors
    /// Something can't be built, or the host can't be started.
    pub fn run(self, project: &Project) -> Result<()> {
        let shop = shop::composed(project, None, None)?;
        let host = shop::host(project, self.release)?;
        progress("starting the shop");
        let mut command = Command::new(&host);
        command.arg("up").arg("--shop").arg(shop);
        if let Some(port) = self.port {
            command.args(["--port", &port.to_string()]);
        }
        if let Some(address) = self.host {
            command.args(["--host", &address.to_string()]);
        }
        if let Some(data) = self.data {
            command.arg("--data").arg(data);
        }
        if self.ephemeral {
            command.arg("--ephemeral");
        }
        Err(command.args(self.more).exec()).with_context(|| format!("{} can't be started", host.display()))
    }
}
