//! `cargo xtask lattice up`.

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

use super::built::Built;
use super::layout::{DATA, DEVELOPMENT};
use super::running::{Options, Running, lock};
use crate::daemon::{is_stopping, stop_in_order};
use crate::project::Project;
use crate::secret;
use crate::servers::free_port;
use mercato_wasm_toolchain::process::progress;

/// Start a lattice
///
/// Builds the components, the providers and the host. Installs and starts MongoDB, Kafka, Redis, NATS and a
/// mail server. Starts wasmCloud hosts in two zones and wadm, deploys the manifest, and starts HAProxy before
/// the gateways. Prints `ready URL` when the shop serves. A process that ends is restarted. Ctrl-C stops
/// everything.
#[derive(Debug, clap::Args)]
pub struct Up {
    /// The number of hosts; they alternate between the zones a and b
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(2..=16))]
    hosts: u16,
    /// The port to listen on; 0 chooses a free one
    #[arg(long, default_value_t = 8000)]
    port: u16,
    /// The folder of the shop's data and the logs [default: .mercato/lattice]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The manifest to deploy, such as wadm-composed.yaml [default: wadm.yaml]
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// A setting of all services, such as RATE_LIMIT=600, which overrides the manifest; can be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = parse_setting)]
    settings: Vec<String>,
    /// The time before a process that ended is restarted
    #[arg(long, value_name = "SECONDS", default_value_t = 3)]
    restart_after: u64,
    /// Use the existing build
    #[arg(long, hide = true)]
    built: bool,
}

impl Up {
    /// Runs a lattice until xtask is stopped.
    ///
    /// # Errors
    /// A part can't be built, installed or started, or had to be killed at the end.
    pub fn run(self, project: &Project) -> Result<()> {
        let data = std::path::absolute(self.data.unwrap_or_else(|| project.root.join(DATA)))?;
        let _lock = lock(&data)?;
        let port = match self.port {
            0 => free_port()?,
            port => port,
        };
        drop(
            TcpListener::bind(("127.0.0.1", port))
                .with_context(|| format!("can't listen on port {port}: choose another one with --port"))?,
        );
        let built = match self.built {
            true => Built::paths(project, false),
            false => Built::build(project, false)?,
        };
        let file = data.join("api-secret");
        let secret = match std::env::var("API_SECRET") {
            Ok(secret) if !secret.is_empty() => secret,
            _ => {
                progress(format_args!("the API key is in {}", file.display()));
                secret::from_file(&file)?
            }
        };
        let options = Options {
            hosts: self.hosts,
            port,
            data,
            manifest: self.manifest.unwrap_or_else(|| project.root.join("wadm.yaml")),
            settings: [vec![DEVELOPMENT.to_owned()], self.settings].concat(),
            secret,
        };

        stop_in_order();
        let mut lattice = match Running::start(project, &built, &options) {
            Ok(lattice) => lattice,
            Err(_) if is_stopping() => return Ok(()),
            Err(error) => return Err(error),
        };
        println!("ready {}", lattice.url());
        lattice.supervise(Duration::from_secs(self.restart_after))?;
        progress("stopping the lattice");
        lattice.stop()
    }
}

fn parse_setting(text: &str) -> Result<String, &'static str> {
    match text.split_once('=') {
        Some((name, _)) if !name.is_empty() => Ok(text.to_owned()),
        _ => Err("must be KEY=VALUE"),
    }
}
