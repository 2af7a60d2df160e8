//! The worker of a relay for one service.

use std::sync::Arc;
use std::time::Duration;

use mercato_ports::events::Publisher;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::lease::Lease;
use super::options::RelayOptions;
use super::position::Position;
use super::round::{NextRound, Round};
use super::stream::Stream;
use crate::store::outbox::now;
use crate::store::service::Service;

/// How long the current round may take after the relay was asked to stop.
const GRACE: Duration = Duration::from_secs(5);

/// The pause after a round that has read less than a batch. Events that are committed in between share the
/// next round, so a busy relay makes fewer requests. The first event after a quiet time is published at once.
const PAUSE: Duration = Duration::from_millis(50);

/// The interval of polling while no change stream is open.
const POLL: Duration = Duration::from_secs(1);

/// The interval of polling while the change stream is open.
const RARE_POLL: Duration = Duration::from_secs(5);

pub(super) struct Worker {
    service: Arc<Service>,
    publisher: Arc<dyn Publisher>,
    options: RelayOptions,
    lease: Lease,
    stream: Arc<Stream>,
}

impl Worker {
    pub fn new(
        service: Arc<Service>,
        publisher: Arc<dyn Publisher>,
        options: RelayOptions,
        stream: Arc<Stream>,
    ) -> Self {
        Self {
            lease: Lease::new(&service.database, options.lease, Arc::clone(&service.released)),
            stream,
            service,
            publisher,
            options,
        }
    }

    /// Publishes until the sender of `stop` is dropped.
    pub async fn run(self, stop: watch::Receiver<()>) {
        tokio::select! {
            () = self.publish(stop) => {}
            () = self.lease.maintain() => {}
        }
        match timeout(GRACE, self.lease.release()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "the lease could not be released; other relays wait for its end")
            }
            Err(_) => {
                tracing::warn!("the lease was not released in time; other relays wait for its end")
            }
        }
    }

    async fn publish(&self, mut stop: watch::Receiver<()>) {
        let mut held = self.lease.held();
        let mut backoff = self.options.backoff;
        let mut position = Position::default();
        loop {
            if held.borrow_and_update().is_none() {
                position.reset();
                tokio::select! {
                    () = ended(&mut stop) => return,
                    _ = held.changed() => continue,
                }
            }
            let round = Round {
                service: &self.service,
                publisher: &self.publisher,
                batch: self.options.batch,
                position: &mut position,
            };
            let mut expiring = held.clone();
            let mut stopping = stop.clone();
            let cancelled = async {
                tokio::select! {
                    () = Lease::ended(&mut expiring) => "the relay has lost its lease",
                    () = async { ended(&mut stopping).await; sleep(GRACE).await } => "the relay is stopping",
                }
            };
            let result = round.run(cancelled).await;
            let wait = match result {
                Ok(next) => {
                    backoff = self.options.backoff;
                    match next {
                        NextRound::Now => Duration::ZERO,
                        NextRound::AfterPause => {
                            tokio::select! {
                                () = ended(&mut stop) => return,
                                () = sleep(PAUSE) => continue,
                            }
                        }
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
