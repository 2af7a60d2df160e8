//! `wadm`: runs wadm, which keeps applications in the state that their manifests describe.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::time::sleep;
use wadm::config::WadmConfig;

use crate::cli::{Lattice, LogFormat, Wadm};
use crate::host::{logs, stop_signal};

/// Runs wadm until SIGTERM or Ctrl-C.
///
/// # Errors
/// If NATS cannot be reached or has no JetStream, or if wadm stops by itself.
pub async fn run(lattice: &Lattice, options: &Wadm) -> Result<()> {
    let _logs = logs("wadm", options.log_format, None)?;
    let config = WadmConfig {
        nats_server: lattice.nats.clone(),
        cleanup_interval: options.cleanup,
        structured_logging: options.log_format == LogFormat::Json,
        ..WadmConfig::default()
    };
    let mut tasks = wadm::start_wadm(config)
        .await
        .context("wadm cannot start: it needs NATS 2.10 or newer, with JetStream")?;
    let client = lattice.wadm().await?;
    let ready = async {
        while client.list_manifests().await.is_err() {
            sleep(Duration::from_millis(100)).await;
        }
        println!("ready");
        stop_signal().await
    };
    tokio::select! {
        signal = ready => signal,
        stopped = tasks.join_next() => match stopped {
            Some(Ok(Err(error))) => Err(error.context("wadm stopped")),
            _ => bail!("wadm stopped"),
        },
    }
}
