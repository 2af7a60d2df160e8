//! Connections to a lattice.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use wasmcloud_control_interface::{Client, ClientBuilder, CtlResponse};

use crate::cli::Lattice;

/// How long hosts have to answer. All of them are asked for some things, so each such question takes this long.
const PATIENCE: Duration = Duration::from_secs(3);

impl Lattice {
    /// The address of the NATS server as a URL.
    pub fn url(&self) -> String {
        if self.nats.contains("://") {
            self.nats.clone()
        } else {
            format!("nats://{}", self.nats)
        }
    }

    /// The hosts of the lattice.
    ///
    /// # Errors
    /// NATS can't be reached.
    pub async fn hosts(&self) -> Result<Client> {
        Ok(ClientBuilder::new(self.nats().await?)
            .lattice(&self.name)
            .timeout(PATIENCE)
            .build())
    }

    /// The wadm of the lattice.
    ///
    /// # Errors
    /// NATS can't be reached.
    pub async fn wadm(&self) -> Result<wadm_client::Client> {
        let nats = self.nats().await?;
        Ok(wadm_client::Client::from_nats_client(&self.name, None, nats))
    }

    /// A connection to NATS.
    ///
    /// # Errors
    /// NATS can't be reached.
    pub async fn nats(&self) -> Result<async_nats::Client> {
        // An address may hold a password, so it is not shown.
        async_nats::ConnectOptions::new()
            .name("mercato-lattice")
            .connect(self.url())
            .await
            .context("NATS can't be reached: start it, or say where it is by --nats")
    }
}

/// What a host answered.
///
/// # Errors
/// It did not answer, or refused; a sentence that says so.
pub fn answer<T>(response: Result<CtlResponse<T>, impl std::fmt::Display>, what: &str) -> Result<Option<T>> {
    let response = response.map_err(|error| anyhow!("{what}: no host answers ({error})"))?;
    if response.succeeded() {
        Ok(response.into_data())
    } else {
        Err(anyhow!("{what}: {}", response.message()))
    }
}
