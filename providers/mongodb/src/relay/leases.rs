//! Leases: which relay publishes which partitions of a service's subjects.

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

/// The leases: the partition, its owner, and when its lease ends.
pub(super) const COLLECTION: &str = "_leases";

/// The relays: their names, and until when they are known to live.
const RELAYS: &str = "_relays";

/// How long to wait for a round of publishing to end before a lease is kept after all.
const COURTESY: Duration = Duration::from_millis(200);

/// The partitions that this relay publishes now.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub partitions: Vec<i32>,
    /// Until when it may; four renewals come before it.
    until: Instant,
}

pub(super) struct Leases {
    me: String,
    length: Duration,
    leases: Collection<Document>,
    relays: Collection<Document>,
    held: watch::Sender<Held>,
    /// Is notified when another relay has released leases.
    freed: Arc<Notify>,
}

impl Leases {
    pub fn new(database: &Database, length: Duration, freed: Arc<Notify>) -> Self {
        let none = Held {
            partitions: Vec::new(),
            until: Instant::now(),
        };
        Self {
            me: Uuid::now_v7().to_string(),
            length: length.max(Duration::from_secs(1)),
            leases: database.collection(COLLECTION),
            relays: database.collection(RELAYS),
            held: watch::Sender::new(none),
            freed,
        }
    }

    /// What this relay may publish, and whenever that changes.
    pub fn held(&self) -> watch::Receiver<Held> {
        self.held.subscribe()
    }

    /// Waits until none of the leases holds any more.
    pub async fn ended(held: &mut watch::Receiver<Held>) {
        loop {
            let until = held.borrow_and_update().until;
            tokio::select! {
                () = sleep_until(until) => return,
                changed = held.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Takes and renews this relay's share of the leases, for ever. `turn` is held by those who publish.
    pub async fn keep(&self, turn: &Mutex<()>) {
        let mut prepared = false;
        loop {
            let step = async {
                if !prepared {
                    self.prepare().await?;
                }
                self.step(turn).await
            };
            match timeout(self.length, step).await {
                Ok(Ok(())) => prepared = true,
                Ok(Err(error)) => tracing::warn!(%error, "the leases of the relay could not be renewed"),
                Err(_) => tracing::warn!("the leases of the relay could not be renewed in time"),
            }
            self.expire();
            tokio::select! {
                () = sleep(self.length / 4) => {}
                () = self.freed.notified() => {}
            }
        }
    }

    /// Forgets leases that have ended.
    fn expire(&self) {
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
        // Names of relays that are long gone.
        let hour = IndexOptions::builder()
            .expire_after(Duration::from_secs(3_600))
            .build();
        self.relays
            .create_index(
                IndexModel::builder()
                    .keys(doc! { "until": 1 })
                    .options(hour)
                    .build(),
            )
            .await
            .map(drop)
    }

    async fn step(&self, turn: &Mutex<()>) -> Result<()> {
        let asked = Instant::now();
        let until = asked + self.length - self.length / 8;
        let end = self.end();
        let alive = doc! { "$expr": { "$gt": ["$until", "$$NOW"] } };
        let renew = vec![doc! { "$set": { "until": &end } }];
        self.relays
            .update_one(doc! { "_id": &self.me }, renew.clone())
            .upsert(true)
            .await?;
        let mine = doc! { "$and": [{ "owner": &self.me }, &alive] };
        self.leases.update_many(mine, renew).await?;
        let relays = i32::try_from(self.relays.count_documents(alive).await?)
            .unwrap_or(i32::MAX)
            .max(1);
        let share = usize::try_from((PARTITIONS + relays - 1) / relays).unwrap_or(1);

        let (mut mine, free) = self.look().await?;
        // By its clock the server may have let some go meanwhile; what it shows as ours is ours.
        for partition in free {
            if mine.len() >= share {
                break;
            }
            if self.claim(partition, &end).await? {
                mine.push(partition);
            }
        }
        let excess = mine.split_off(mine.len().min(share));
        self.hold(mine.clone(), until);
        if !excess.is_empty() {
            // Only between two rounds: what is being published now may be of these.
            if let Ok(_turn) = timeout(COURTESY, turn.lock()).await {
                let released = doc! { "owner": &self.me, "_id": { "$in": excess } };
                self.leases.update_many(released, free_lease()).await?;
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

    /// When a lease ends that begins now, by the server's clock.
    fn end(&self) -> Document {
        let length = i64::try_from(self.length.as_millis()).unwrap_or(i64::MAX);
        doc! { "$add": ["$$NOW", length] }
    }

    /// This relay's partitions, and those of nobody.
    async fn look(&self) -> Result<(Vec<i32>, Vec<i32>)> {
        let held = doc! { "owner": 1, "held": { "$gt": ["$until", "$$NOW"] } };
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
            } else if lease.get_str("owner").is_ok_and(|owner| owner == self.me) {
                mine.push(partition);
            }
        }
        // So that relays that start together do not all reach for the same.
        fastrand::shuffle(&mut free);
        Ok((mine, free))
    }

    async fn claim(&self, partition: i32, end: &Document) -> Result<bool> {
        let free = doc! { "_id": partition, "$expr": { "$lte": ["$until", "$$NOW"] } };
        let take = vec![doc! { "$set": { "owner": &self.me, "until": end } }];
        Ok(self.leases.update_one(free, take).await?.modified_count == 1)
    }

    /// Leaves all partitions to other relays.
    pub async fn release(&self) -> Result<()> {
        self.held.send_modify(|held| held.partitions.clear());
        self.relays.delete_one(doc! { "_id": &self.me }).await?;
        self.leases
            .update_many(doc! { "owner": &self.me }, free_lease())
            .await?;
        Ok(())
    }
}

fn free_lease() -> Document {
    doc! { "$set": { "owner": "", "until": Bson::DateTime(DateTime::from_millis(0)) } }
}
