//! Cases of events, from a commit to a handler or to the dead letters.
//!
//! The implementation delivers to [`TestHandlers`], with at most [`ATTEMPTS`] attempts and [`BACKOFF`]
//! between them.

mod batches;
mod dead_letters;
mod delivery;
mod test_handlers;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::json;
use tokio::runtime::Handle;
use uuid::Uuid;

use super::case::Case;
use crate::documents::{CommitFailure, Documents, Insertion, Write};
use crate::events::{DeadLetter, DeadLetters, Event};
use crate::manifest::{Collection, ServiceManifest};

use test_handlers::{Delivery, Response, SUBSCRIBER, is_batched, now};
pub use test_handlers::{EventHandler, TestHandlers};

/// The number of attempts after which an event becomes a dead letter.
pub const ATTEMPTS: u32 = 3;

/// The wait after the first attempt.
pub const BACKOFF: Duration = Duration::from_millis(20);

/// Another subscriber of every kind of event.
const OTHER: &str = "conformance-second";

const COLLECTION: &str = "conformance-first.things";

fn cases() -> impl Iterator<Item = &'static Case<Fixture>> {
    [delivery::CASES, batches::CASES, dead_letters::CASES]
        .into_iter()
        .flatten()
}

/// Returns all cases for a store that was opened with [`manifest`](super::manifest) and delivers to the
/// handlers.
#[must_use]
pub fn trials(
    runtime: &Handle,
    handlers: &Arc<TestHandlers>,
    documents: &Arc<dyn Documents>,
    dead_letters: &Arc<dyn DeadLetters>,
) -> Vec<Trial> {
    cases()
        .map(|case| {
            let fixture = Fixture {
                handlers: Arc::clone(handlers),
                documents: Arc::clone(documents),
                dead_letters: Arc::clone(dead_letters),
                kind: kind(case),
            };
            case.trial("events", runtime, fixture)
        })
        .collect()
}

pub(super) fn services() -> BTreeMap<String, ServiceManifest> {
    let handles = cases().map(kind).collect::<Vec<_>>();
    let batches: Vec<_> = handles.iter().filter(|kind| is_batched(kind)).cloned().collect();
    let other = ServiceManifest {
        handles: handles.clone(),
        batches: batches.clone(),
        ..ServiceManifest::default()
    };
    let collections = [(COLLECTION.into(), Collection::default())].into();
    let subscriber = ServiceManifest {
        handles,
        batches,
        collections,
        ..ServiceManifest::default()
    };
    [(SUBSCRIBER.into(), subscriber), (OTHER.into(), other)].into()
}

/// Returns the kind of events of a case.
fn kind(case: &Case<Fixture>) -> String {
    format!("mercato.conformance.{}", case.name.replace('_', "-"))
}

/// The ports, and the kind of events of one case.
struct Fixture {
    handlers: Arc<TestHandlers>,
    documents: Arc<dyn Documents>,
    dead_letters: Arc<dyn DeadLetters>,
    kind: String,
}

impl Fixture {
    /// Creates an event of this case. Its data has the id, too.
    fn event(&self, subject: &str) -> Event {
        let id = Uuid::now_v7().to_string();
        let data = json!({"id": id}).to_string();
        Event {
            id,
            kind: self.kind.clone(),
            subject: format!("{}/{subject}", self.kind),
            time: now(),
            due: None,
            data,
        }
    }

    /// Returns the insertion of a document.
    fn insertion(&self, id: &str) -> Write {
        let id = format!("{}/{id}", self.kind);
        Write::Insert(Insertion {
            collection: COLLECTION.into(),
            id,
            body: "{}".into(),
        })
    }

    async fn publish(&self, events: impl IntoIterator<Item = &Event>) {
        self.commit([], events).await.unwrap();
    }

    async fn commit<'a>(
        &self,
        writes: impl IntoIterator<Item = Write>,
        events: impl IntoIterator<Item = &'a Event>,
    ) -> Result<(), CommitFailure> {
        self.documents
            .commit(
                writes.into_iter().collect(),
                events.into_iter().cloned().collect(),
            )
            .await
    }

    /// Waits for a number of deliveries to the subscriber.
    async fn wait_for_deliveries(&self, count: usize) -> Vec<Delivery> {
        self.handlers
            .wait_for_deliveries(SUBSCRIBER, &self.kind, count)
            .await
    }

    /// Waits for a number of deliveries to the subscriber, and returns their events' ids.
    async fn wait_for_ids(&self, count: usize) -> Vec<String> {
        self.wait_for_deliveries(count)
            .await
            .into_iter()
            .map(|delivery| delivery.event.id)
            .collect()
    }

    /// Waits for a number of dead letters of this case and the subscriber.
    async fn wait_for_dead_letters(&self, count: usize) -> Vec<DeadLetter> {
        loop {
            let letters = self.dead_letters.list(1_000).await.unwrap();
            let own = letters
                .into_iter()
                .filter(|letter| letter.event.kind == self.kind && letter.subscriber == SUBSCRIBER);
            let own = own.collect::<Vec<_>>();
            if own.len() >= count {
                return own;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn ids(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| event.id.clone()).collect()
}
