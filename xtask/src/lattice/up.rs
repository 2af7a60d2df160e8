//! `cargo xtask lattice up`.

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

use super::running::{Options, Running, claim};
use super::{Built, DATA};
use crate::daemon::{stop_orderly, stopped};
use crate::project::Project;
use crate::secret;
use crate::servers::free_port;
use mercato_wasm_toolchain::process::progress;

/// On this machine, the payment gateway may play, and webhooks may go to this machine.
pub const ENVIRONMENT: &str = "MERCATO_ENVIRONMENT=development";

fn setting(text: &str) -> Result<String, &'static str> {
    match text.split_once('=') {
        Some((name, _)) if !name.is_empty() => Ok(text.to_owned()),
        _ => Err("it is not KEY=VALUE"),
    }
}

/// Start a lattice
///
/// Builds the components, the providers and the host; gets and starts MongoDB, Kafka, Redis, NATS and a mail server; starts
/// wasmCloud hosts in two zones and wadm, deploys the manifest, and puts HAProxy before the gateways. Prints `ready URL` when
/// the shop serves. What ends by itself is started again. Ctrl-C ends everything.
#[derive(Debug, clap::Args)]
pub struct Up {
    /// How many hosts; they take turns in the zones a and b
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(2..=16))]
    hosts: u16,
    /// The port to listen on; 0 takes any that is free
    #[arg(long, default_value_t = 8000)]
    port: u16,
    /// The folder that keeps the shop's data and the logs [default: .mercato/lattice]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The manifest to deploy, such as wadm-composed.yaml [default: wadm.yaml]
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// A setting of all services, such as RATE_LIMIT=600; it holds over what the manifest says, and is given as often as there are settings
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = setting)]
    settings: Vec<String>,
    /// How long to wait before what ended by itself is started again
    #[arg(long, value_name = "SECONDS", default_value_t = 3)]
    restart_after: u64,
    /// Take what was built before
    #[arg(long, hide = true)]
    built: bool,
}

impl Up {
    /// Runs a lattice until xtask is told to stop.
    ///
    /// # Errors
    /// Something can't be built, got or started, or does not end well.
    pub fn run(self, project: &Project) -> Result<()> {
        let data = std::path::absolute(self.data.unwrap_or_else(|| project.root.join(DATA)))?;
        let _claim = claim(&data)?;
        let port = match self.port {
            0 => free_port()?,
            port => port,
        };
        drop(
            TcpListener::bind(("127.0.0.1", port))
                .with_context(|| format!("port {port} can't be listened on; choose another by --port"))?,
        );
        let built = match self.built {
            true => Built::places(project, false),
            false => Built::build(project, false)?,
        };
        let file = data.join("api-secret");
        let secret = match std::env::var("API_SECRET") {
            Ok(secret) if !secret.is_empty() => secret,
            _ => {
                progress(format_args!("the API key is in {}", file.display()));
                secret::kept(&file)?
            }
        };
        let options = Options {
            hosts: self.hosts,
            port,
            data,
            manifest: self.manifest.unwrap_or_else(|| project.root.join("wadm.yaml")),
            settings: [vec![ENVIRONMENT.to_owned()], self.settings].concat(),
            secret,
            databases: None,
        };

        stop_orderly();
        let mut lattice = match Running::start(project, &built, &options) {
            Ok(lattice) => lattice,
            Err(_) if stopped() => return Ok(()),
            Err(error) => return Err(error),
        };
        println!("ready {}", lattice.url());
        lattice.watch(Duration::from_secs(self.restart_after))?;
        progress("stopping the lattice");
        lattice.stop()
    }
}
