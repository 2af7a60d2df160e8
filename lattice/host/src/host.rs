//! A host: where components and providers run.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use nkeys::{KeyPair, KeyPairType};
use tokio::signal::unix::{SignalKind, signal};
use wasmcloud_core::OtelConfig;
use wasmcloud_core::logging::Level;
use wasmcloud_host::wasmbus::Features;
use wasmcloud_host::{WasmbusHost, WasmbusHostConfig};
use wasmcloud_tracing::configure_observability;

use crate::cli::{Host, Lattice, LogFormat};

/// How long a host waits for the answers of others that it needs itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a call of a component may take, with all the calls that it makes. What was asked of a host that is gone since is not
/// answered any more: after this time its caller is told.
const LONGEST_CALL: Duration = Duration::from_secs(15);

/// The most core instances of one component: a composition has several for each of its parts.
const CORE_INSTANCES: u32 = 100;

/// Runs a host until SIGTERM, Ctrl-C, or a command of the lattice to stop.
///
/// # Errors
/// NATS can't be reached or has no JetStream, or the seed can't be read.
pub async fn run(lattice: &Lattice, options: Host) -> Result<()> {
    let otel_config = OtelConfig {
        enable_traces: Some(options.traces.is_some()),
        traces_endpoint: options.traces.clone(),
        ..OtelConfig::default()
    };
    let _logs = logs("mercato-lattice", options.log_format, Some(&otel_config))?;
    let key = Arc::new(key(&options.seed_file)?);
    let id = key.public_key();
    let nats = lattice.url().parse().context("--nats is no address")?;
    let config = WasmbusHostConfig {
        rpc_nats_url: nats,
        ctl_nats_url: lattice.url().parse().context("--nats is no address")?,
        lattice: lattice.name.as_str().into(),
        host_key: Some(key),
        labels: options.labels.into_iter().collect(),
        rpc_timeout: PATIENCE,
        max_execution_time: LONGEST_CALL,
        provider_shutdown_delay: Some(PATIENCE),
        heartbeat_interval: Some(Duration::from_secs(options.heartbeat)),
        allow_file_load: true,
        max_core_instances_per_component: CORE_INSTANCES,
        experimental_features: Features::new().enable_builtin_http_server(),
        enable_structured_logging: options.log_format == LogFormat::Json,
        log_level: Level::Info,
        otel_config,
        ..WasmbusHostConfig::default()
    };
    let (host, shutdown) = WasmbusHost::new(config)
        .await
        .context("the host can't start: it needs NATS with JetStream")?;
    tracing::info!(id, lattice = lattice.name, "the host is up");
    println!("ready {id}");
    tokio::select! {
        ended = until_ended() => ended?,
        stopped = host.stopped() => {
            stopped?;
        }
    }
    shutdown.await.context("the host did not stop as it should")?;
    tracing::info!(id, "the host has stopped");
    // Its providers see that it is gone, and end once they have answered: to drop it would kill them.
    std::mem::forget(host);
    Ok(())
}

/// Completes at SIGTERM or Ctrl-C.
///
/// # Errors
/// Signals can't be received.
pub async fn until_ended() -> Result<()> {
    let mut term = signal(SignalKind::terminate()).context("SIGTERM can't be received")?;
    tokio::select! {
        _ = term.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => interrupted.context("Ctrl-C can't be received"),
    }
}

/// Starts logging to stderr, and traces where they are configured. Logs are written as long as the result is kept.
///
/// # Errors
/// It was started before.
pub fn logs(name: &str, format: LogFormat, traces: Option<&OtelConfig>) -> Result<impl Sized + use<>> {
    let (dispatch, guard) = configure_observability(
        name,
        traces.unwrap_or(&OtelConfig::default()),
        format == LogFormat::Json,
        None::<&Path>,
        Some(&Level::Info),
        Some(&Level::Info),
    )?;
    tracing::dispatcher::set_global_default(dispatch).context("logs can't be written")?;
    Ok(guard)
}

/// The key in a file; a new one where there is no file.
fn key(file: &Path) -> Result<KeyPair> {
    let wrong =
        |why: &dyn std::fmt::Display| anyhow!("the seed file {} can't be used: {why}", file.display());
    if file.exists() {
        let seed = std::fs::read_to_string(file).map_err(|error| wrong(&error))?;
        let key = KeyPair::from_seed(seed.trim()).map_err(|error| wrong(&error))?;
        return match key.key_pair_type() {
            KeyPairType::Server => Ok(key),
            _ => Err(wrong(
                &"it holds a seed, but not a host's; remove it to have one made",
            )),
        };
    }
    let key = KeyPair::new_server();
    let seed = key.seed().map_err(|error| wrong(&error))?;
    let mut options = std::fs::OpenOptions::new();
    options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .and_then(|mut file| writeln!(file, "{seed}"))
        .map_err(|error| wrong(&error))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_made_once_and_is_nobody_elses_to_read() {
        let folder = std::env::temp_dir().join(format!("mercato-seed-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("seed");
        let first = key(&file).unwrap();
        assert_eq!(key(&file).unwrap().public_key(), first.public_key());
        let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&file).unwrap());
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(&file, "nonsense").unwrap();
        let error = key(&file).unwrap_err().to_string();
        assert!(
            error.contains("seed file") && !error.contains("nonsense"),
            "{error}"
        );
        std::fs::remove_dir_all(folder).unwrap();
    }
}
