//! The part of a relay that serves one service.

use std::sync::Arc;
use std::time::Duration;

use mercato_ports::events::Publisher;
use tokio::sync::{Mutex, Notify, watch};
use tokio::time::{sleep, timeout};

use super::RelayOptions;
use super::leases::Leases;
use super::round::{Next, Round};
use super::stream::Stream;
use crate::store::outbox::now;
use crate::store::service::Service;

/// How long publishing may go on after the relay was told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// How often to look for events while no change stream tells of them.
const POLL: Duration = Duration::from_secs(1);

/// How often to look for events all the same.
const RARE_POLL: Duration = Duration::from_secs(5);

pub(super) struct Worker {
    service: Arc<Service>,
    publisher: Arc<dyn Publisher>,
    options: RelayOptions,
    leases: Leases,
    stream: Stream,
    /// Held while events are being published; leases are given away only between two rounds.
    turn: Mutex<()>,
}

impl Worker {
    pub fn new(service: Arc<Service>, publisher: Arc<dyn Publisher>, options: RelayOptions) -> Self {
        let freed = Arc::new(Notify::new());
        Self {
            leases: Leases::new(&service.database, options.lease, Arc::clone(&freed)),
            stream: Stream::new(service.database.clone(), Arc::clone(&service.wake), freed),
            turn: Mutex::default(),
            service,
            publisher,
            options,
        }
    }

    /// Works until the sender of `stop` is dropped.
    pub async fn run(self, stop: watch::Receiver<()>) {
        tokio::select! {
            () = self.publish(stop) => {}
            () = self.leases.keep(&self.turn) => {}
            () = self.stream.listen() => {}
        }
        match timeout(GRACE, self.leases.release()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "the leases of the relay run out instead of being released")
            }
            Err(_) => tracing::warn!("the leases of the relay run out instead of being released"),
        }
    }

    async fn publish(&self, mut stop: watch::Receiver<()>) {
        let mut held = self.leases.held();
        let mut wait = self.options.backoff;
        loop {
            let round = Round {
                service: &self.service,
                publisher: &self.publisher,
                batch: self.options.batch,
            };
            let done = {
                let _turn = self.turn.lock().await;
                let lease = held.borrow_and_update().clone();
                let mut expiring = held.clone();
                let mut stopping = stop.clone();
                let given_up = async {
                    tokio::select! {
                        () = Leases::ended(&mut expiring) => "the relay has lost its leases",
                        () = async { ended(&mut stopping).await; sleep(GRACE).await } => "the relay is stopping",
                    }
                };
                round.run(&lease.partitions, given_up).await
            };
            let nap = match done {
                Ok(next) => {
                    wait = self.options.backoff;
                    match next {
                        Next::Now => Duration::ZERO,
                        Next::At(due) => self.nap().min(until(due)),
                        Next::Unknown => self.nap(),
                    }
                }
                Err(reason) => {
                    tracing::warn!(service = self.service.name, reason, "events wait in the outbox");
                    let nap = wait.mul_f64(0.5 + fastrand::f64() / 2.0);
                    wait = wait.saturating_mul(2).min(self.options.longest_backoff);
                    tokio::select! {
                        () = ended(&mut stop) => return,
                        () = sleep(nap) => continue,
                    }
                }
            };
            if nap.is_zero() {
                if stop.has_changed().is_err() {
                    return;
                }
                continue;
            }
            tokio::select! {
                () = ended(&mut stop) => return,
                () = self.service.wake.notified() => {}
                _ = held.changed() => {}
                () = sleep(nap) => {}
            }
        }
    }

    fn nap(&self) -> Duration {
        if self.stream.is_up() { RARE_POLL } else { POLL }
    }
}

/// Waits until the sender is dropped.
async fn ended(stop: &mut watch::Receiver<()>) {
    while stop.changed().await.is_ok() {}
}

fn until(due: i64) -> Duration {
    Duration::from_millis(u64::try_from(due.saturating_sub(now())).unwrap_or(0))
}
