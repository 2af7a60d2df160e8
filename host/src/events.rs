//! The subscribers: the services of the shop. Each exports its event handler as `<service>-events`.

use std::sync::Arc;

use async_trait::async_trait;
use mercato_ports::events::{Attempt, Event, HandlerFailure, Handlers};
use tracing::{Instrument, debug, error, error_span, warn};

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

    async fn deliver(&self, subscriber: &str, event: Event) -> Result<(), HandlerFailure> {
        let answer = self
            .pool
            .handle(subscriber, event)
            .await
            .map_err(|error| match error {
                CallError::Acquire(_) => {
                    warn!("{error}");
                    HandlerFailure::Retry("the shop is busy".into())
                }
                CallError::Instance(_) => {
                    error!("{error}");
                    self.metrics.failed();
                    HandlerFailure::Retry("the handler was cancelled; the log has the reason".into())
                }
            })?;
        debug!(handled = answer.is_ok());
        answer
    }
}

#[async_trait]
impl Handlers for Subscribers {
    async fn handle(&self, subscriber: &str, event: Event) -> Result<(), HandlerFailure> {
        let span = error_span!("event", id = event.id, kind = event.kind, subscriber);
        self.deliver(subscriber, event).instrument(span).await
    }

    fn attempted(&self, subscriber: &str, attempt: Attempt) {
        self.metrics.attempted(subscriber, attempt);
    }
}
