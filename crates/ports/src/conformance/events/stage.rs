//! A subscriber that does as it is told and remembers what came.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tokio::sync::{Semaphore, watch};

use super::{SUBSCRIBER, now};
use crate::events::{Event, HandlerFailure, Handlers};

/// Handlers for the cases: they take every event, unless a case has told them otherwise.
#[derive(Default)]
pub struct Stage {
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    seen: Vec<Seen>,
    answers: HashMap<String, VecDeque<Answer>>,
    /// The subscribers and subjects that are being handled.
    running: HashSet<(String, String)>,
}

/// An event that came.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub subscriber: String,
    pub event: Event,
    /// Milliseconds since the Unix epoch.
    pub at: u64,
}

/// What [`SUBSCRIBER`] answers to an event.
pub(super) enum Answer {
    Retry,
    Reject(&'static str),
    /// Takes it once there is a permit.
    Hold(Arc<Semaphore>),
}

impl Stage {
    /// A stage on which nothing has happened.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Tells what to answer to an event, attempt by attempt; what comes after these is taken.
    pub(super) fn answer(&self, event: &Event, answers: impl IntoIterator<Item = Answer>) {
        self.state
            .lock()
            .unwrap()
            .answers
            .insert(event.id.clone(), answers.into_iter().collect());
    }

    /// The events of a kind that came to a subscriber, once there are so many.
    pub(super) async fn seen(&self, subscriber: &str, kind: &str, count: usize) -> Vec<Seen> {
        let mut changed = self.changed.subscribe();
        loop {
            let seen = self.state.lock().unwrap().seen.clone();
            let seen = seen
                .into_iter()
                .filter(|seen| seen.subscriber == subscriber && seen.event.kind == kind);
            let seen = seen.collect::<Vec<_>>();
            if seen.len() >= count {
                return seen;
            }
            changed.changed().await.unwrap();
        }
    }

    fn enter(&self, subscriber: &str, event: &Event) -> Option<Answer> {
        let mut state = self.state.lock().unwrap();
        let new = state
            .running
            .insert((subscriber.to_owned(), event.subject.clone()));
        assert!(new, "two events of the subject {} at once", event.subject);
        state.seen.push(Seen {
            subscriber: subscriber.to_owned(),
            event: event.clone(),
            at: now(),
        });
        self.changed.send_replace(());
        let answers = state
            .answers
            .get_mut(&event.id)
            .filter(|_| subscriber == SUBSCRIBER);
        answers.and_then(VecDeque::pop_front)
    }

    fn leave(&self, subscriber: &str, event: &Event) {
        self.state
            .lock()
            .unwrap()
            .running
            .remove(&(subscriber.to_owned(), event.subject.clone()));
    }
}

#[async_trait]
impl Handlers for Stage {
    async fn handle(&self, subscriber: &str, event: Event) -> Result<(), HandlerFailure> {
        let answer = self.enter(subscriber, &event);
        if let Some(Answer::Hold(semaphore)) = &answer {
            semaphore.acquire().await.unwrap().forget();
        } else {
            // Where two events of a subject could run at once, they now do.
            tokio::task::yield_now().await;
        }
        self.leave(subscriber, &event);
        match answer {
            None | Some(Answer::Hold(_)) => Ok(()),
            Some(Answer::Retry) => Err(HandlerFailure::Retry("not now".into())),
            Some(Answer::Reject(reason)) => Err(HandlerFailure::Reject(reason.into())),
        }
    }
}
