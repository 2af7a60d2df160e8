//! Subscribers that record deliveries, and respond as a case requires.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use tokio::sync::{Semaphore, watch};

use crate::events::{Attempt, DeliveryFailure, Event, HandlerFailure, Handlers, MAX_BATCH};

/// The subscriber that most cases observe. It subscribes to every kind of event.
pub(super) const SUBSCRIBER: &str = "conformance-first";

/// Handlers for the cases. They handle every event, unless a case has set other responses.
#[derive(Default)]
pub struct TestHandlers {
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    deliveries: Vec<Delivery>,
    responses: HashMap<String, VecDeque<Response>>,
    /// The subscribers and subjects whose events are being handled.
    running: HashSet<(String, String)>,
    /// The first call with events that may not arrive together. A panic in the handler would only repeat them.
    violation: Option<String>,
}

/// A delivery of an event.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub subscriber: String,
    pub event: Event,
    /// In milliseconds since the Unix epoch.
    pub at: u64,
}

/// The response of [`SUBSCRIBER`] to an event.
pub(super) enum Response {
    Retry,
    Reject(&'static str),
    /// Leaves the event out of a batch, unless it is the first one. Then handles it.
    LeaveOut,
    /// Handles the event after a permit is available.
    Block(Arc<Semaphore>),
}

impl TestHandlers {
    /// Creates handlers without deliveries.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Sets the responses to the attempts to deliver an event. Later attempts succeed.
    pub(super) fn respond_to(&self, event: &Event, responses: impl IntoIterator<Item = Response>) {
        self.state
            .lock()
            .unwrap()
            .responses
            .insert(event.id.clone(), responses.into_iter().collect());
    }

    /// Waits for a number of deliveries of a kind of events to a subscriber.
    pub(super) async fn wait_for_deliveries(
        &self,
        subscriber: &str,
        kind: &str,
        count: usize,
    ) -> Vec<Delivery> {
        let mut changed = self.changed.subscribe();
        loop {
            let violation = self.state.lock().unwrap().violation.clone();
            assert_eq!(violation, None, "these events may not arrive together");
            let deliveries = self.state.lock().unwrap().deliveries.clone();
            let deliveries = deliveries
                .into_iter()
                .filter(|delivery| delivery.subscriber == subscriber && delivery.event.kind == kind);
            let deliveries = deliveries.collect::<Vec<_>>();
            if deliveries.len() >= count {
                return deliveries;
            }
            changed.changed().await.unwrap();
        }
    }

    fn enter(&self, subscriber: &str, event: &Event) -> Option<Response> {
        let mut state = self.state.lock().unwrap();
        let is_first = state
            .running
            .insert((subscriber.to_owned(), event.subject.clone()));
        assert!(
            is_first,
            "two events of the subject {} arrived at once",
            event.subject
        );
        state.deliveries.push(Delivery {
            subscriber: subscriber.to_owned(),
            event: event.clone(),
            at: now(),
        });
        self.changed.send_replace(());
        let responses = state
            .responses
            .get_mut(&event.id)
            .filter(|_| subscriber == SUBSCRIBER);
        responses.and_then(VecDeque::pop_front)
    }

    fn leave(&self, subscriber: &str, event: &Event) {
        self.state
            .lock()
            .unwrap()
            .running
            .remove(&(subscriber.to_owned(), event.subject.clone()));
    }
}

/// Handlers of tests, which handle one event after the other.
#[async_trait]
pub trait EventHandler: Send + Sync {
    /// Handles an event, as [`Handlers::handle`] does.
    ///
    /// # Errors
    /// As [`Handlers::handle`].
    async fn handle_event(&self, subscriber: &str, event: Event) -> Result<(), DeliveryFailure>;

    /// Observes the outcome of an attempt, as [`Handlers::attempted`] does.
    fn attempted(&self, _subscriber: &str, _attempt: Attempt) {}
}

#[async_trait]
impl<H: EventHandler> Handlers for H {
    async fn handle(&self, subscriber: &str, events: Vec<Event>) -> Vec<Result<(), DeliveryFailure>> {
        let mut results = Vec::new();
        for event in events {
            results.push(self.handle_event(subscriber, event).await);
        }
        results
    }

    fn attempted(&self, subscriber: &str, attempt: Attempt) {
        EventHandler::attempted(self, subscriber, attempt);
    }
}

#[async_trait]
impl Handlers for TestHandlers {
    async fn handle(&self, subscriber: &str, events: Vec<Event>) -> Vec<Result<(), DeliveryFailure>> {
        if !is_allowed(&events) {
            let mut state = self.state.lock().unwrap();
            state.violation.get_or_insert_with(|| format!("{events:?}"));
            self.changed.send_replace(());
        }
        let mut results = Vec::new();
        for event in events {
            if !results.is_empty() && self.leaves_out(subscriber, &event) {
                break;
            }
            results.push(self.handle_event(subscriber, event).await);
        }
        results
    }
}

/// Returns whether these events may arrive together.
fn is_allowed(events: &[Event]) -> bool {
    let subjects: HashSet<_> = events.iter().map(|event| &event.subject).collect();
    let kinds: HashSet<_> = events.iter().map(|event| &event.kind).collect();
    let is_batch = events.len() <= MAX_BATCH && is_batched(&events[0].kind);
    subjects.len() == events.len() && kinds.len() == 1 && (events.len() == 1 || is_batch)
}

impl TestHandlers {
    async fn handle_event(&self, subscriber: &str, event: Event) -> Result<(), DeliveryFailure> {
        let response = self.enter(subscriber, &event);
        if let Some(Response::Block(semaphore)) = &response {
            semaphore.acquire().await.unwrap().forget();
        } else {
            // Lets another event of the same subject arrive now, if that is possible.
            tokio::task::yield_now().await;
        }
        self.leave(subscriber, &event);
        match response {
            None | Some(Response::Block(_) | Response::LeaveOut) => Ok(()),
            Some(Response::Retry) => Err(HandlerFailure::Retry("not now".into()).into()),
            Some(Response::Reject(reason)) => Err(HandlerFailure::Reject(reason.into()).into()),
        }
    }

    /// Returns whether a batch ends before this event.
    fn leaves_out(&self, subscriber: &str, event: &Event) -> bool {
        let state = self.state.lock().unwrap();
        let responses = state
            .responses
            .get(&event.id)
            .filter(|_| subscriber == SUBSCRIBER);
        let first = responses.and_then(VecDeque::front);
        matches!(first, Some(Response::LeaveOut))
    }
}

/// Returns whether the subscribers take several events of a kind at a time.
pub(super) fn is_batched(kind: &str) -> bool {
    kind.starts_with("mercato.conformance.batches-")
}

/// Returns the time in milliseconds since the Unix epoch.
pub(super) fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}
