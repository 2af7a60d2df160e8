//! `host`: runs components and providers.

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

/// How long a host waits for answers to its requests, and for its providers to stop.
const HOST_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a call of a component may take, including all calls that it makes. A call to a host that has
/// crashed gets no answer and fails after this time.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);

/// The maximum number of core instances of one component. A composed component has several for each of its
/// parts.
const MAX_CORE_INSTANCES: u32 = 100;

/// Runs a host until SIGTERM, Ctrl-C, or a stop command of the lattice.
///
/// # Errors
/// If NATS cannot be reached or has no JetStream, or if the seed cannot be read.
pub async fn run(lattice: &Lattice, options: Host) -> Result<()> {
    let otel_config = OtelConfig {
        enable_traces: Some(options.traces.is_some()),
        traces_endpoint: options.traces.clone(),
        ..OtelConfig::default()
    };
    let _logs = logs("mercato-lattice", options.log_format, Some(&otel_config))?;
    let key = Arc::new(key(&options.seed_file)?);
    let id = key.public_key();
    let nats = lattice.url().parse().context("--nats is not an address")?;
    let config = WasmbusHostConfig {
        rpc_nats_url: nats,
        ctl_nats_url: lattice.url().parse().context("--nats is not an address")?,
        lattice: lattice.name.as_str().into(),
        host_key: Some(key),
        labels: options.labels.into_iter().collect(),
        rpc_timeout: HOST_TIMEOUT,
        max_execution_time: CALL_TIMEOUT,
        provider_shutdown_delay: Some(HOST_TIMEOUT),
        heartbeat_interval: Some(Duration::from_secs(options.heartbeat)),
        allow_file_load: true,
        max_core_instances_per_component: MAX_CORE_INSTANCES,
        experimental_features: Features::new().enable_builtin_http_server(),
        enable_structured_logging: options.log_format == LogFormat::Json,
        log_level: Level::Info,
        otel_config,
        ..WasmbusHostConfig::default()
    };
    let (host, shutdown) = WasmbusHost::new(config)
        .await
        .context("the host cannot start: it needs NATS with JetStream")?;
    tracing::info!(id, lattice = lattice.name, "the host runs");
    println!("ready {id}");
    tokio::select! {
        signal = stop_signal() => signal?,
        stopped = host.stopped() => {
            stopped?;
        }
    }
    shutdown.await.context("the host did not shut down cleanly")?;
    tracing::info!(id, "the host has stopped");
    // The host is not dropped, because that would kill its providers. They stop by themselves after their
    // running calls.
    std::mem::forget(host);
    Ok(())
}

/// Waits for SIGTERM or Ctrl-C.
///
/// # Errors
/// If signals cannot be received.
pub async fn stop_signal() -> Result<()> {
    let mut term = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    tokio::select! {
        _ = term.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => interrupted.context("cannot wait for Ctrl-C"),
    }
}

/// Starts the log on standard error, and traces if they are configured. The log ends when the result is
/// dropped.
///
/// # Errors
/// If a log was started before.
pub fn logs(name: &str, format: LogFormat, traces: Option<&OtelConfig>) -> Result<impl Sized + use<>> {
    let (dispatch, guard) = configure_observability(
        name,
        traces.unwrap_or(&OtelConfig::default()),
        format == LogFormat::Json,
        None::<&Path>,
        Some(&Level::Info),
        Some(&Level::Info),
    )?;
    tracing::dispatcher::set_global_default(dispatch).context("cannot start the log")?;
    Ok(guard)
}

/// Reads the key from a seed file. If the file does not exist, creates it with a new key.
fn key(file: &Path) -> Result<KeyPair> {
    let failure =
        |reason: &dyn std::fmt::Display| anyhow!("cannot use the seed file {}: {reason}", file.display());
    if file.exists() {
        let seed = std::fs::read_to_string(file).map_err(|error| failure(&error))?;
        let key = KeyPair::from_seed(seed.trim()).map_err(|error| failure(&error))?;
        return match key.key_pair_type() {
            KeyPairType::Server => Ok(key),
            _ => Err(failure(
                &"it has a seed that is not for a host; remove the file to create a new seed",
            )),
        };
    }
    let key = KeyPair::new_server();
    let seed = key.seed().map_err(|error| failure(&error))?;
    let mut options = std::fs::OpenOptions::new();
    options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .and_then(|mut file| writeln!(file, "{seed}"))
        .map_err(|error| failure(&error))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn creates_a_seed_once_and_only_the_owner_can_read_it() {
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
