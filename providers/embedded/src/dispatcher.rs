//! The dispatcher: takes events from the outbox to those that subscribe to them.

use std::collections::{HashMap, HashSet};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use mercato_ports::documents::Failure;
use mercato_ports::events::{HandlerFailure, Handlers};
use mercato_sql::outbox::{self, Delivery, Outcome};
use tokio::task::{Id, JoinSet};

use crate::store::{Store, now};

/// The longest sleep. A sleep does not notice that the clock was set, so due times are looked at again after this.
const NAP: Duration = Duration::from_mins(1);

/// How events are delivered.
#[derive(Clone, Copy, Debug)]
pub struct DispatchOptions {
    /// How many deliveries run at once.
    pub parallel: usize,
    /// After so many attempts an event goes to the dead letters.
    pub attempts: u32,
    /// How long to wait after the first failed attempt; doubled after each further one.
    pub backoff: Duration,
    /// The longest wait between two attempts.
    pub longest_backoff: Duration,
}

impl Default for DispatchOptions {
    /// Eight at once, and ten attempts within about nine minutes.
    fn default() -> Self {
        Self {
            parallel: 8,
            attempts: 10,
            backoff: Duration::from_secs(1),
            longest_backoff: Duration::from_mins(5),
        }
    }
}

/// Delivers the events of a [`Store`]: at least once, those of one subscriber and subject in the order of their commits, others at
/// the same time.
pub struct Dispatcher {
    store: Arc<Store>,
    options: DispatchOptions,
}

impl Dispatcher {
    /// A dispatcher for a store. One runs at a time: two would deliver everything twice.
    #[must_use]
    pub fn new(store: Arc<Store>, options: DispatchOptions) -> Self {
        Self { store, options }
    }

    /// Delivers until `shutdown` completes, and then waits for the handlers that are running.
    pub async fn run(&self, handlers: Arc<dyn Handlers>, shutdown: impl Future<Output = ()> + Send) {
        let mut shutdown = pin!(shutdown);
        let mut tasks = JoinSet::new();
        let mut running = HashMap::<Id, i64>::new();
        loop {
            let nap = self.start(&handlers, &mut tasks, &mut running);
            tokio::select! {
                () = &mut shutdown => break,
                Some(ended) = tasks.join_next_with_id() => {
                    let id = ended.map_or_else(|panic| panic.id(), |(id, ())| id);
                    running.remove(&id);
                }
                () = self.store.wake().notified() => {}
                () = tokio::time::sleep(nap) => {}
            }
        }
        while tasks.join_next().await.is_some() {}
    }

    /// Starts what is due and has a place; how long until more is due.
    fn start(
        &self,
        handlers: &Arc<dyn Handlers>,
        tasks: &mut JoinSet<()>,
        running: &mut HashMap<Id, i64>,
    ) -> Duration {
        let places = self.options.parallel.saturating_sub(running.len());
        if places == 0 {
            return NAP;
        }
        let seqs = running.values().copied().collect::<HashSet<_>>();
        let next = match self
            .store
            .outbox(|connection| outbox::next(connection, places, &seqs, now()))
        {
            Ok(next) => next,
            Err(failure) => {
                tracing::error!(?failure, "the outbox can't be read; trying again");
                return self.options.backoff;
            }
        };
        for delivery in next {
            let wait = delivery.not_before.saturating_sub(now());
            if wait > 0 {
                return Duration::from_millis(wait.unsigned_abs()).min(NAP);
            }
            let seq = delivery.seq;
            let attempt = attempt(
                Arc::clone(&self.store),
                Arc::clone(handlers),
                delivery,
                self.options,
            );
            running.insert(tasks.spawn(attempt).id(), seq);
        }
        NAP
    }
}

/// Hands an event to its subscriber once, and keeps what became of it.
async fn attempt(
    store: Arc<Store>,
    handlers: Arc<dyn Handlers>,
    delivery: Delivery,
    options: DispatchOptions,
) {
    let (subscriber, event) = (delivery.subscriber.clone(), delivery.event.clone());
    // A task of its own, so that a handler that panics fails like any other.
    let handled = tokio::spawn(async move { handlers.handle(&subscriber, event).await });
    let answer = handled
        .await
        .unwrap_or_else(|_| Err(HandlerFailure::Retry("the handler panicked".into())));
    let attempts = delivery.attempts.saturating_add(1);
    let outcome = match answer {
        Ok(()) => Outcome::Done,
        Err(HandlerFailure::Retry(reason)) if attempts < options.attempts => {
            tracing::warn!(
                event = delivery.event.id,
                subscriber = delivery.subscriber,
                attempts,
                reason,
                "to be retried"
            );
            let factor = 1_u32.checked_shl(delivery.attempts).unwrap_or(u32::MAX);
            let wait = options
                .backoff
                .saturating_mul(factor)
                .min(options.longest_backoff);
            Outcome::Again(now().saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)))
        }
        Err(HandlerFailure::Retry(reason) | HandlerFailure::Reject(reason)) => {
            tracing::error!(
                event = delivery.event.id,
                subscriber = delivery.subscriber,
                attempts,
                reason,
                "a dead letter"
            );
            Outcome::Dead(reason)
        }
    };
    if let Err(Failure::Invalid(reason) | Failure::Unavailable(reason)) =
        store.settle(delivery, outcome).await
    {
        tracing::error!(
            reason,
            "what became of a delivery could not be kept; it will be made again"
        );
        tokio::time::sleep(options.backoff).await;
    }
}
