//! Events: what left a service through [`commit`](crate::documents::Documents::commit), and who is told of it.

use async_trait::async_trait;

pub use crate::bindings::mercato::platform::events::Event;

/// Why a handler did not take an event; `mercato:platform/handler.failure`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandlerFailure {
    /// Not now: deliver it again, later.
    Retry(String),
    /// Not ever: put it among the dead letters.
    Reject(String),
}

/// What became of an attempt to deliver an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The subscriber took it.
    Taken,
    /// It is to be delivered again.
    Retried,
    /// It is among the dead letters: refused for good, or tried too often.
    Rejected,
}

/// Those who subscribe to events, seen from an implementation that delivers them.
#[async_trait]
pub trait Handlers: Send + Sync {
    /// Hands one event to one subscriber, named as in the manifest.
    ///
    /// # Errors
    /// What the subscriber answered, or [`HandlerFailure::Retry`] where it could not be reached.
    async fn handle(&self, subscriber: &str, event: Event) -> Result<(), HandlerFailure>;

    /// Is told what became of an attempt, by who delivers and has kept it: what subscribers answer does not tell when an event has been
    /// tried too often. For those who count; others need not listen.
    fn attempted(&self, _subscriber: &str, _attempt: Attempt) {}
}

/// A broker, seen from the relay of a store's outbox; the port `mercato:platform/publisher`.
#[async_trait]
pub trait Publisher: Send + Sync {
    /// Hands over these events, in their order; durable once it has returned. After an error some of them may be
    /// published already: all of them are to be handed over again.
    ///
    /// # Errors
    /// A sentence for the operator.
    async fn publish(&self, events: Vec<Event>) -> Result<(), String>;
}

/// An event that a subscriber rejected, or that was tried too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Names the delivery when it is to be replayed.
    pub id: u64,
    /// Who did not take it.
    pub subscriber: String,
    /// The event itself.
    pub event: Event,
    /// How often it was tried.
    pub attempts: u32,
    /// The last answer.
    pub reason: String,
}

/// The place of events that could not be delivered, for a person to look at.
#[async_trait]
pub trait DeadLetters: Send + Sync {
    /// The oldest dead letters.
    ///
    /// # Errors
    /// A sentence for the operator.
    async fn list(&self, limit: u32) -> Result<Vec<DeadLetter>, String>;

    /// Delivers one again, with its count of attempts at zero; `false` where there is no such dead letter.
    ///
    /// # Errors
    /// A sentence for the operator.
    async fn replay(&self, id: u64) -> Result<bool, String>;
}
