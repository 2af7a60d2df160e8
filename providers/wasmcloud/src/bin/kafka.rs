//! The provider of events on Kafka. Its configuration has the `brokers`. Optional are a `prefix` for the
//! names of topics and groups, and the numbers of `partitions` and `replicas` of new topics.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use mercato_kafka::{Consumers, DeliveryOptions, Kafka, KafkaOptions, Subscriber};
use mercato_wasmcloud::{PublisherServer, RemoteHandlers, Settings, Subscription, main as start, ports, run};
use wasmcloud_provider_sdk::{
    HealthCheckRequest, HealthCheckResponse, LinkConfig, LinkDeleteInfo, Provider, ProviderConfigUpdate,
};

const NAME: &str = "mercato-kafka-provider";

#[derive(Clone)]
struct KafkaProvider {
    settings: Settings,
    kafka: Arc<Kafka>,
    handlers: RemoteHandlers,
    consumers: Arc<Consumers>,
}

fn main() -> ExitCode {
    start(NAME, provide)
}

async fn provide(settings: Settings) -> Result<()> {
    let mut options = KafkaOptions::new(settings.required("brokers")?).map_err(|reason| anyhow!(reason))?;
    if let Some(prefix) = settings.get("prefix") {
        options.prefix = prefix.to_owned();
    }
    if let Some(partitions) = settings.get("partitions") {
        options.partitions = partitions.parse().context("`partitions` must be a number")?;
    }
    if let Some(replicas) = settings.get("replicas") {
        options.replication = replicas.parse().context("`replicas` must be a number")?;
    }
    let kafka = Kafka::new(options).map_err(|reason| anyhow!(reason))?;
    let handlers = RemoteHandlers::default();
    let consumers = Consumers::new(
        Arc::clone(&kafka),
        Arc::new(handlers.clone()),
        DeliveryOptions::default(),
    );
    let provider = KafkaProvider {
        settings: settings.clone(),
        kafka: Arc::clone(&kafka),
        handlers,
        consumers: Arc::new(consumers),
    };
    let server = PublisherServer(kafka);
    run(provider, NAME, &settings, |connection| {
        ports::publisher(connection, server)
    })
    .await
}

impl Provider for KafkaProvider {
    async fn receive_link_config_as_source(&self, link: LinkConfig<'_>) -> Result<()> {
        let subscription = Subscription::parse(link.config).map_err(|reason| anyhow!(reason))?;
        self.handlers
            .link(link.target_id, link.link_name, &subscription)
            .await?;
        tracing::info!(
            component = link.target_id,
            subscriber = subscription.subscriber,
            "linked"
        );
        let subscriber = Subscriber {
            name: subscription.subscriber,
            kinds: subscription.kinds.into_iter().collect(),
            batches: subscription.batches.into_iter().collect(),
        };
        self.consumers.add(subscriber).await;
        Ok(())
    }

    async fn delete_link_as_source(&self, link: impl LinkDeleteInfo) -> Result<()> {
        if let Some(subscriber) = self.handlers.unlink(link.get_target_id(), link.get_link_name()) {
            self.consumers.remove(&subscriber).await;
        }
        Ok(())
    }

    async fn on_config_update(&self, update: impl ProviderConfigUpdate) -> Result<()> {
        self.settings.update(update.get_values());
        Ok(())
    }

    async fn health_request(&self, _request: &HealthCheckRequest) -> Result<HealthCheckResponse> {
        let ready = self.kafka.ready().await;
        Ok(HealthCheckResponse {
            healthy: ready.is_ok(),
            message: ready.err(),
        })
    }

    async fn shutdown(&self) -> Result<()> {
        self.consumers.shutdown().await;
        Ok(())
    }
}
