//! A change stream, which reports new events as soon as they are committed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt;
use mongodb::bson::{RawDocument, RawDocumentBuf, doc};
use mongodb::change_stream::event::ResumeToken;
use mongodb::error::Result;
use tokio::time::sleep;

use super::lease;
use crate::Store;
use crate::store::outbox;

/// How long to wait before the change stream is opened again.
const REOPEN_DELAY: Duration = Duration::from_secs(1);

/// A change stream on the outboxes and the leases of all services. The server reads all changes for each
/// stream, so one for all services costs much less than one for each.
pub(super) struct Stream {
    store: Arc<Store>,
    open: AtomicBool,
}

impl Stream {
    pub fn new(store: Arc<Store>) -> Self {
        Self {
            store,
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
            self.wake_all();
            sleep(REOPEN_DELAY).await;
        }
    }

    /// Listens until the stream ends, and sets `latest` to the token of the last change. If the server cannot
    /// resume, `latest` stays `None` and the next stream starts afresh.
    async fn follow(&self, resume_from: Option<ResumeToken>, latest: &mut Option<ResumeToken>) -> Result<()> {
        // The store itself notifies its own worker.
        let events = doc! {
            "ns.coll": outbox::COLLECTION, "operationType": "insert",
            "fullDocument.by": { "$ne": self.store.id() },
        };
        let released = doc! { "ns.coll": lease::COLLECTION, "updateDescription.updatedFields.owner": "" };
        let pipeline = [
            doc! { "$match": { "$or": [events, released] } },
            doc! { "$project": { "ns": 1, "fullDocument.w": 1 } },
        ];
        let mut watch = self.store.client().watch().pipeline(pipeline);
        if let Some(token) = resume_from {
            watch = watch.resume_after(token);
        }
        let mut changes = watch.await?.with_type::<RawDocumentBuf>();
        self.open.store(true, Ordering::Relaxed);
        // For events that were committed before the stream was open.
        self.wake_all();
        while let Some(change) = changes.next().await {
            self.notify(&change?);
            *latest = changes.resume_token();
        }
        Ok(())
    }

    fn wake_all(&self) {
        for service in self.store.services().borrow().values() {
            service.wake.notify_one();
        }
    }

    /// Notifies the worker of the service that a change belongs to.
    fn notify(&self, change: &RawDocument) {
        let name = |part| change.get_document("ns").and_then(|ns| ns.get_str(part)).ok();
        let services = self.store.services();
        let services = services.borrow();
        let mut services = services.values();
        let Some(service) = services.find(|service| Some(service.database.name()) == name("db")) else {
            return;
        };
        if name("coll") != Some(outbox::COLLECTION) {
            service.released.notify_one();
        } else if waits_shortly(change) {
            service.wake.notify_one();
        }
    }
}

/// Returns whether an inserted entry is ready, or waits for a short time.
fn waits_shortly(change: &RawDocument) -> bool {
    let wait = change
        .get_document("fullDocument")
        .and_then(|entry| entry.get_i64("w"));
    wait.is_ok_and(outbox::waits_shortly)
}
