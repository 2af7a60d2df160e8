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

    async fn deliver(&self, subscriber: &str, events: Vec<Event>) -> Vec<Result<(), DeliveryFailure>> {
        let count = events.len();
        let failure = match self.pool.handle(subscriber, events).await {
            Ok(results) => {
                let failed = results.iter().filter(|result| result.is_err()).count();
                debug!(begun = results.len(), failed);
                return results.into_iter().map(|result| Ok(result?)).collect();
            }
            Err(error) => {
                error!("{error}");
                self.metrics.failed();
                match error {
                    CallError::Acquire(_) => DeliveryFailure::Unreachable(
                        "the shop has no instance; the log has the reason".into(),
                    ),
                    CallError::Instance(_) => {
                        HandlerFailure::Retry("the handler was cancelled; the log has the reason".into())
                            .into()
                    }
                }
            }
        };
        vec![Err(failure); count]
    }
}

#[async_trait]
impl Handlers for Subscribers {
    async fn handle(&self, subscriber: &str, events: Vec<Event>) -> Vec<Result<(), DeliveryFailure>> {
        let Some(first) = events.first() else {
            return Vec::new();
        };
        let span = error_span!(
            "events",
            count = events.len(),
            first = first.id,
            kind = first.kind,
            subscriber
        );
        self.deliver(subscriber, events).instrument(span).await
    }

    fn attempted(&self, subscriber: &str, attempt: Attempt) {
        self.metrics.attempted(subscriber, attempt);
    }
}
