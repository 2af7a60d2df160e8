//! `cargo xtask spin up`.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use super::build::{build, manifest};
use super::check::check;
use crate::daemon::{Daemon, is_stopping, stop_in_order};
use crate::project::Project;
use crate::secret;
use mercato_wasm_toolchain::process::{clean, output, progress};

/// The folder of the databases, beside spin.toml.
const STATE: &str = ".spin";

/// The time limit of the start: Spin compiles the components first.
const START_LIMIT: Duration = Duration::from_secs(180);

/// The number of instances, unless `SPIN_MAX_INSTANCE_COUNT` is set. Spin's default is too small for
/// components of many parts.
const INSTANCES: &str = "4000";

/// Compose the components and run the shop
///
/// Needs `spin` 4 on the PATH. Prints `ready URL` when the shop serves. The API key is
/// SPIN_VARIABLE_API_SECRET, else API_SECRET, else a generated key that is kept in the state folder.
#[derive(Debug, clap::Args)]
pub struct Up {
    /// The address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// The folder of the databases [default: .spin]
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// More flags of `spin up`, after `--`
    #[arg(last = true, value_name = "FLAGS")]
    more: Vec<String>,
}

impl Up {
    /// Composes the components and runs Spin until Spin or xtask is stopped.
    ///
    /// # Errors
    /// Spin is not installed, a component can't be built, or Spin does not serve.
    pub fn run(self, project: &Project) -> Result<()> {
        available()?;
        check(&build(project)?)?;
        let state = self.state_dir.unwrap_or_else(|| project.root.join(STATE));
        fs::create_dir_all(&state).with_context(|| format!("can't create {}", state.display()))?;
        let secret = ["SPIN_VARIABLE_API_SECRET", "API_SECRET"]
            .into_iter()
            .find_map(|name| std::env::var(name).ok());
        let secret = secret.map_or_else(|| secret::from_file(&state.join("api-secret")), Ok)?;
        let mut spin = clean("spin");
        spin.arg("up").arg("--from").arg(manifest(project));
        spin.args(["--listen", &self.listen.to_string()]);
        spin.arg("--state-dir").arg(&state).args(self.more);
        spin.env("SPIN_VARIABLE_API_SECRET", secret);
        if std::env::var_os("SPIN_MAX_INSTANCE_COUNT").is_none() {
            spin.env("SPIN_MAX_INSTANCE_COUNT", INSTANCES);
        }
        serve(spin, &format!("http://{}", self.listen))
    }
}

/// Checks that a Spin that can run the shop is installed.
///
/// # Errors
/// Spin is not on the PATH, or is another version.
pub fn available() -> Result<()> {
    let version = output(clean("spin").arg("--version")).map_err(|_| {
        anyhow!(
            "`spin` is not on the PATH: install Spin 4 (https://spinframework.dev), or run `cargo xtask spin check`, \
             which needs no Spin"
        )
    })?;
    if !version.starts_with("spin 4.") {
        bail!("the shop needs Spin 4, but the installed version is `{version}`");
    }
    Ok(())
}

fn serve(mut spin: Command, url: &str) -> Result<()> {
    stop_in_order();
    progress("starting Spin");
    spin.stdout(Stdio::from(std::io::stderr()));
    let mut daemon = Daemon::spawn(&mut spin, None)?;
    let health = format!("{url}/.well-known/spin/health");
    let started = Instant::now();
    while !is_stopping() && ureq::get(&health).call().is_err() {
        if let Some(status) = daemon.ended()? {
            bail!("Spin ended while it started ({status})");
        }
        if started.elapsed() > START_LIMIT {
            bail!("Spin did not serve within {} s", START_LIMIT.as_secs());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    println!("ready {url}");
    while !is_stopping() {
        if let Some(status) = daemon.ended()? {
            bail!("Spin ended ({status})");
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}
