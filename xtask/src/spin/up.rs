//! `cargo xtask spin up`.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use super::STATE;
use crate::daemon::{Daemon, stop_orderly, stopped};
use crate::project::Project;
use crate::secret;
use mercato_wasm_toolchain::process::{clean, output, progress};

/// Spin compiles the components first.
const START: Duration = Duration::from_secs(180);

/// How many instances Spin makes place for, unless told otherwise: its own setting is for components of one part.
const INSTANCES: &str = "4000";

/// Compose the shop and run it
///
/// Needs `spin` 4 on the PATH. Prints `ready URL` when it serves. The API key is SPIN_VARIABLE_API_SECRET, or API_SECRET, or else one that
/// is made and kept in the state folder.
#[derive(Debug, clap::Args)]
pub struct Up {
    /// Where to listen
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
    /// Composes, and runs Spin until one of the two is told to stop.
    ///
    /// # Errors
    /// There is no Spin, something can't be built, or Spin does not serve.
    pub fn run(self, project: &Project) -> Result<()> {
        available()?;
        super::build(project)?;
        super::check(project)?;
        let state = self.state_dir.unwrap_or_else(|| project.root.join(STATE));
        fs::create_dir_all(&state).with_context(|| format!("{} can't be made", state.display()))?;
        let given = ["SPIN_VARIABLE_API_SECRET", "API_SECRET"]
            .into_iter()
            .find_map(|name| std::env::var(name).ok());
        let secret = given.map_or_else(|| secret::kept(&state.join("api-secret")), Ok)?;
        let mut spin = clean("spin");
        spin.arg("up").arg("--from").arg(super::manifest(project));
        spin.args(["--listen", &self.listen.to_string()]);
        spin.arg("--state-dir").arg(&state).args(self.more);
        spin.env("SPIN_VARIABLE_API_SECRET", secret);
        if std::env::var_os("SPIN_MAX_INSTANCE_COUNT").is_none() {
            spin.env("SPIN_MAX_INSTANCE_COUNT", INSTANCES);
        }
        serve(spin, &format!("http://{}", self.listen))
    }
}

/// Whether there is a Spin that can run the shop.
///
/// # Errors
/// There is none, or another one.
pub fn available() -> Result<()> {
    let version = output(clean("spin").arg("--version")).map_err(|_| {
        anyhow!(
            "`spin` is not on the PATH: install Spin 4 (https://spinframework.dev), or see with `cargo xtask spin check` what it would be given"
        )
    })?;
    if !version.starts_with("spin 4.") {
        bail!("the shop needs Spin 4, and this is `{version}`");
    }
    Ok(())
}

fn serve(mut spin: Command, url: &str) -> Result<()> {
    stop_orderly();
    progress("starting Spin");
    spin.stdout(Stdio::from(std::io::stderr()));
    let mut daemon = Daemon::spawn(&mut spin, None)?;
    let health = format!("{url}/.well-known/spin/health");
    let started = Instant::now();
    while !stopped() && ureq::get(&health).call().is_err() {
        if let Some(status) = daemon.ended()? {
            bail!("Spin ended while starting ({status})");
        }
        if started.elapsed() > START {
            bail!("Spin did not serve within {} s", START.as_secs());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    println!("ready {url}");
    while !stopped() {
        if let Some(status) = daemon.ended()? {
            bail!("Spin ended by itself ({status})");
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}
