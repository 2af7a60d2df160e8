//! The provider of outgoing HTTP. Its configuration has the allowed hosts in `HTTP_CLIENT_HOSTS`, separated by
//! commas.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use mercato_http::Client;
use mercato_wasmcloud::{HttpClientServer, Settings, main as start, ports, run};
use wasmcloud_provider_sdk::{HealthCheckRequest, HealthCheckResponse, Provider, ProviderConfigUpdate};

const NAME: &str = "mercato-http-provider";

/// The allowed hosts. Services read the same configuration.
const HOSTS: &str = "HTTP_CLIENT_HOSTS";

/// The old name of [`HOSTS`], which is deprecated.
const OLD_HOSTS: &str = "hosts";

#[derive(Clone)]
struct HttpProvider {
    settings: Settings,
}

fn main() -> ExitCode {
    start(NAME, provide)
}

async fn provide(settings: Settings) -> Result<()> {
    let hosts = match settings.get(OLD_HOSTS) {
        Some(hosts) if settings.get(HOSTS).is_none() => hosts,
        _ => settings.required(HOSTS)?,
    };
    let client = Client::new(hosts).map_err(|reason| anyhow!(reason))?;
    let provider = HttpProvider {
        settings: settings.clone(),
    };
    let server = HttpClientServer(Arc::new(client));
    run(provider, NAME, &settings, |connection| {
        ports::http_client(connection, server)
    })
    .await
}

impl Provider for HttpProvider {
    async fn on_config_update(&self, update: impl ProviderConfigUpdate) -> Result<()> {
        self.settings.update(update.get_values());
        Ok(())
    }

    /// Always healthy, because the provider needs no server.
    async fn health_request(&self, _request: &HealthCheckRequest) -> Result<HealthCheckResponse> {
        Ok(HealthCheckResponse {
            healthy: true,
            message: None,
        })
    }
}
