//! The lease of a service's outbox: which relay publishes its events.

use std::sync::Arc;
use std::time::Duration;

use mongodb::bson::{DateTime, Document, doc};
use mongodb::error::Result;
use mongodb::{Collection, Database};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use uuid::Uuid;

use crate::error::is_duplicate;

/// The collection of the lease: its owner, and its end.
pub(super) const COLLECTION: &str = "_leases";

/// The id of the lease.
const ID: &str = "relay";

pub(super) struct Lease {
    relay: String,
    length: Duration,
    leases: Collection<Document>,
    /// The end of this relay's lease. There are four renewals before it.
    held: watch::Sender<Option<Instant>>,
    /// Notified when another relay has released the lease.
    released: Arc<Notify>,
}

impl Lease {
    pub fn new(database: &Database, length: Duration, released: Arc<Notify>) -> Self {
        Self {
            relay: Uuid::now_v7().to_string(),
            length: length.max(Duration::from_secs(1)),
            leases: database.collection(COLLECTION),
            held: watch::Sender::default(),
            released,
        }
    }

    /// Returns a receiver of the end of the lease. It has none while another relay holds the lease.
    pub fn held(&self) -> watch::Receiver<Option<Instant>> {
        self.held.subscribe()
    }

    /// Waits until the lease has ended.
    pub async fn ended(held: &mut watch::Receiver<Option<Instant>>) {
        loop {
            let Some(until) = *held.borrow_and_update() else {
                return;
            };
            tokio::select! {
                () = sleep_until(until) => return,
                changed = held.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Claims and renews the lease, without end.
    pub async fn maintain(&self) {
        let mut prepared = false;
        loop {
            let renewal = async {
                if !prepared {
                    self.prepare().await?;
                }
                self.renew().await
            };
            match timeout(self.length, renewal).await {
                Ok(Ok(())) => prepared = true,
                Ok(Err(error)) => tracing::warn!(%error, "the lease of the relay could not be renewed"),
                Err(_) => tracing::warn!("the lease of the relay could not be renewed in time"),
            }
            self.drop_expired();
            tokio::select! {
                () = sleep(self.length / 4) => {}
                () = self.released.notified() => {}
            }
        }
    }

    fn drop_expired(&self) {
        self.held.send_if_modified(|held| {
            let ended = held.is_some_and(|until| until <= Instant::now());
            if ended {
                *held = None;
            }
            ended
        });
    }

    async fn prepare(&self) -> Result<()> {
        let free = doc! { "_id": ID, "owner": "", "until": DateTime::from_millis(0) };
        match self.leases.insert_one(free).await {
            Err(error) if !is_duplicate(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// Renews this relay's lease, or claims it if it is free.
    async fn renew(&self) -> Result<()> {
        let until = Instant::now() + self.length - self.length / 8;
        let mine_or_free = doc! { "$or": [{ "$eq": ["$owner", &self.relay] }, { "$not": [self.is_held()] }] };
        let take = vec![doc! { "$set": { "owner": &self.relay, "until": self.end() } }];
        let taken = self
            .leases
            .update_one(doc! { "_id": ID, "$expr": mine_or_free }, take)
            .await?;
        self.hold((taken.matched_count == 1).then_some(until));
        Ok(())
    }

    /// Sets the end of the lease. Only a lease that begins or ends is a change that wakes the worker.
    fn hold(&self, until: Option<Instant>) {
        self.held.send_if_modified(|held| {
            let changed = held.is_some() != until.is_some();
            *held = until;
            changed
        });
    }

    /// Returns the expression for the end of a lease that begins now, by the clock of the server.
    fn end(&self) -> Document {
        let length = i64::try_from(self.length.as_millis()).unwrap_or(i64::MAX);
        doc! { "$add": ["$$NOW", length] }
    }

    /// Returns the expression for whether the lease has not ended.
    ///
    /// A lease that ends later than a new one was written before the clock of the server was set back. It counts
    /// as ended, so that a crashed relay does not keep it.
    fn is_held(&self) -> Document {
        doc! { "$and": [{ "$gt": ["$until", "$$NOW"] }, { "$lte": ["$until", self.end()] }] }
    }

    /// Releases the lease.
    pub async fn release(&self) -> Result<()> {
        self.hold(None);
        let free = doc! { "$set": { "owner": "", "until": DateTime::from_millis(0) } };
        let mine = doc! { "_id": ID, "owner": &self.relay };
        self.leases.update_one(mine, free).await.map(drop)
    }
}
