//! The subscribers: the services of the shop. Each exports its event handler as `<service>-events`.

use std::sync::Arc;

use async_trait::async_trait;
use mercato_ports::events::{Attempt, DeliveryFailure, Event, HandlerFailure, Handlers};
use tracing::{Instrument, debug, error, error_span};

use crate::metrics::Metrics;
use crate::runtime::{CallError, Pool};

/// The subscribers of a shop.
pub struct Subscribers {
    pool: Arc<Pool>,
    metrics: Arc<Metrics>,
}

impl Subscribers {
    /// Creates the subscribers of the shop in this pool.
    pub fn new(pool: Arc<Pool>, metrics: Arc<Metrics>) -> Self {
        Self { pool, metrics }
    }

    async fn deliver(&self, subscriber: &str, event: Event) -> Result<(), DeliveryFailure> {
        let answer = self
            .pool
            .handle(subscriber, event)
            .await
            .inspect_err(|error| {
                error!("{error}");
                self.metrics.failed();
            })
            .map_err(|error| match error {
                CallError::Acquire(_) => {
                    DeliveryFailure::Unreachable("the shop has no instance; the log has the reason".into())
                }
                CallError::Instance(_) => {
                    HandlerFailure::Retry("the handler was cancelled; the log has the reason".into()).into()
                }
            })?;
        debug!(handled = answer.is_ok());
        Ok(answer?)
    }
}

#[async_trait]
impl Handlers for Subscribers {
    async fn handle(&self, subscriber: &str, event: Event) -> Result<(), DeliveryFailure> {
        let span = error_span!("event", id = event.id, kind = event.kind, subscriber);
        self.deliver(subscriber, event).instrument(span).await
    }

    fn attempted(&self, subscriber: &str, attempt: Attempt) {
        self.metrics.attempted(subscriber, attempt);
    }
}
