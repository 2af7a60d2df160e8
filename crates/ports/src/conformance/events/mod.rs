//! Cases of events: from a commit to a handler, or to the dead letters.
//!
//! The implementation delivers to a [`Stage`], with at most [`ATTEMPTS`] attempts and [`BACKOFF`] between them.

mod dead_letters;
mod delivery;
mod stage;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use libtest_mimic::Trial;
use serde_json::json;
use tokio::runtime::Handle;
use uuid::Uuid;

use super::Case;
use crate::documents::{CommitFailure, Documents, Insertion, Write};
use crate::events::{DeadLetter, DeadLetters, Event};
use crate::manifest::{Collection, ServiceManifest};

pub use stage::Stage;
use stage::{Answer, Seen};

/// After how many attempts an event goes to the dead letters, in these cases.
pub const ATTEMPTS: u32 = 3;

/// How long to wait after the first attempt, in these cases.
pub const BACKOFF: Duration = Duration::from_millis(20);

/// Subscribes to every kind of event.
const SUBSCRIBER: &str = "conformance-first";

/// Subscribes to every kind of event too.
const OTHER: &str = "conformance-second";

const COLLECTION: &str = "conformance-first.things";

fn cases() -> impl Iterator<Item = &'static Case<Post>> {
    [delivery::CASES, dead_letters::CASES].into_iter().flatten()
}

/// All cases, on one store that is open with [`manifest`](super::manifest) and delivers to the stage.
#[must_use]
pub fn trials(
    runtime: &Handle,
    stage: &Arc<Stage>,
    documents: &Arc<dyn Documents>,
    dead_letters: &Arc<dyn DeadLetters>,
) -> Vec<Trial> {
    cases()
        .map(|case| {
            let post = Post {
                stage: Arc::clone(stage),
                documents: Arc::clone(documents),
                dead_letters: Arc::clone(dead_letters),
                kind: kind(case),
            };
            case.trial("events", runtime, post)
        })
        .collect()
}

pub(super) fn services() -> BTreeMap<String, ServiceManifest> {
    let handles = cases().map(kind).collect::<Vec<_>>();
    let other = ServiceManifest {
        handles: handles.clone(),
        ..ServiceManifest::default()
    };
    let collections = [(COLLECTION.into(), Collection::default())].into();
    let subscriber = ServiceManifest {
        handles,
        collections,
        ..ServiceManifest::default()
    };
    [(SUBSCRIBER.into(), subscriber), (OTHER.into(), other)].into()
}

/// A kind of event for each case.
fn kind(case: &Case<Post>) -> String {
    format!("mercato.conformance.{}", case.name.replace('_', "-"))
}

fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// The events of one case.
struct Post {
    stage: Arc<Stage>,
    documents: Arc<dyn Documents>,
    dead_letters: Arc<dyn DeadLetters>,
    kind: String,
}

impl Post {
    /// An event of this case. Its id is also in its data.
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

    /// An insertion of a document.
    fn inserting(&self, id: &str) -> Write {
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

    /// What came to the subscriber of this case, once there are so many.
    async fn seen(&self, count: usize) -> Vec<Seen> {
        self.stage.seen(SUBSCRIBER, &self.kind, count).await
    }

    /// The ids of what came to the subscriber, once there are so many.
    async fn ids(&self, count: usize) -> Vec<String> {
        self.seen(count)
            .await
            .into_iter()
            .map(|seen| seen.event.id)
            .collect()
    }

    /// The dead letters of this case's subscriber, once there are so many.
    async fn dead(&self, count: usize) -> Vec<DeadLetter> {
        loop {
            let letters = self.dead_letters.list(1_000).await.unwrap();
            let mine = letters
                .into_iter()
                .filter(|letter| letter.event.kind == self.kind && letter.subscriber == SUBSCRIBER);
            let mine = mine.collect::<Vec<_>>();
            if mine.len() >= count {
                return mine;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn ids(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| event.id.clone()).collect()
}
