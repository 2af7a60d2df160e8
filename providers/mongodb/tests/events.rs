//! Events pass the conformance suite of the ports on their way through the outbox and the relay. What lies behind the
//! publisher is not this crate's: here it is a broker in memory.
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
use mercato_ports::events::{DeadLetter, DeadLetters, Event, HandlerFailure, Handlers, Publisher};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::sleep;

/// Delivers to each subscriber, one event of a subject at a time.
struct Post {
    subscriptions: BTreeMap<String, Vec<String>>,
    handlers: Arc<dyn Handlers>,
    queues: Mutex<HashMap<(String, String), UnboundedSender<Event>>>,
    dead: Arc<Mutex<Vec<DeadLetter>>>,
}

impl Post {
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
        match handlers.handle(subscriber, event.clone()).await {
            Ok(()) => return,
            Err(HandlerFailure::Retry(_)) if attempts < events::ATTEMPTS => {
                sleep(events::BACKOFF).await;
                attempts += 1;
            }
            Err(HandlerFailure::Retry(reason) | HandlerFailure::Reject(reason)) => break reason,
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
impl Publisher for Post {
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
impl DeadLetters for Post {
    async fn list(&self, limit: u32) -> Result<Vec<DeadLetter>, String> {
        let dead = self.dead.lock().unwrap();
        Ok(dead.iter().take(limit as usize).cloned().collect())
    }

    async fn replay(&self, id: u64) -> Result<bool, String> {
        let letter = {
            let mut dead = self.dead.lock().unwrap();
            let place = dead.iter().position(|letter| letter.id == id);
            place.map(|place| dead.remove(place))
        };
        Ok(letter
            .map(|letter| self.enqueue(&letter.subscriber, letter.event))
            .is_some())
    }
}

fn main() -> ExitCode {
    let runtime = conformance::runtime();
    let manifest = conformance::manifest();
    let stage = events::Stage::new();
    let post = Arc::new(Post {
        subscriptions: manifest.subscriptions(),
        handlers: stage.clone(),
        queues: Mutex::default(),
        dead: Arc::default(),
    });
    let documents: Arc<dyn Documents> = match common::server() {
        None => Arc::new(common::Nowhere),
        Some(server) => {
            let mut services = manifest;
            // The events' own service has no documents here.
            if let Some(service) = services.services.get_mut("conformance") {
                service.collections.clear();
            }
            let store = Arc::new(runtime.block_on(common::store(&server, &common::prefix(), &services)));
            let relay = Relay::new(Arc::clone(&store), RelayOptions::default());
            let publisher = Arc::clone(&post);
            runtime.spawn(async move { relay.run(publisher, pending()).await });
            store
        }
    };
    let dead_letters: Arc<dyn DeadLetters> = post;
    let trials = events::trials(runtime.handle(), &stage, &documents, &dead_letters);
    common::run(&runtime, trials)
}
