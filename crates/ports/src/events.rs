//! Events: what services publish through [`commit`](crate::documents::Documents::commit), and how subscribers
//! receive it.

use async_trait::async_trait;

pub use crate::bindings::mercato::platform::events::{Event, HandlerFailure};

/// The maximum number of events of one call.
pub const MAX_BATCH: usize = 32;

/// The outcome of an attempt to deliver an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The subscriber handled the event.
    Handled,
    /// The event will be delivered again.
    Retried,
    /// The event is now a dead letter: the subscriber rejected it, or all attempts failed.
    Rejected,
    /// The subscriber could not be reached. The event will be delivered again, and this is not an attempt.
    Unreachable,
}

/// Why a subscriber did not handle an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryFailure {
    /// The subscriber returned a failure, or its handler was cut.
    Handler(HandlerFailure),
    /// The subscriber could not be reached or was too busy to begin, for this reason.
    Unreachable(String),
}

impl From<HandlerFailure> for DeliveryFailure {
    fn from(failure: HandlerFailure) -> Self {
        Self::Handler(failure)
    }
}

/// The subscribers, as an implementation that delivers events sees them.
#[async_trait]
pub trait Handlers: Send + Sync {
    /// Delivers events of different subjects to a subscriber in one call. The manifest declares the subscriber's
    /// name, and the kinds that arrive in batches of at most [`MAX_BATCH`] events.
    ///
    /// Returns one result for each begun event, in their order. Deliver the others alone. If the call fails, it is
    /// an attempt for all its events.
    ///
    /// # Errors
    /// Of an event: the failure that the subscriber returned, or [`DeliveryFailure::Unreachable`] if it was not
    /// reached.
    async fn handle(&self, subscriber: &str, events: Vec<Event>) -> Vec<Result<(), DeliveryFailure>>;

    /// Observes the outcome of an attempt, after the store has saved it. A metric can't be counted in
    /// [`handle`](Self::handle), because the subscriber does not know which attempt was the last one. The
    /// default does nothing.
    fn attempted(&self, _subscriber: &str, _attempt: Attempt) {}
}

/// A message broker, as the relay of an outbox uses it: the port `mercato:platform/publisher`.
#[async_trait]
pub trait Publisher: Send + Sync {
    /// Publishes these events in their order. After a success all of them are durable. After an error some of
    /// them may have been published: publish all of them again.
    ///
    /// # Errors
    /// The reason, as a sentence for the operator.
    async fn publish(&self, events: Vec<Event>) -> Result<(), String>;
}

/// An event that a subscriber rejected, or whose attempts all failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Identifies the failed delivery.
    pub id: u64,
    /// The subscriber that did not handle the event.
    pub subscriber: String,
    /// The event itself.
    pub event: Event,
    /// The number of attempts to deliver it.
    pub attempts: u32,
    /// The reason of the last failure.
    pub reason: String,
}

/// The events that could not be delivered, for an operator to review.
#[async_trait]
pub trait DeadLetters: Send + Sync {
    /// Returns the oldest dead letters, at most `limit`.
    ///
    /// # Errors
    /// The reason, as a sentence for the operator.
    async fn list(&self, limit: u32) -> Result<Vec<DeadLetter>, String>;

    /// Delivers a dead letter again, with its count of attempts at zero. Returns `false` if it does not
    /// exist.
    ///
    /// # Errors
    /// The reason, as a sentence for the operator.
    async fn replay(&self, id: u64) -> Result<bool, String>;
}
