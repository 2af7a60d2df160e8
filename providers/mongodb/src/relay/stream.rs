//! A change stream, which reports new events as soon as they are committed.

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
const REOPEN_DELAY: Duration = Duration::from_secs(1);

/// A change stream on the outbox and the leases of one database.
pub(super) struct Stream {
    database: Database,
    /// Notified of new events.
    wake: Arc<Notify>,
    /// Notified of released leases.
    released: Arc<Notify>,
    open: AtomicBool,
}

impl Stream {
    pub fn new(database: Database, wake: Arc<Notify>, released: Arc<Notify>) -> Self {
        Self {
            database,
            wake,
            released,
            open: AtomicBool::new(false),
        }
    }

    /// Returns whether the stream is open.
    pub fn is_open(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }

    /// Listens without end. After a lost connection it resumes where it stopped.
    pub async fn listen(&self) {
        let mut latest = None;
        loop {
            let resume_from = latest.take();
            let resumed = resume_from.is_some();
            match self.follow(resume_from, &mut latest).await {
                Ok(()) => tracing::warn!("the change stream has ended; it is opened again"),
                Err(error) => {
                    tracing::warn!(%error, resumed, "the change stream failed; it is opened again");
                }
            }
            self.open.store(false, Ordering::Relaxed);
            self.wake.notify_one();
            sleep(REOPEN_DELAY).await;
        }
    }

    /// Listens until the stream ends, and sets `latest` to the token of the last change. If the server cannot
    /// resume, `latest` stays `None` and the next stream starts afresh.
    async fn follow(&self, resume_from: Option<ResumeToken>, latest: &mut Option<ResumeToken>) -> Result<()> {
        let events = doc! { "ns.coll": outbox::COLLECTION, "operationType": "insert" };
        let released = doc! { "ns.coll": leases::COLLECTION, "updateDescription.updatedFields.owner": "" };
        let pipeline = [
            doc! { "$match": { "$or": [events, released] } },
            doc! { "$project": { "ns": 1, "operationType": 1 } },
        ];
        let mut watch = self.database.watch().pipeline(pipeline);
        if let Some(token) = resume_from {
            watch = watch.resume_after(token);
        }
        let mut changes = watch.await?.with_type::<RawDocumentBuf>();
        self.open.store(true, Ordering::Relaxed);
        // For events that were committed before the stream was open.
        self.wake.notify_one();
        while let Some(change) = changes.next().await {
            let change = change?;
            let collection = change.get_document("ns").and_then(|ns| ns.get_str("coll"));
            if collection.is_ok_and(|name| name == outbox::COLLECTION) {
                self.wake.notify_one();
            } else {
                self.released.notify_one();
            }
            *latest = changes.resume_token();
        }
        Ok(())
    }
}
