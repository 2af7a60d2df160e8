//! Leases: which relay publishes which partitions of a service.

use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use mongodb::bson::{Bson, DateTime, Document, doc};
use mongodb::error::{Error, Result};
use mongodb::options::IndexOptions;
use mongodb::{Collection, Database, IndexModel};
use tokio::sync::{Mutex, Notify, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use uuid::Uuid;

use crate::error::is_duplicate;
use crate::store::outbox::PARTITIONS;

/// The collection of leases: the partition, its owner, and the end of the lease.
pub(super) const COLLECTION: &str = "_leases";

/// The collection of relays: the id, and the time until which the relay counts as alive.
const RELAYS: &str = "_relays";

/// How long to wait for the end of a publishing round before surplus leases are released. After that they are
/// kept for one more renewal.
const ROUND_TIMEOUT: Duration = Duration::from_millis(200);

/// The partitions that this relay may publish now.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub partitions: Vec<i32>,
    /// The end of the leases. There are four renewals before it.
    until: Instant,
}

pub(super) struct Leases {
    relay: String,
    length: Duration,
    leases: Collection<Document>,
    relays: Collection<Document>,
    held: watch::Sender<Held>,
    /// Notified when another relay has released leases.
    released: Arc<Notify>,
}

impl Leases {
    pub fn new(database: &Database, length: Duration, released: Arc<Notify>) -> Self {
        let none = Held {
            partitions: Vec::new(),
            until: Instant::now(),
        };
        Self {
            relay: Uuid::now_v7().to_string(),
            length: length.max(Duration::from_secs(1)),
            leases: database.collection(COLLECTION),
            relays: database.collection(RELAYS),
            held: watch::Sender::new(none),
            released,
        }
    }

    /// Returns a receiver of the leases of this relay and their changes.
    pub fn held(&self) -> watch::Receiver<Held> {
        self.held.subscribe()
    }

    /// Waits until the leases have ended.
    pub async fn ended(held: &mut watch::Receiver<Held>) {
        loop {
            let until = held.borrow_and_update().until;
            tokio::select! {
                () = sleep_until(until) => return,
                changed = held.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Claims and renews this relay's share of the leases, without end. `publishing` is locked during each
    /// publishing round.
    pub async fn maintain(&self, publishing: &Mutex<()>) {
        let mut prepared = false;
        loop {
            let renewal = async {
                if !prepared {
                    self.prepare().await?;
                }
                self.renew(publishing).await
            };
            match timeout(self.length, renewal).await {
                Ok(Ok(())) => prepared = true,
                Ok(Err(error)) => tracing::warn!(%error, "the leases of the relay could not be renewed"),
                Err(_) => tracing::warn!("the leases of the relay could not be renewed in time"),
            }
            self.drop_expired();
            tokio::select! {
                () = sleep(self.length / 4) => {}
                () = self.released.notified() => {}
            }
        }
    }

    /// Drops the leases if they have ended.
    fn drop_expired(&self) {
        self.held.send_if_modified(|held| {
            let ended = held.until <= Instant::now() && !held.partitions.is_empty();
            if ended {
                held.partitions.clear();
            }
            ended
        });
    }

    async fn prepare(&self) -> Result<()> {
        let free = |partition| doc! { "_id": partition, "owner": "", "until": DateTime::from_millis(0) };
        match self
            .leases
            .insert_many((0..PARTITIONS).map(free))
            .ordered(false)
            .await
        {
            Err(error) if !is_duplicate(&error) => return Err(error),
            _ => {}
        }
        // Deletes the ids of crashed relays an hour after their end.
        let expiry = IndexOptions::builder()
            .expire_after(Duration::from_secs(3_600))
            .build();
        self.relays
            .create_index(
                IndexModel::builder()
                    .keys(doc! { "until": 1 })
                    .options(expiry)
                    .build(),
            )
            .await
            .map(drop)
    }

    /// Renews this relay's leases, claims free ones up to its share, and releases surplus ones.
    async fn renew(&self, publishing: &Mutex<()>) -> Result<()> {
        let until = Instant::now() + self.length - self.length / 8;
        let end = self.lease_end();
        let alive = doc! { "$expr": self.is_held() };
        let renew = vec![doc! { "$set": { "until": &end } }];
        self.relays
            .update_one(doc! { "_id": &self.relay }, renew.clone())
            .upsert(true)
            .await?;
        let mine = doc! { "$and": [{ "owner": &self.relay }, &alive] };
        self.leases.update_many(mine, renew).await?;
        let relays = i32::try_from(self.relays.count_documents(alive).await?)
            .unwrap_or(i32::MAX)
            .max(1);
        let share = usize::try_from((PARTITIONS + relays - 1) / relays).unwrap_or(1);

        // By its clock the server may have ended some leases before the renewal, so they are read again.
        let (mut mine, free) = self.read_leases().await?;
        for partition in free {
            if mine.len() >= share {
                break;
            }
            if self.claim(partition, &end).await? {
                mine.push(partition);
            }
        }
        let surplus = mine.split_off(mine.len().min(share));
        self.hold(mine, until);
        if !surplus.is_empty() {
            // Only between two rounds, because the current round may publish events of these partitions.
            if let Ok(_guard) = timeout(ROUND_TIMEOUT, publishing.lock()).await {
                let surplus = doc! { "owner": &self.relay, "_id": { "$in": surplus } };
                self.leases.update_many(surplus, free_lease()).await?;
            }
        }
        Ok(())
    }

    fn hold(&self, mut partitions: Vec<i32>, until: Instant) {
        partitions.sort_unstable();
        self.held.send_if_modified(|held| {
            let changed = held.partitions != partitions;
            *held = Held { partitions, until };
            changed
        });
    }

    /// Returns the expression for the end of a lease that begins now, by the clock of the server.
    fn lease_end(&self) -> Document {
        let length = i64::try_from(self.length.as_millis()).unwrap_or(i64::MAX);
        doc! { "$add": ["$$NOW", length] }
    }

    /// Returns the expression for whether a lease has not ended.
    ///
    /// A lease that ends later than a new one was written before the clock of the server was set back. It counts
    /// as ended, so that a crashed relay does not keep it.
    fn is_held(&self) -> Document {
        doc! { "$and": [{ "$gt": ["$until", "$$NOW"] }, { "$lte": ["$until", self.lease_end()] }] }
    }

    /// Returns this relay's partitions, and the free ones.
    async fn read_leases(&self) -> Result<(Vec<i32>, Vec<i32>)> {
        let held = doc! { "owner": 1, "held": self.is_held() };
        let all = self
            .leases
            .find(doc! {})
            .projection(held)
            .await?
            .try_collect::<Vec<_>>()
            .await?;
        let (mut mine, mut free) = (Vec::new(), Vec::new());
        for lease in &all {
            let partition = lease.get_i32("_id").map_err(Error::custom)?;
            if !lease.get_bool("held").unwrap_or(false) {
                free.push(partition);
            } else if lease.get_str("owner").is_ok_and(|owner| owner == self.relay) {
                mine.push(partition);
            }
        }
        // Relays that start at the same time should not all try to claim the same partitions.
        fastrand::shuffle(&mut free);
        Ok((mine, free))
    }

    async fn claim(&self, partition: i32, end: &Document) -> Result<bool> {
        let free = doc! { "_id": partition, "$expr": { "$not": [self.is_held()] } };
        let take = vec![doc! { "$set": { "owner": &self.relay, "until": end } }];
        Ok(self.leases.update_one(free, take).await?.modified_count == 1)
    }

    /// Releases all leases.
    pub async fn release(&self) -> Result<()> {
        self.held.send_modify(|held| held.partitions.clear());
        self.relays.delete_one(doc! { "_id": &self.relay }).await?;
        self.leases
            .update_many(doc! { "owner": &self.relay }, free_lease())
            .await?;
        Ok(())
    }
}

fn free_lease() -> Document {
    doc! { "$set": { "owner": "", "until": Bson::DateTime(DateTime::from_millis(0)) } }
}
