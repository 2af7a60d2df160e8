//! The delivery of events to a subscriber, with retries.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::select_all;
use mercato_ports::events::{Attempt, DeliveryFailure, Event, HandlerFailure, Handlers};
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use super::partition::Position;
use crate::client::Kafka;
use crate::options::DeliveryOptions;

/// Delivers the events of one subscriber.
pub(super) struct Deliverer {
    pub kafka: Arc<Kafka>,
    pub handlers: Arc<dyn Handlers>,
    pub subscriber: String,
    pub options: DeliveryOptions,
    /// Limits the concurrent calls.
    pub permits: Semaphore,
}

/// An event from a partition.
pub(super) struct Delivery {
    pub position: Position,
    pub event: Event,
    /// Set to true when no further attempt may begin.
    pub stopped: watch::Receiver<bool>,
}

/// The state of a delivery after a call.
pub(super) enum Progress {
    /// The event was handled or became a dead letter.
    Finished(Position, String),
    /// The delivery was stopped. The event must be delivered again.
    Stopped(Position, String),
    /// The event was not begun. It is delivered alone.
    NotBegun(Delivery),
    /// The first attempt failed.
    Failed(Delivery, DeliveryFailure),
}

impl Delivery {
    fn finished(self) -> Progress {
        Progress::Finished(self.position, self.event.subject)
    }

    fn stopped(self) -> Progress {
        Progress::Stopped(self.position, self.event.subject)
    }
}

impl Deliverer {
    /// Passes events of one kind to the subscriber in one call. It is their first attempt.
    pub async fn deliver(self: Arc<Self>, mut deliveries: Vec<Delivery>) -> Vec<Progress> {
        let permit = tokio::select! {
            biased;
            () = any_stopped(&mut deliveries) => None,
            permit = self.permits.acquire() => permit.ok(),
        };
        let is_stopped = |delivery: &Delivery| *delivery.stopped.borrow();
        let (stopped, active): (Vec<_>, Vec<_>) = deliveries.into_iter().partition(is_stopped);
        let mut progress: Vec<_> = stopped.into_iter().map(Delivery::stopped).collect();
        if permit.is_none() || active.is_empty() {
            progress.extend(active.into_iter().map(Progress::NotBegun));
            return progress;
        }
        let events = active.iter().map(|delivery| delivery.event.clone()).collect();
        let mut results = self.handle(events).await.into_iter();
        drop(permit);
        progress.extend(active.into_iter().map(|delivery| match results.next() {
            None => Progress::NotBegun(delivery),
            Some(Err(failure)) => Progress::Failed(delivery, failure),
            Some(Ok(())) => {
                self.report(Attempt::Handled);
                delivery.finished()
            }
        }));
        progress
    }

    /// Repeats a delivery whose first attempt failed. Returns when the event is handled or becomes a dead letter.
    /// Also returns when the delivery is stopped between two attempts. An unreachable subscriber is no attempt,
    /// within the limit of time.
    pub async fn retry(self: Arc<Self>, mut delivery: Delivery, failure: DeliveryFailure) -> Progress {
        let (event, stopped) = (&delivery.event, &mut delivery.stopped);
        let (mut attempts, mut unreached) = (0, 0);
        let begun = Instant::now();
        let mut result = Err(failure);
        let finished = loop {
            let failure = match result {
                Err(DeliveryFailure::Unreachable(reason))
                    if begun.elapsed() < self.options.unreachable_limit =>
                {
                    unreached += 1;
                    self.report_unreachable(event, unreached, &reason);
                    let backoff = self.backoff(unreached).min(self.options.unreachable_backoff);
                    if !wait(backoff, stopped).await {
                        break false;
                    }
                    None
                }
                Err(DeliveryFailure::Unreachable(reason)) => Some(HandlerFailure::Retry(reason)),
                Err(DeliveryFailure::Handler(failure)) => Some(failure),
                Ok(()) => {
                    self.report(Attempt::Handled);
                    break true;
                }
            };
            match failure {
                None => {}
                Some(HandlerFailure::Retry(reason)) if attempts + 1 < self.options.attempts => {
                    attempts += 1;
                    let subscriber = &self.subscriber;
                    tracing::warn!(
                        event = event.id,
                        subscriber,
                        attempts,
                        reason,
                        "an event was not accepted; it is delivered again"
                    );
                    self.report(Attempt::Retried);
                    if !wait(self.backoff(attempts), stopped).await {
                        break false;
                    }
                }
                Some(HandlerFailure::Retry(reason) | HandlerFailure::Reject(reason)) => {
                    let stored = self
                        .store_dead_letter(event, attempts + 1, &reason, stopped)
                        .await;
                    self.report(if stored {
                        Attempt::Rejected
                    } else {
                        Attempt::Retried
                    });
                    break stored;
                }
            }
            let Some(next) = self.attempt(event, stopped).await else {
                break false;
            };
            result = next;
        };
        if finished {
            delivery.finished()
        } else {
            delivery.stopped()
        }
    }

    fn report(&self, attempt: Attempt) {
        self.handlers.attempted(&self.subscriber, attempt);
    }

    fn report_unreachable(&self, event: &Event, unreached: u32, reason: &str) {
        tracing::warn!(
            event = event.id,
            subscriber = self.subscriber,
            unreached,
            reason,
            "a subscriber was not reached; its event waits"
        );
        self.report(Attempt::Unreachable);
    }

    /// Passes the event to its subscriber once. Returns `None` if the delivery is stopped before.
    async fn attempt(
        &self,
        event: &Event,
        stopped: &mut watch::Receiver<bool>,
    ) -> Option<Result<(), DeliveryFailure>> {
        let permit = tokio::select! {
            biased;
            () = stop(stopped) => return None,
            permit = self.permits.acquire() => permit.ok()?,
        };
        let results = self.handle(vec![event.clone()]).await;
        drop(permit);
        results.into_iter().next()
    }

    /// Calls the handler, and returns a result for each event that it has begun.
    async fn handle(&self, events: Vec<Event>) -> Vec<Result<(), DeliveryFailure>> {
        let count = events.len();
        let fail = |reason: &str| vec![Err(HandlerFailure::Retry(reason.into()).into()); count];
        let handling = AssertUnwindSafe(self.handlers.handle(&self.subscriber, events));
        match handling.catch_unwind().await {
            Err(_) => fail("the handler panicked"),
            Ok(results) if results.is_empty() => fail("the handler returned no result"),
            Ok(results) => results,
        }
    }

    /// Stores the event as a dead letter, and retries without limit. Returns false if the delivery is stopped
    /// before.
    async fn store_dead_letter(
        &self,
        event: &Event,
        attempts: u32,
        reason: &str,
        stopped: &mut watch::Receiver<bool>,
    ) -> bool {
        let subscriber = &self.subscriber;
        tracing::error!(
            event = event.id,
            subscriber,
            attempts,
            reason,
            "an event became a dead letter"
        );
        let mut failures = 0;
        while let Err(failure) = self
            .kafka
            .store_dead_letter(subscriber, event, attempts, reason)
            .await
        {
            failures += 1;
            tracing::error!(
                event = event.id,
                failure,
                "a dead letter could not be stored; it is stored again"
            );
            if !wait(self.backoff(failures), stopped).await {
                return false;
            }
        }
        true
    }

    /// Returns the wait after this number of failures.
    fn backoff(&self, failures: u32) -> Duration {
        let factor = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        let backoff = self.options.backoff.saturating_mul(factor);
        backoff.min(self.options.max_backoff)
    }
}

/// Waits for this long. Returns false if the delivery is stopped before.
async fn wait(duration: Duration, stopped: &mut watch::Receiver<bool>) -> bool {
    tokio::select! {
        biased;
        () = stop(stopped) => false,
        () = tokio::time::sleep(duration) => true,
    }
}

/// Waits until one of the deliveries is stopped.
async fn any_stopped(deliveries: &mut [Delivery]) {
    let stops = deliveries
        .iter_mut()
        .map(|delivery| Box::pin(stop(&mut delivery.stopped)));
    select_all(stops).await;
}

/// Waits until the value is true or the sender is dropped.
pub(super) async fn stop(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
