//! Kafka as the event broker.

use std::sync::Arc;

use mercato_kafka::{Consumers, DeliveryOptions, Kafka, KafkaOptions, Subscriber};
use mercato_ports::events::Handlers;
use mercato_ports::manifest::ShopManifest;

use crate::command_error::{Code, CommandError};

/// Publishes events and stores dead letters.
pub type Broker = Kafka;

/// Creates a client of Kafka, which connects on first use.
///
/// # Errors
/// If the address is malformed.
pub fn connect(url: &str) -> Result<Arc<Broker>, CommandError> {
    KafkaOptions::new(url)
        .and_then(Kafka::new)
        .map_err(|reason| CommandError::new(Code::Config, reason))
}

/// Delivers published events to all subscribers until `relay` completes, then waits for the running handlers.
pub async fn deliver(
    broker: Arc<Broker>,
    manifest: &ShopManifest,
    handlers: Arc<dyn Handlers>,
    relay: impl Future<Output = ()>,
) {
    let consumers = Consumers::new(broker, handlers, DeliveryOptions::default());
    for subscriber in Subscriber::all(manifest) {
        consumers.add(subscriber).await;
    }
    relay.await;
    consumers.shutdown().await;
}
