//! The worker of a relay for one service.

use std::sync::Arc;
use std::time::Duration;

use mercato_ports::events::Publisher;
use tokio::sync::{Mutex, Notify, watch};
use tokio::time::{sleep, timeout};

use super::leases::Leases;
use super::options::RelayOptions;
use super::position::Position;
use super::round::{NextRound, Round};
use super::stream::Stream;
use crate::store::outbox::now;
use crate::store::service::Service;

/// How long the current round may take after the relay was asked to stop.
const GRACE: Duration = Duration::from_secs(5);

/// The interval of polling while no change stream is open.
const POLL: Duration = Duration::from_secs(1);

/// The interval of polling while the change stream is open.
const RARE_POLL: Duration = Duration::from_secs(5);

pub(super) struct Worker {
    service: Arc<Service>,
    publisher: Arc<dyn Publisher>,
    options: RelayOptions,
    leases: Leases,
    stream: Stream,
    /// Locked during each publishing round, because leases must be released only between two rounds.
    publishing: Mutex<()>,
}

impl Worker {
    pub fn new(service: Arc<Service>, publisher: Arc<dyn Publisher>, options: RelayOptions) -> Self {
        let released = Arc::new(Notify::new());
        Self {
            leases: Leases::new(&service.database, options.lease, Arc::clone(&released)),
            stream: Stream::new(service.database.clone(), Arc::clone(&service.wake), released),
            publishing: Mutex::default(),
            service,
            publisher,
            options,
        }
    }

    /// Publishes until the sender of `stop` is dropped.
    pub async fn run(self, stop: watch::Receiver<()>) {
        tokio::select! {
            () = self.publish(stop) => {}
            () = self.leases.maintain(&self.publishing) => {}
            () = self.stream.listen() => {}
        }
        match timeout(GRACE, self.leases.release()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "the leases could not be released; other relays wait for their end")
            }
            Err(_) => {
                tracing::warn!("the leases were not released in time; other relays wait for their end")
            }
        }
    }

    async fn publish(&self, mut stop: watch::Receiver<()>) {
        let mut held = self.leases.held();
        let mut backoff = self.options.backoff;
        let mut position = Position::default();
        loop {
            let round = Round {
                service: &self.service,
                publisher: &self.publisher,
                batch: self.options.batch,
                position: &mut position,
            };
            let result = {
                let _guard = self.publishing.lock().await;
                let lease = held.borrow_and_update().clone();
                let mut expiring = held.clone();
                let mut stopping = stop.clone();
                let cancelled = async {
                    tokio::select! {
                        () = Leases::ended(&mut expiring) => "the relay has lost its leases",
                        () = async { ended(&mut stopping).await; sleep(GRACE).await } => {
                            "the relay is stopping"
                        }
                    }
                };
                round.run(&lease.partitions, cancelled).await
            };
            let wait = match result {
                Ok(next) => {
                    backoff = self.options.backoff;
                    match next {
                        NextRound::Now => Duration::ZERO,
                        NextRound::At(due) => self.poll_interval().min(until(due)),
                        NextRound::OnNotification => self.poll_interval(),
                    }
                }
                Err(reason) => {
                    position.reset();
                    tracing::warn!(
                        service = self.service.name,
                        reason,
                        "events could not be published; they stay in the outbox"
                    );
                    let wait = backoff.mul_f64(0.5 + fastrand::f64() / 2.0);
                    backoff = backoff.saturating_mul(2).min(self.options.max_backoff);
                    tokio::select! {
                        () = ended(&mut stop) => return,
                        () = sleep(wait) => continue,
                    }
                }
            };
            if wait.is_zero() {
                if stop.has_changed().is_err() {
                    return;
                }
                continue;
            }
            tokio::select! {
                () = ended(&mut stop) => return,
                () = self.service.wake.notified() => {}
                _ = held.changed() => {}
                () = sleep(wait) => {}
            }
        }
    }

    fn poll_interval(&self) -> Duration {
        if self.stream.is_open() { RARE_POLL } else { POLL }
    }
}

/// Waits until the sender is dropped.
async fn ended(stop: &mut watch::Receiver<()>) {
    while stop.changed().await.is_ok() {}
}

fn until(due: i64) -> Duration {
    Duration::from_millis(u64::try_from(due.saturating_sub(now())).unwrap_or(0))
}
