//! Being told of new events by the server, at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt;
use mongodb::Database;
use mongodb::bson::{RawDocumentBuf, doc};
use mongodb::change_stream::event::ResumeToken;
use mongodb::error::Result;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::leases;
use crate::store::outbox;

/// How long to wait before the change stream is opened again.
const PAUSE: Duration = Duration::from_secs(1);

/// A change stream on the outbox and the leases of one database.
pub(super) struct Stream {
    database: Database,
    /// Is notified of new events.
    wake: Arc<Notify>,
    /// Is notified of leases that were released.
    freed: Arc<Notify>,
    up: AtomicBool,
}

impl Stream {
    pub fn new(database: Database, wake: Arc<Notify>, freed: Arc<Notify>) -> Self {
        Self {
            database,
            wake,
            freed,
            up: AtomicBool::new(false),
        }
    }

    /// Whether the server tells of new events now.
    pub fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    /// Listens for ever; goes on where it was when the connection is lost.
    pub async fn listen(&self) {
        let mut token = None;
        loop {
            let known = token.take();
            let resumed = known.is_some();
            match self.follow(known, &mut token).await {
                Ok(()) => tracing::warn!("the change stream of an outbox has ended; it is opened again"),
                Err(error) => {
                    tracing::warn!(%error, resumed, "the change stream of an outbox failed; it is opened again");
                }
            }
            self.up.store(false, Ordering::Relaxed);
            self.wake.notify_one();
            sleep(PAUSE).await;
        }
    }

    /// Listens as long as it can. `latest` is where to go on; it stays empty where the server could not go on from `known`.
    async fn follow(&self, known: Option<ResumeToken>, latest: &mut Option<ResumeToken>) -> Result<()> {
        let events = doc! { "ns.coll": outbox::COLLECTION, "operationType": "insert" };
        let freed = doc! { "ns.coll": leases::COLLECTION, "updateDescription.updatedFields.owner": "" };
        let pipeline = [
            doc! { "$match": { "$or": [events, freed] } },
            doc! { "$project": { "ns": 1, "operationType": 1 } },
        ];
        let mut watch = self.database.watch().pipeline(pipeline);
        if let Some(token) = known {
            watch = watch.resume_after(token);
        }
        let mut changes = watch.await?.with_type::<RawDocumentBuf>();
        self.up.store(true, Ordering::Relaxed);
        // What came while nobody listened.
        self.wake.notify_one();
        while let Some(change) = changes.next().await {
            let change = change?;
            let collection = change.get_document("ns").and_then(|ns| ns.get_str("coll"));
            if collection.is_ok_and(|name| name == outbox::COLLECTION) {
                self.wake.notify_one();
            } else {
                self.freed.notify_one();
            }
            *latest = changes.resume_token();
        }
        Ok(())
    }
}
