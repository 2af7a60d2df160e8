//! Runs the conformance suite of events on Kafka, behind the outbox of the embedded store.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

mod support;

use std::env;
use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use mercato_embedded::{DispatchOptions, Dispatcher, Options, Store};
use mercato_kafka::{Consumers, DeliveryOptions, Kafka, Subscriber};
use mercato_ports::conformance::{self, events, events::EventHandler};
use mercato_ports::documents::Documents;
use mercato_ports::events::{DeadLetters, DeliveryFailure, Event, HandlerFailure, Publisher};
use mercato_ports::manifest::{ServiceManifest, ShopManifest};

/// Publishes every event of the outbox to Kafka.
struct Relay(Arc<Kafka>);

#[async_trait]
impl EventHandler for Relay {
    async fn handle_event(&self, _: &str, event: Event) -> Result<(), DeliveryFailure> {
        self.0
            .publish(vec![event])
            .await
            .map_err(|reason| HandlerFailure::Retry(reason).into())
    }
}

/// Replaces all subscribers of the suite's manifest by the relay.
fn relayed(mut shop: ShopManifest) -> ShopManifest {
    let handles = shop.subscriptions().into_keys().collect();
    for service in shop.services.values_mut() {
        service.handles.clear();
        service.batches.clear();
    }
    let relay = ServiceManifest {
        handles,
        ..ServiceManifest::default()
    };
    shop.services.insert("relay".into(), relay);
    shop
}

fn main() -> ExitCode {
    let runtime = conformance::runtime();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(
        folder.path(),
        &relayed(conformance::manifest()),
        Options::default(),
    )
    .unwrap();
    let store = Arc::new(store);
    let server = env::var(support::SERVER).ok();
    let options = support::options(server.as_deref().unwrap_or("127.0.0.1:1"));
    let kafka = support::kafka(&options);
    let test_handlers = events::TestHandlers::new();
    if server.is_some() {
        let dispatcher = Dispatcher::new(Arc::clone(&store), DispatchOptions::default());
        let relay = Arc::new(Relay(Arc::clone(&kafka)));
        runtime.spawn(async move { dispatcher.run(relay, std::future::pending()).await });
        let delivery = DeliveryOptions {
            attempts: events::ATTEMPTS,
            backoff: events::BACKOFF,
            ..DeliveryOptions::default()
        };
        let consumers = Consumers::new(Arc::clone(&kafka), test_handlers.clone(), delivery);
        runtime.block_on(async {
            for subscriber in Subscriber::all(&conformance::manifest()) {
                consumers.add(subscriber).await;
            }
        });
        // The consumers run until the process ends.
        std::mem::forget(consumers);
    }
    let documents: Arc<dyn Documents> = store;
    let dead_letters: Arc<dyn DeadLetters> = kafka;
    let trials = events::trials(runtime.handle(), &test_handlers, &documents, &dead_letters);
    let trials = trials
        .into_iter()
        .map(|trial| trial.with_ignored_flag(server.is_none()));
    conformance::run(trials.collect())
}
