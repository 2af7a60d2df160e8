//! The provider of mail by SMTP. Its configuration has the `url` of the server and the sender (`from`).

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use mercato_smtp::SmtpMailer;
use mercato_wasmcloud::{MailerServer, Settings, main as start, ports, run};
use wasmcloud_provider_sdk::{HealthCheckRequest, HealthCheckResponse, Provider, ProviderConfigUpdate};

const NAME: &str = "mercato-smtp-provider";

#[derive(Clone)]
struct SmtpProvider {
    settings: Settings,
    mailer: Arc<SmtpMailer>,
}

fn main() -> ExitCode {
    start(NAME, provide)
}

async fn provide(settings: Settings) -> Result<()> {
    let mailer = SmtpMailer::new(settings.required("url")?, settings.required("from")?);
    let mailer = Arc::new(mailer.map_err(|reason| anyhow!(reason))?);
    let provider = SmtpProvider {
        settings: settings.clone(),
        mailer: Arc::clone(&mailer),
    };
    let server = MailerServer(mailer);
    run(provider, NAME, &settings, |connection| {
        ports::mailer(connection, server)
    })
    .await
}

impl Provider for SmtpProvider {
    async fn on_config_update(&self, update: impl ProviderConfigUpdate) -> Result<()> {
        self.settings.update(update.get_values());
        Ok(())
    }

    async fn health_request(&self, _request: &HealthCheckRequest) -> Result<HealthCheckResponse> {
        let ready = self.mailer.ready().await;
        Ok(HealthCheckResponse {
            healthy: ready.is_ok(),
            message: ready.err(),
        })
    }
}
