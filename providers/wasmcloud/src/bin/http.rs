//! The provider of outgoing HTTP. Its configuration has the allowed `hosts`, separated by commas.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use mercato_http::Client;
use mercato_wasmcloud::{HttpClientServer, Settings, main as start, ports, run};
use wasmcloud_provider_sdk::{HealthCheckRequest, HealthCheckResponse, Provider, ProviderConfigUpdate};

const NAME: &str = "mercato-http-provider";

#[derive(Clone)]
struct HttpProvider {
    settings: Settings,
}

fn main() -> ExitCode {
    start(NAME, provide)
}

async fn provide(settings: Settings) -> Result<()> {
    let client = Client::new(settings.required("hosts")?).map_err(|reason| anyhow!(reason))?;
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
