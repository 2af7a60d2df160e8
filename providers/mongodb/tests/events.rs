//! Runs the conformance suite of events on the outbox and the relay, with an in-memory broker behind the
//! publisher.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use std::collections::{BTreeMap, HashMap};
use std::future::pending;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use mercato_mongodb::{Relay, RelayOptions};
use mercato_ports::conformance::{self, events};
use mercato_ports::documents::Documents;
use mercato_ports::events::{
    DeadLetter, DeadLetters, DeliveryFailure, Event, HandlerFailure, Handlers, Publisher,
};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::sleep;

/// A broker that delivers to each subscriber, one event of a subject at a time.
struct LocalBroker {
    subscriptions: BTreeMap<String, Vec<String>>,
    handlers: Arc<dyn Handlers>,
    queues: Mutex<HashMap<(String, String), UnboundedSender<Event>>>,
    dead: Arc<Mutex<Vec<DeadLetter>>>,
}

impl LocalBroker {
    fn enqueue(&self, subscriber: &str, event: Event) {
        let mut queues = self.queues.lock().unwrap();
        let key = (subscriber.to_owned(), event.subject.clone());
        let queue = queues.entry(key).or_insert_with(|| {
            let (queue, mut events) = unbounded_channel();
            let (handlers, dead) = (Arc::clone(&self.handlers), Arc::clone(&self.dead));
            let subscriber = subscriber.to_owned();
            tokio::spawn(async move {
                while let Some(event) = events.recv().await {
                    deliver(handlers.as_ref(), &dead, &subscriber, event).await;
                }
            });
            queue
        });
        queue.send(event).unwrap();
    }
}

async fn deliver(handlers: &dyn Handlers, dead: &Mutex<Vec<DeadLetter>>, subscriber: &str, event: Event) {
    let mut attempts = 1;
    let reason = loop {
        match handlers.handle(subscriber, vec![event.clone()]).await.remove(0) {
            Ok(()) => return,
            Err(DeliveryFailure::Handler(HandlerFailure::Retry(_))) if attempts < events::ATTEMPTS => {
                sleep(events::BACKOFF).await;
                attempts += 1;
            }
            Err(
                DeliveryFailure::Handler(HandlerFailure::Retry(reason) | HandlerFailure::Reject(reason))
                | DeliveryFailure::Unreachable(reason),
            ) => break reason,
        }
    };
    let mut dead = dead.lock().unwrap();
    let id = dead.last().map_or(1, |last| last.id + 1);
    dead.push(DeadLetter {
        id,
        subscriber: subscriber.to_owned(),
        event,
        attempts,
        reason,
    });
}

#[async_trait]
impl Publisher for LocalBroker {
    async fn publish(&self, events: Vec<Event>) -> Result<(), String> {
        for event in events {
            for subscriber in self.subscriptions.get(&event.kind).into_iter().flatten() {
                self.enqueue(subscriber, event.clone());
            }
        }
        Ok(())
    }
}

#[async_trait]
impl DeadLetters for LocalBroker {
    async fn list(&self, limit: u32) -> Result<Vec<DeadLetter>, String> {
        let dead = self.dead.lock().unwrap();
        Ok(dead.iter().take(limit as usize).cloned().collect())
    }

    async fn replay(&self, id: u64) -> Result<bool, String> {
        let dead_letter = {
            let mut dead = self.dead.lock().unwrap();
            let index = dead.iter().position(|dead_letter| dead_letter.id == id);
            index.map(|index| dead.remove(index))
        };
        Ok(dead_letter
            .map(|dead_letter| self.enqueue(&dead_letter.subscriber, dead_letter.event))
            .is_some())
    }
}

fn main() -> ExitCode {
    let runtime = conformance::runtime();
    let manifest = conformance::manifest();
    let test_handlers = events::TestHandlers::new();
    let broker = Arc::new(LocalBroker {
        subscriptions: manifest.subscriptions(),
        handlers: test_handlers.clone(),
        queues: Mutex::default(),
        dead: Arc::default(),
    });
    let documents: Arc<dyn Documents> = match common::server() {
        None => Arc::new(common::NoStore),
        Some(server) => {
            let mut services = manifest;
            // The suite of events needs no collections of this service.
            if let Some(service) = services.services.get_mut("conformance") {
                service.collections.clear();
            }
            let store = Arc::new(runtime.block_on(common::store(&server, &common::prefix(), &services)));
            let relay = Relay::new(Arc::clone(&store), RelayOptions::default());
            let publisher = Arc::clone(&broker);
            runtime.spawn(async move { relay.run(publisher, pending()).await });
            store
        }
    };
    let dead_letters: Arc<dyn DeadLetters> = broker;
    let trials = events::trials(runtime.handle(), &test_handlers, &documents, &dead_letters);
    common::run(&runtime, trials)
}
