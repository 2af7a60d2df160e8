//! `cargo xtask up`: builds the shop and runs it in one process.

use std::net::IpAddr;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::project::Project;
use crate::shop;
use mercato_wasm_toolchain::process::progress;

/// Start a shop in one process
///
/// Builds the components and the host, and starts the host. Prints `ready URL` when the shop serves.
#[derive(Debug, clap::Args)]
pub struct Up {
    /// The port to listen on; 0 chooses a free one [default: 3000]
    #[arg(long)]
    port: Option<u16>,
    /// The address to listen on; other machines can reach 0.0.0.0 [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    host: Option<IpAddr>,
    /// The folder of the shop's data [default: .mercato]
    #[arg(long, value_name = "DIR", conflicts_with = "ephemeral")]
    data: Option<PathBuf>,
    /// Use a temporary data folder, and remove it at the end
    #[arg(long)]
    ephemeral: bool,
    /// Fill the shop with demo data: products, categories, discounts, customers and orders
    #[arg(long)]
    demo: bool,
    /// Build the host with optimisations; the first build takes minutes
    #[arg(long)]
    release: bool,
    /// More flags of `mercato up` (see `mercato up --help`), after `--`
    #[arg(last = true, value_name = "FLAGS")]
    more: Vec<String>,
}

impl Up {
    /// Builds the shop and replaces this process by the host, so that signals and the exit code are the
    /// host's.
    ///
    /// # Errors
    /// A component or the host can't be built, or the host can't be started.
    pub fn run(self, project: &Project) -> Result<()> {
        let shop = shop::whole(project)?;
        let host = shop::host(project, self.release, self.uses_kafka())?;
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
        if self.demo {
            command.arg("--demo");
        }
        Err(command.args(self.more).exec()).with_context(|| format!("can't start {}", host.display()))
    }

    /// Returns whether the flags, the environment or the file `.env` set the address of Kafka.
    fn uses_kafka(&self) -> bool {
        const VARIABLE: &str = "MERCATO_EVENTS";
        self.more.iter().any(|flag| flag.starts_with("--events"))
            || std::env::var_os(VARIABLE).is_some()
            || std::fs::read_to_string(".env").is_ok_and(|text| text.contains(VARIABLE))
    }
}
