//! The delivery of one event to a subscriber, with retries.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
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
    /// Limits the concurrent deliveries.
    pub permits: Semaphore,
}

/// An event from a partition.
pub(super) struct Delivery {
    pub position: Position,
    pub event: Event,
    /// Set to true when no further attempt may begin.
    pub stopped: watch::Receiver<bool>,
}

/// The end of a delivery.
pub(super) struct DeliveryEnd {
    pub position: Position,
    pub subject: String,
    /// Whether the event was handled or became a dead letter. Otherwise it must be delivered again.
    pub finished: bool,
}

impl Deliverer {
    /// Attempts a delivery until the event is handled or becomes a dead letter, or until the delivery is
    /// stopped between two attempts. An unreachable subscriber is no attempt, within the limit of time.
    pub async fn deliver(self: Arc<Self>, delivery: Delivery) -> DeliveryEnd {
        let Delivery {
            position,
            event,
            mut stopped,
        } = delivery;
        let subject = event.subject.clone();
        let (mut attempts, mut unreached) = (0, 0);
        let begun = Instant::now();
        let finished = loop {
            let Some(answer) = self.attempt(&event, &mut stopped).await else {
                break false;
            };
            let answer = match answer {
                Err(DeliveryFailure::Unreachable(reason))
                    if begun.elapsed() < self.options.unreachable_limit =>
                {
                    unreached += 1;
                    self.report_unreachable(&event, unreached, &reason);
                    let backoff = self.backoff(unreached).min(self.options.unreachable_backoff);
                    if !wait(backoff, &mut stopped).await {
                        break false;
                    }
                    continue;
                }
                Err(DeliveryFailure::Unreachable(reason)) => Err(HandlerFailure::Retry(reason)),
                Err(DeliveryFailure::Handler(failure)) => Err(failure),
                Ok(()) => Ok(()),
            };
            attempts += 1;
            match answer {
                Ok(()) => {
                    self.report(Attempt::Handled);
                    break true;
                }
                Err(HandlerFailure::Retry(reason)) if attempts < self.options.attempts => {
                    let subscriber = &self.subscriber;
                    tracing::warn!(
                        event = event.id,
                        subscriber,
                        attempts,
                        reason,
                        "an event was not accepted; it is delivered again"
                    );
                    self.report(Attempt::Retried);
                    if !wait(self.backoff(attempts), &mut stopped).await {
                        break false;
                    }
                }
                Err(HandlerFailure::Retry(reason) | HandlerFailure::Reject(reason)) => {
                    let stored = self
                        .store_dead_letter(&event, attempts, &reason, &mut stopped)
                        .await;
                    self.report(if stored {
                        Attempt::Rejected
                    } else {
                        Attempt::Retried
                    });
                    break stored;
                }
            }
        };
        DeliveryEnd {
            position,
            subject,
            finished,
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
        // A panic counts as a failed attempt.
        let handling = AssertUnwindSafe(self.handlers.handle(&self.subscriber, event.clone()));
        let handled = handling.catch_unwind().await;
        drop(permit);
        Some(handled.unwrap_or_else(|_| Err(HandlerFailure::Retry("the handler panicked".into()).into())))
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

/// Waits until the value is true or the sender is dropped.
pub(super) async fn stop(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
