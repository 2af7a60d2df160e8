//! The provider of documents on MongoDB, with the relay of its outboxes. Its configuration has the `url` of
//! the replica set, and the id of the provider that is the `publisher` of events. Optional is a `prefix` for
//! the names of databases.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use mercato_mongodb::{Options, Relay, RelayOptions, Store};
use mercato_ports::documents::Documents as _;
use mercato_wasmcloud::{
    Access, DocumentsServer, RemotePublisher, Settings, main as start, ports, run, services,
};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use wasmcloud_provider_sdk::{
    HealthCheckRequest, HealthCheckResponse, LinkConfig, LinkDeleteInfo, Provider, ProviderConfigUpdate,
};

const NAME: &str = "mercato-mongodb-provider";

#[derive(Clone)]
struct MongodbProvider {
    settings: Settings,
    store: Arc<Store>,
    access: Access,
    relay: Arc<Mutex<Option<JoinHandle<()>>>>,
    stop: watch::Sender<()>,
}

fn main() -> ExitCode {
    start(NAME, provide)
}

async fn provide(settings: Settings) -> Result<()> {
    let mut options = Options::default();
    if let Some(prefix) = settings.get("prefix") {
        options.prefix = prefix.to_owned();
    }
    let store = Arc::new(Store::connect(settings.required("url")?, options).await?);
    let publisher = settings.required("publisher")?;
    let provider = MongodbProvider {
        settings: settings.clone(),
        store: Arc::clone(&store),
        access: Access::default(),
        relay: Arc::default(),
        stop: watch::Sender::default(),
    };
    let server = DocumentsServer::new(store, provider.access.clone());
    let relaying = provider.clone();
    let serve = |connection| async move {
        relaying
            .start_relay(RemotePublisher::new(connection, publisher).await?)
            .await;
        ports::documents(connection, server).await
    };
    run(provider, NAME, &settings, serve).await
}

impl MongodbProvider {
    /// Starts the relay of events.
    async fn start_relay(&self, publisher: RemotePublisher) {
        let relay = Relay::new(Arc::clone(&self.store), RelayOptions::default());
        let mut stop = self.stop.subscribe();
        let shutdown = async move { drop(stop.changed().await) };
        let running = tokio::spawn(async move { relay.run(Arc::new(publisher), shutdown).await });
        *self.relay.lock().await = Some(running);
    }
}

impl Provider for MongodbProvider {
    async fn receive_link_config_as_target(&self, link: LinkConfig<'_>) -> Result<()> {
        let services = services(link.config).map_err(|reason| anyhow!(reason))?;
        for (service, manifest) in &services {
            self.store.add(service, manifest).await?;
        }
        tracing::info!(component = link.source_id, services = ?services.keys(), "linked");
        self.access.grant(link.source_id, services.into_keys());
        Ok(())
    }

    async fn delete_link_as_target(&self, link: impl LinkDeleteInfo) -> Result<()> {
        self.access.revoke(link.get_source_id());
        Ok(())
    }

    async fn on_config_update(&self, update: impl ProviderConfigUpdate) -> Result<()> {
        self.settings.update(update.get_values());
        Ok(())
    }

    async fn health_request(&self, _request: &HealthCheckRequest) -> Result<HealthCheckResponse> {
        let ready = self.store.ready().await;
        Ok(HealthCheckResponse {
            healthy: ready.is_ok(),
            message: ready.err(),
        })
    }

    async fn shutdown(&self) -> Result<()> {
        self.stop.send_replace(());
        if let Some(relay) = self.relay.lock().await.take() {
            relay.await?;
        }
        Ok(())
    }
}
