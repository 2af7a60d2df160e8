//! wadm: what keeps applications as their manifests say.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::time::sleep;
use wadm::config::WadmConfig;

use crate::cli::{Lattice, LogFormat, Wadm};
use crate::host::{logs, until_ended};

/// Runs wadm until SIGTERM or Ctrl-C.
///
/// # Errors
/// NATS can't be reached or has no JetStream, or wadm ends by itself.
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
        .context("wadm can't start: it needs NATS 2.10 or newer, with JetStream")?;
    let client = lattice.wadm().await?;
    let ready = async {
        while client.list_manifests().await.is_err() {
            sleep(Duration::from_millis(100)).await;
        }
        println!("ready");
        until_ended().await
    };
    tokio::select! {
        ended = ready => ended,
        ended = tasks.join_next() => match ended {
            Some(Ok(Err(error))) => Err(error.context("wadm ended")),
            _ => bail!("wadm ended"),
        },
    }
}
