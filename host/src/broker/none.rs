//! A build without an event broker.

use std::sync::Arc;

use async_trait::async_trait;
use mercato_ports::events::{DeadLetter, DeadLetters, Event, Handlers, Publisher};
use mercato_ports::manifest::ShopManifest;

use crate::command_error::{Code, CommandError};

/// A broker that does not exist.
pub enum Broker {}

/// Rejects any address.
///
/// # Errors
/// Always.
pub fn connect(_: &str) -> Result<Arc<Broker>, CommandError> {
    let message = "this build of mercato has no Kafka client: build it with the cargo feature `kafka`, \
                   which needs a C++ compiler and make";
    Err(CommandError::new(Code::Config, message))
}

/// Cannot be called, because no broker exists.
pub async fn deliver(
    broker: Arc<Broker>,
    _: &ShopManifest,
    _: Arc<dyn Handlers>,
    _: impl Future<Output = ()>,
) {
    match *broker {}
}

#[async_trait]
impl Publisher for Broker {
    async fn publish(&self, _: Vec<Event>) -> Result<(), String> {
        match *self {}
    }
}

#[async_trait]
impl DeadLetters for Broker {
    async fn list(&self, _: u32) -> Result<Vec<DeadLetter>, String> {
        match *self {}
    }

    async fn replay(&self, _: u64) -> Result<bool, String> {
        match *self {}
    }
}
