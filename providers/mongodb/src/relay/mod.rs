//! The relay: from the outboxes to a broker.
//!
//! The subjects of a service are shared out in partitions, and each partition is published by one relay at a time: the one that
//! holds its lease. Leases are documents with an end by the server's clock. A relay renews them four times within their length,
//! and stops publishing an eighth of it before their end, by a clock that only counts elapsed time; so two relays publish the same
//! subject at once only if the clocks of two servers that are primary one after the other differ by more than that, or
//! if a publisher goes on with what it was told to give up. Even then every event is published: twice, at worst.

mod leases;
mod round;
mod stream;
mod worker;

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use mercato_ports::events::Publisher;
use tokio::sync::watch;
use tokio::task::JoinSet;
use worker::Worker;

use crate::Store;

/// How a relay behaves. Relays that share work have the same options.
#[derive(Clone, Copy, Debug)]
pub struct RelayOptions {
    /// How long a relay that is gone keeps others from its part of the events; at least a second.
    pub lease: Duration,
    /// The most events that are handed to the publisher at once.
    pub batch: u32,
    /// How long to wait after the publisher's first failure; each further one doubles it, up to [`longest_backoff`](Self::longest_backoff).
    pub backoff: Duration,
    /// The longest wait between two attempts to publish.
    pub longest_backoff: Duration,
}

impl Default for RelayOptions {
    /// Leases of 6 seconds, 500 events, waits of 100 milliseconds up to 5 seconds.
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(6),
            batch: 500,
            backoff: Duration::from_millis(100),
            longest_backoff: Duration::from_secs(5),
        }
    }
}

/// Hands the events of a store's services to a broker: in the order of their commits for each subject, not before they are due, and
/// at least once. Relays of several processes share the work.
pub struct Relay {
    store: Arc<Store>,
    options: RelayOptions,
}

impl Relay {
    /// A relay of all services that the store serves, as they come and go.
    #[must_use]
    pub fn new(store: Arc<Store>, options: RelayOptions) -> Self {
        Self { store, options }
    }

    /// Publishes until `shutdown` completes; then it finishes what it has begun, and leaves its part to other relays at once.
    /// Whatever fails meanwhile is logged and tried again.
    pub async fn run(&self, publisher: Arc<dyn Publisher>, shutdown: impl Future<Output = ()> + Send) {
        let mut shutdown = pin!(shutdown);
        let mut services = self.store.services();
        let mut workers = JoinSet::new();
        // The worker of a service stops when its sender is dropped.
        let mut running = HashMap::<String, (usize, watch::Sender<()>)>::new();
        loop {
            let now = services.borrow_and_update().clone();
            // A service that was added again is another one.
            running.retain(|name, (pointer, _)| {
                now.get(name)
                    .is_some_and(|service| Arc::as_ptr(service).addr() == *pointer)
            });
            for (name, service) in now {
                running.entry(name).or_insert_with(|| {
                    let (sender, stop) = watch::channel(());
                    let pointer = Arc::as_ptr(&service).addr();
                    let worker = Worker::new(service, Arc::clone(&publisher), self.options);
                    workers.spawn(worker.run(stop));
                    (pointer, sender)
                });
            }
            tokio::select! {
                () = &mut shutdown => break,
                changed = services.changed() => if changed.is_err() { break },
                Some(ended) = workers.join_next() => if let Err(error) = ended {
                    tracing::error!(%error, "a worker of the relay ended");
                },
            }
        }
        running.clear();
        while workers.join_next().await.is_some() {}
    }
}
