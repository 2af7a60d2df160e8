//! The dispatcher: takes events from the outbox to those that subscribe to them.

use std::collections::{HashMap, HashSet};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use mercato_ports::documents::Failure;
use mercato_ports::events::{Attempt, HandlerFailure, Handlers};
use mercato_sql::outbox::{self, Delivery, Outcome, Patience};
use tokio::task::{Id, JoinSet};

use crate::store::{Store, now};

/// The longest sleep. A sleep does not notice that the clock was set, so due times are looked at again after this.
const NAP: Duration = Duration::from_mins(1);

/// How events are delivered.
#[derive(Clone, Copy, Debug)]
pub struct DispatchOptions {
    /// How many deliveries run at once.
    pub parallel: usize,
    /// How often each is tried.
    pub patience: Patience,
}

impl Default for DispatchOptions {
    /// Eight at once.
    fn default() -> Self {
        Self {
            parallel: 8,
            patience: Patience::default(),
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
                return self.options.patience.backoff;
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
    let handling = Arc::clone(&handlers);
    let handled = tokio::spawn(async move { handling.handle(&subscriber, event).await });
    let answer = handled
        .await
        .unwrap_or_else(|_| Err(HandlerFailure::Retry("the handler panicked".into())));
    let attempts = delivery.attempts.saturating_add(1);
    let reason = match &answer {
        Ok(()) => "",
        Err(HandlerFailure::Retry(reason) | HandlerFailure::Reject(reason)) => reason,
    }
    .to_owned();
    let outcome = options.patience.judge(&delivery, answer, now());
    let (event, subscriber) = (&delivery.event.id, delivery.subscriber.clone());
    let attempt = match outcome {
        Outcome::Done => Attempt::Taken,
        Outcome::Again(_) => {
            tracing::warn!(event, subscriber, attempts, reason, "to be retried");
            Attempt::Retried
        }
        Outcome::Dead(_) => {
            tracing::error!(event, subscriber, attempts, reason, "a dead letter");
            Attempt::Rejected
        }
    };
    let settled = store.settle(delivery, outcome).await;
    let kept = if settled.is_ok() {
        attempt
    } else {
        Attempt::Retried
    };
    handlers.attempted(&subscriber, kept);
    if let Err(Failure::Invalid(reason) | Failure::Unavailable(reason)) = settled {
        tracing::error!(
            reason,
            "what became of a delivery could not be kept; it will be made again"
        );
        tokio::time::sleep(options.patience.backoff).await;
    }
}
