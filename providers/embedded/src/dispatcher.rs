//! The dispatcher: delivers events from the outbox to their subscribers.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use mercato_ports::documents::Failure;
use mercato_ports::events::{Attempt, DeliveryFailure, HandlerFailure, Handlers, MAX_BATCH};
use mercato_sql::outbox::{self, Delivery, Outcome, RetryPolicy};
use tokio::task::{Id, JoinSet};

use crate::store::Store;

/// The longest sleep. A sleep does not notice when the clock is changed, so due times are checked this often.
const MAX_SLEEP: Duration = Duration::from_mins(1);

/// The options of a [`Dispatcher`].
#[derive(Clone, Copy, Debug)]
pub struct DispatchOptions {
    /// The maximum number of concurrent calls of subscribers.
    pub parallel: usize,
    /// How often each delivery is attempted.
    pub retry: RetryPolicy,
}

impl Default for DispatchOptions {
    /// Returns options for eight concurrent calls.
    fn default() -> Self {
        Self {
            parallel: 8,
            retry: RetryPolicy::default(),
        }
    }
}

/// Delivers the events of a [`Store`] at least once. Events of one subscriber and subject arrive in the order
/// of their commits; other events are delivered concurrently.
pub struct Dispatcher {
    store: Arc<Store>,
    options: DispatchOptions,
}

impl Dispatcher {
    /// Creates a dispatcher for a store. Run only one at a time: two would deliver every event twice.
    #[must_use]
    pub fn new(store: Arc<Store>, options: DispatchOptions) -> Self {
        Self { store, options }
    }

    /// Delivers until `shutdown` completes, then waits for the running handlers.
    pub async fn run(&self, handlers: Arc<dyn Handlers>, shutdown: impl Future<Output = ()> + Send) {
        let mut shutdown = pin!(shutdown);
        let mut tasks = JoinSet::new();
        let mut running = HashMap::<Id, Vec<i64>>::new();
        let mut left_out = HashSet::<i64>::new();
        let mut anchors = 0;
        loop {
            if anchors != self.store.clock().anchors() {
                anchors = self.store.clock().anchors();
                self.shorten_waits().await;
            }
            let wait = self.start_due(&handlers, &mut tasks, &mut running, &left_out);
            tokio::select! {
                () = &mut shutdown => break,
                Some(ended) = tasks.join_next_with_id() => {
                    let (id, not_begun) = ended.unwrap_or_else(|panic| (panic.id(), Vec::new()));
                    for seq in running.remove(&id).into_iter().flatten() {
                        left_out.remove(&seq);
                    }
                    left_out.extend(not_begun);
                }
                () = self.store.wake().notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
        while tasks.join_next().await.is_some() {}
    }

    /// Makes deliveries due that wait for a time of an earlier, wrong clock.
    async fn shorten_waits(&self) {
        if let Err(failure) = self.store.shorten_waits(self.options.retry).await {
            tracing::error!(
                ?failure,
                "waits that a wrong clock has set could not be shortened"
            );
        }
    }

    /// Starts the due deliveries, up to the limit. Returns how long to wait for the next one.
    fn start_due(
        &self,
        handlers: &Arc<dyn Handlers>,
        tasks: &mut JoinSet<Vec<i64>>,
        running: &mut HashMap<Id, Vec<i64>>,
        left_out: &HashSet<i64>,
    ) -> Duration {
        let free = self.options.parallel.saturating_sub(running.len());
        if free == 0 {
            return MAX_SLEEP;
        }
        let seqs = running.values().flatten().copied().collect::<HashSet<_>>();
        let now = self.store.clock().now();
        let (mut calls, mut wait) = (Vec::new(), MAX_SLEEP);
        let mut visit = |delivery: Delivery| {
            let due_in = delivery.not_before.saturating_sub(now);
            if due_in > 0 {
                wait = MAX_SLEEP.min(Duration::from_millis(due_in.unsigned_abs()));
                return ControlFlow::Break(());
            }
            let takes_batches = !left_out.contains(&delivery.seq)
                && self
                    .store
                    .takes_batches(&delivery.subscriber, &delivery.event.kind);
            match add(&mut calls, delivery, free, takes_batches) {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        };
        let read = self
            .store
            .outbox(|connection| outbox::visit_next(connection, &seqs, &mut visit));
        if let Err(failure) = read {
            tracing::error!(?failure, "the outbox cannot be read; it is read again later");
            return self.options.retry.backoff;
        }
        for Call { deliveries, .. } in calls {
            let seqs = deliveries.iter().map(|delivery| delivery.seq).collect();
            let attempt = attempt(
                Arc::clone(&self.store),
                Arc::clone(handlers),
                deliveries,
                self.options,
            );
            running.insert(tasks.spawn(attempt).id(), seqs);
        }
        wait
    }
}

/// The deliveries of one call.
struct Call {
    deliveries: Vec<Delivery>,
    /// Whether further deliveries of the same kind may join it.
    is_batch: bool,
}

/// Adds a delivery to a call, or to a new one. Returns false if there is no room.
fn add(calls: &mut Vec<Call>, delivery: Delivery, limit: usize, takes_batches: bool) -> bool {
    // A repeated event is alone, so that it can't fail other events.
    let is_batch = takes_batches && delivery.attempts == 0;
    let joins = |call: &&mut Call| {
        call.is_batch
            && call.deliveries.len() < MAX_BATCH
            && call.deliveries.first().is_some_and(|first| {
                first.subscriber == delivery.subscriber && first.event.kind == delivery.event.kind
            })
    };
    let has_room = calls.len() < limit;
    match calls.iter_mut().find(joins).filter(|_| is_batch) {
        Some(call) => call.deliveries.push(delivery),
        None if has_room => calls.push(Call {
            deliveries: vec![delivery],
            is_batch,
        }),
        None => return false,
    }
    true
}

/// Passes events of one kind to their subscriber once, and records the outcomes. Returns the events that were not
/// begun. They are delivered alone, because the others are slow.
async fn attempt(
    store: Arc<Store>,
    handlers: Arc<dyn Handlers>,
    deliveries: Vec<Delivery>,
    options: DispatchOptions,
) -> Vec<i64> {
    let Some(subscriber) = deliveries.first().map(|first| first.subscriber.clone()) else {
        return Vec::new();
    };
    let events = deliveries.iter().map(|delivery| delivery.event.clone()).collect();
    // The handler runs in a separate task, so a panic counts as a failed attempt.
    let task_handlers = Arc::clone(&handlers);
    let handling = tokio::spawn(async move { task_handlers.handle(&subscriber, events).await });
    let fail = |reason: &str| vec![Err(HandlerFailure::Retry(reason.into()).into()); deliveries.len()];
    let results = match handling.await {
        Err(_) => fail("the handler panicked"),
        Ok(results) if results.is_empty() => fail("the handler returned no result"),
        Ok(results) => results,
    };
    let not_begun = deliveries.iter().skip(results.len()).map(|delivery| delivery.seq);
    let not_begun = not_begun.collect();
    let attempted = deliveries.into_iter().zip(results);
    let records = attempted.map(|(delivery, result)| record(&store, &*handlers, delivery, result, options));
    join_all(records).await;
    not_begun
}

/// Records the outcome of an attempt.
async fn record(
    store: &Store,
    handlers: &dyn Handlers,
    delivery: Delivery,
    answer: Result<(), DeliveryFailure>,
    options: DispatchOptions,
) {
    let attempts = delivery.attempts.saturating_add(1);
    let reason = match &answer {
        Ok(()) => "",
        Err(
            DeliveryFailure::Handler(HandlerFailure::Retry(reason) | HandlerFailure::Reject(reason))
            | DeliveryFailure::Unreachable(reason),
        ) => reason,
    }
    .to_owned();
    let outcome = options.retry.outcome(&delivery, answer, store.clock().now());
    let (event, subscriber) = (&delivery.event.id, delivery.subscriber.clone());
    let attempt = match outcome {
        Outcome::Delivered => Attempt::Handled,
        Outcome::RetryAt(_) => {
            tracing::warn!(
                event,
                subscriber,
                attempts,
                reason,
                "an event was not accepted; it is delivered again"
            );
            Attempt::Retried
        }
        Outcome::PostponedTo(_) => {
            tracing::warn!(
                event,
                subscriber,
                reason,
                "a subscriber was not reached; its event waits"
            );
            Attempt::Unreachable
        }
        Outcome::DeadLetter(_) => {
            tracing::error!(
                event,
                subscriber,
                attempts,
                reason,
                "an event became a dead letter"
            );
            Attempt::Rejected
        }
    };
    let settled = store.settle(delivery, outcome).await;
    let recorded = if settled.is_ok() {
        attempt
    } else {
        Attempt::Retried
    };
    handlers.attempted(&subscriber, recorded);
    if let Err(Failure::Invalid(reason) | Failure::Unavailable(reason)) = settled {
        tracing::error!(
            reason,
            "the outcome of a delivery could not be recorded; the event is delivered again"
        );
        tokio::time::sleep(options.retry.backoff).await;
    }
}

#[cfg(test)]
mod tests {
    use mercato_ports::events::Event;

    use super::*;

    #[test]
    fn no_event_joins_one_that_is_delivered_alone() {
        let delivery = |seq, attempts| Delivery {
            seq,
            subscriber: "orders".into(),
            event: Event {
                id: seq.to_string(),
                kind: "order-placed".into(),
                subject: seq.to_string(),
                time: 0,
                due: None,
                data: "{}".into(),
            },
            attempts,
            not_before: 0,
        };
        let mut calls = Vec::new();
        assert!(add(&mut calls, delivery(1, 0), 3, false));
        assert!(add(&mut calls, delivery(2, 1), 3, true));
        assert!(add(&mut calls, delivery(3, 0), 3, true));
        assert!(add(&mut calls, delivery(4, 0), 3, true));
        assert!(!add(&mut calls, delivery(5, 0), 3, false));
        let sizes: Vec<_> = calls.iter().map(|call| call.deliveries.len()).collect();
        assert_eq!(sizes, [1, 1, 2]);
    }
}
