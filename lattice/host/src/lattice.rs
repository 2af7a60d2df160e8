//! Connections to a lattice.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use wasmcloud_control_interface::{Client, ClientBuilder, CtlResponse};

use crate::cli::Lattice;

/// How long to wait for the answers of hosts. A request to all hosts always takes this long.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);

impl Lattice {
    /// Returns the address of the NATS server as a URL.
    pub fn url(&self) -> String {
        if self.nats.contains("://") {
            self.nats.clone()
        } else {
            format!("nats://{}", self.nats)
        }
    }

    /// Connects to the hosts of the lattice.
    ///
    /// # Errors
    /// If NATS cannot be reached.
    pub async fn hosts(&self) -> Result<Client> {
        Ok(ClientBuilder::new(self.nats().await?)
            .lattice(&self.name)
            .timeout(ANSWER_TIMEOUT)
            .build())
    }

    /// Connects to the wadm of the lattice.
    ///
    /// # Errors
    /// If NATS cannot be reached.
    pub async fn wadm(&self) -> Result<wadm_client::Client> {
        let nats = self.nats().await?;
        Ok(wadm_client::Client::from_nats_client(&self.name, None, nats))
    }

    /// Connects to NATS.
    ///
    /// # Errors
    /// If NATS cannot be reached.
    pub async fn nats(&self) -> Result<async_nats::Client> {
        // The error does not show the address, because it may contain a password.
        async_nats::ConnectOptions::new()
            .name("mercato-lattice")
            .connect(self.url())
            .await
            .context("cannot reach NATS: start it, or set its address with --nats")
    }
}

/// Returns the data of a host's answer.
///
/// # Errors
/// If no host answers, or if a host refuses. The message begins with `failure`.
pub fn answer<T>(
    response: Result<CtlResponse<T>, impl std::fmt::Display>,
    failure: &str,
) -> Result<Option<T>> {
    let response = response.map_err(|error| anyhow!("{failure}: no host answers ({error})"))?;
    if response.succeeded() {
        Ok(response.into_data())
    } else {
        Err(anyhow!("{failure}: {}", response.message()))
    }
}
