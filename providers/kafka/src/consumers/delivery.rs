//! One event on its way to its subscriber, attempt after attempt.

use std::sync::Arc;
use std::time::Duration;

use mercato_ports::events::{Attempt, Event, HandlerFailure, Handlers};
use tokio::sync::{Semaphore, watch};

use super::partition::Place;
use crate::client::Kafka;
use crate::options::DeliveryOptions;

/// What deliveries of one subscriber have in common.
pub(super) struct Post {
    pub kafka: Arc<Kafka>,
    pub handlers: Arc<dyn Handlers>,
    pub subscriber: String,
    pub options: DeliveryOptions,
    /// A permit for each delivery that may run.
    pub places: Semaphore,
}

/// An event that was taken from a partition.
pub(super) struct Delivery {
    pub place: Place,
    pub event: Event,
    /// True once no further attempt is to begin.
    pub stopped: watch::Receiver<bool>,
}

/// How a delivery ended.
pub(super) struct Report {
    pub place: Place,
    pub subject: String,
    /// Whether it need not come again.
    pub finished: bool,
}

impl Post {
    /// Delivers until the event is taken or among the dead letters, or until it is stopped between two attempts.
    pub async fn deliver(self: Arc<Self>, delivery: Delivery) -> Report {
        let Delivery {
            place,
            event,
            mut stopped,
        } = delivery;
        let subject = event.subject.clone();
        let mut attempts = 0;
        let finished = loop {
            let Some(answer) = self.attempt(&event, &mut stopped).await else {
                break false;
            };
            attempts += 1;
            match answer {
                Ok(()) => {
                    self.tell(Attempt::Taken);
                    break true;
                }
                Err(HandlerFailure::Retry(reason)) if attempts < self.options.attempts => {
                    let subscriber = &self.subscriber;
                    tracing::warn!(event = event.id, subscriber, attempts, reason, "to be retried");
                    self.tell(Attempt::Retried);
                    if !pause(self.backoff(attempts), &mut stopped).await {
                        break false;
                    }
                }
                Err(HandlerFailure::Retry(reason) | HandlerFailure::Reject(reason)) => {
                    let buried = self.bury(&event, attempts, &reason, &mut stopped).await;
                    self.tell(if buried {
                        Attempt::Rejected
                    } else {
                        Attempt::Retried
                    });
                    break buried;
                }
            }
        };
        Report {
            place,
            subject,
            finished,
        }
    }

    /// Tells those who count what became of an attempt.
    fn tell(&self, attempt: Attempt) {
        self.handlers.attempted(&self.subscriber, attempt);
    }

    /// Hands the event to its subscriber once; none where it was stopped before.
    async fn attempt(
        &self,
        event: &Event,
        stopped: &mut watch::Receiver<bool>,
    ) -> Option<Result<(), HandlerFailure>> {
        let permit = tokio::select! {
            biased;
            () = stop(stopped) => return None,
            permit = self.places.acquire() => permit.ok()?,
        };
        let (handlers, subscriber, event) =
            (Arc::clone(&self.handlers), self.subscriber.clone(), event.clone());
        // A task of its own, so that a handler that panics fails like any other.
        let handled = tokio::spawn(async move { handlers.handle(&subscriber, event).await }).await;
        drop(permit);
        Some(handled.unwrap_or_else(|_| Err(HandlerFailure::Retry("the handler panicked".into()))))
    }

    /// Puts the event among the dead letters, however long it takes; false where it was stopped before.
    async fn bury(
        &self,
        event: &Event,
        attempts: u32,
        reason: &str,
        stopped: &mut watch::Receiver<bool>,
    ) -> bool {
        let subscriber = &self.subscriber;
        tracing::error!(event = event.id, subscriber, attempts, reason, "a dead letter");
        let mut failures = 0;
        while let Err(failure) = self.kafka.bury(subscriber, event, attempts, reason).await {
            failures += 1;
            tracing::error!(
                event = event.id,
                failure,
                "a dead letter could not be kept; trying again"
            );
            if !pause(self.backoff(failures), stopped).await {
                return false;
            }
        }
        true
    }

    /// The wait after so many failures.
    fn backoff(&self, failures: u32) -> Duration {
        let factor = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        let backoff = self.options.backoff.saturating_mul(factor);
        backoff.min(self.options.longest_backoff)
    }
}

/// Waits; false where it was stopped before.
async fn pause(wait: Duration, stopped: &mut watch::Receiver<bool>) -> bool {
    tokio::select! {
        biased;
        () = stop(stopped) => false,
        () = tokio::time::sleep(wait) => true,
    }
}

/// Returns once it is stopped; a sender that is gone stops too.
pub(super) async fn stop(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
