//! The provider that hashes passwords. It needs no configuration.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use mercato_passwords::PasswordPool;
use mercato_wasmcloud::{PasswordsServer, Settings, main as start, ports, run};
use wasmcloud_provider_sdk::{HealthCheckRequest, HealthCheckResponse, Provider};

const NAME: &str = "mercato-passwords-provider";

#[derive(Clone)]
struct PasswordsProvider;

fn main() -> ExitCode {
    start(NAME, provide)
}

async fn provide(settings: Settings) -> Result<()> {
    let server = PasswordsServer(Arc::new(PasswordPool::new()));
    run(PasswordsProvider, NAME, &settings, |connection| {
        ports::passwords(connection, server)
    })
    .await
}

impl Provider for PasswordsProvider {
    /// Always healthy, because the provider needs no server.
    async fn health_request(&self, _request: &HealthCheckRequest) -> Result<HealthCheckResponse> {
        Ok(HealthCheckResponse {
            healthy: true,
            message: None,
        })
    }
}
