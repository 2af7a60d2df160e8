//! The relay: publishes the events of the outboxes to a broker.
//!
//! Only the relay with the lease of a service publishes its events. A lease is a document with an end by the
//! clock of the server. A relay renews its lease four times within its length. By its monotonic clock it stops
//! publishing an eighth of the length before its end.
//!
//! So two relays publish the events of a service at the same time only in two cases:
//! - the clock of the server is set, or the clocks of two successive primaries differ, by more than that
//!   eighth;
//! - a publisher continues after its call was cancelled.
//!
//! Even then every event is published, at worst twice.

mod lease;
mod options;
mod position;
mod round;
mod stream;
mod worker;

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;

use mercato_ports::events::Publisher;
pub use options::RelayOptions;
use stream::Stream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use worker::Worker;

use crate::Store;

/// Publishes the events of a store's services at least once, in the order of the commits of each subject, and
/// not before they are due. Of the relays of several processes, one publishes the events of a service.
pub struct Relay {
    store: Arc<Store>,
    options: RelayOptions,
}

impl Relay {
    /// Creates a relay for all services of the store, including those that are added later.
    #[must_use]
    pub fn new(store: Arc<Store>, options: RelayOptions) -> Self {
        Self { store, options }
    }

    /// Publishes until `shutdown` completes. Then it finishes its current batch and releases its leases.
    /// Failures are logged and tried again.
    pub async fn run(&self, publisher: Arc<dyn Publisher>, shutdown: impl Future<Output = ()> + Send) {
        let mut shutdown = pin!(shutdown);
        let stream = Arc::new(Stream::new(Arc::clone(&self.store)));
        let mut listening = pin!(stream.listen());
        let mut services = self.store.services();
        let mut workers = JoinSet::new();
        // The worker of a service stops when its sender is dropped.
        let mut running = HashMap::<String, (usize, watch::Sender<()>)>::new();
        loop {
            let now = services.borrow_and_update().clone();
            // A service that was added again has a new manifest, so it needs a new worker.
            running.retain(|name, (pointer, _)| {
                now.get(name)
                    .is_some_and(|service| Arc::as_ptr(service).addr() == *pointer)
            });
            for (name, service) in now {
                running.entry(name).or_insert_with(|| {
                    let (sender, stop) = watch::channel(());
                    let pointer = Arc::as_ptr(&service).addr();
                    let worker =
                        Worker::new(service, Arc::clone(&publisher), self.options, Arc::clone(&stream));
                    workers.spawn(worker.run(stop));
                    (pointer, sender)
                });
            }
            tokio::select! {
                () = &mut shutdown => break,
                () = &mut listening => break,
                changed = services.changed() => if changed.is_err() { break },
                Some(ended) = workers.join_next() => if let Err(error) = ended {
                    tracing::error!(%error, "a worker of the relay panicked");
                },
            }
        }
        running.clear();
        while workers.join_next().await.is_some() {}
    }
}
