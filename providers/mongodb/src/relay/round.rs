//! One round of publishing: reads what is next, hands it over, deletes it.

use std::collections::HashMap;
use std::sync::Arc;

use futures::TryStreamExt;
use mercato_ports::events::{Event, Publisher};
use mongodb::ClientSession;
use mongodb::bson::{Bson, RawDocumentBuf, Timestamp, doc};
use mongodb::error::{Error, Result};

use crate::store::outbox::{self, now};
use crate::store::service::Service;

/// When to look again.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Now,
    /// When the next event is due, in milliseconds since the Unix epoch.
    At(i64),
    /// When something happens.
    Unknown,
}

pub(super) struct Round<'a> {
    pub service: &'a Service,
    pub publisher: &'a Arc<dyn Publisher>,
    pub batch: u32,
}

/// An event of the outbox.
struct Kept {
    id: Bson,
    at: Timestamp,
    event: Event,
}

impl Round<'_> {
    /// Publishes the next events of some partitions, unless `given_up` completes first, with the reason.
    pub async fn run(
        &self,
        partitions: &[i32],
        given_up: impl Future<Output = &'static str>,
    ) -> std::result::Result<Next, String> {
        if partitions.is_empty() {
            return Ok(Next::Unknown);
        }
        let next = self
            .next(partitions)
            .await
            .map_err(|error| format!("MongoDB failed: {error}"))?;
        let kept = match next {
            Ok(kept) => kept,
            Err(next) => return Ok(next),
        };
        if !kept.is_empty() {
            let (ids, events) = kept.into_iter().map(|kept| (kept.id, kept.event)).unzip();
            self.hand_over(ids, events, given_up).await?;
        }
        Ok(Next::Now)
    }

    async fn hand_over(
        &self,
        ids: Vec<Bson>,
        events: Vec<Event>,
        given_up: impl Future<Output = &'static str>,
    ) -> std::result::Result<(), String> {
        tokio::select! {
            biased;
            published = self.publisher.publish(events) => published?,
            reason = given_up => return Err(reason.into()),
        }
        let published = doc! { "_id": { "$in": ids } };
        let deleted = self.service.outbox.delete_many(published).await;
        deleted.map(drop).map_err(|error| {
            format!("published events could not be deleted, and are published again: {error}")
        })
    }

    /// What can be published now, in its order; or when to look again, where there is nothing.
    async fn next(&self, partitions: &[i32]) -> Result<std::result::Result<Vec<Kept>, Next>> {
        // One moment for all reads: what was committed after it is after all that they show.
        let mut session = self
            .service
            .outbox
            .client()
            .start_session()
            .snapshot(true)
            .await?;
        // First what is ready, then what waits: a later read shows no less. Read the other way round, a timer could be missing whose
        // commit comes between, and what is behind it would pass.
        let ready = self.ready(&mut session, partitions).await?;
        let now = now();
        let due = self.first_due(&mut session, partitions).await?;
        if due.is_some_and(|due| due <= now) {
            let waits_no_longer = doc! { "p": { "$in": partitions }, "w": { "$gt": 0_i64, "$lte": now } };
            self.service
                .outbox
                .update_many(waits_no_longer, doc! { "$set": { "w": 0_i64 } })
                .await?;
            return Ok(Ok(Vec::new()));
        }
        if ready.is_empty() {
            return Ok(Err(due.map_or(Next::Unknown, Next::At)));
        }
        if due.is_none() {
            return Ok(Ok(ready));
        }
        self.without_blocked(&mut session, ready).await.map(Ok)
    }

    /// The time that the first of the waiting events waits for.
    async fn first_due(&self, session: &mut ClientSession, partitions: &[i32]) -> Result<Option<i64>> {
        let waiting = doc! { "w": { "$gt": 0_i64 }, "p": { "$in": partitions } };
        let first = self
            .service
            .outbox
            .find_one(waiting)
            .sort(doc! { "w": 1 })
            .projection(doc! { "w": 1 });
        let first = first.session(session).await?;
        Ok(first.and_then(|first| first.get_i64("w").ok()))
    }

    async fn ready(&self, session: &mut ClientSession, partitions: &[i32]) -> Result<Vec<Kept>> {
        let ready = doc! { "w": 0_i64, "p": { "$in": partitions } };
        let find = self.service.outbox.find(ready).sort(doc! { "at": 1 });
        let find = find.limit(self.batch.into()).batch_size(self.batch);
        let mut cursor = find.session(&mut *session).await?;
        let all = cursor.stream(session).try_collect::<Vec<_>>().await?;
        all.iter().map(kept).collect()
    }

    /// Leaves out what comes behind a waiting event of its subject, and lets it wait for that one's time.
    async fn without_blocked(&self, session: &mut ClientSession, ready: Vec<Kept>) -> Result<Vec<Kept>> {
        let subjects = ready
            .iter()
            .map(|kept| kept.event.subject.as_str())
            .collect::<Vec<_>>();
        let waiting = doc! { "s": { "$in": subjects }, "w": { "$gt": 0_i64 } };
        let mut cursor = self.service.outbox.find(waiting).session(&mut *session).await?;
        let mut first = HashMap::<String, (Timestamp, i64)>::new();
        let waiting = cursor.stream(session).try_collect::<Vec<_>>().await?;
        for raw in &waiting {
            let at = raw.get_timestamp("at").map_err(damaged)?;
            let until = raw.get_i64("w").map_err(damaged)?;
            let subject = raw.get_str("s").map_err(damaged)?.to_owned();
            let known = first.entry(subject).or_insert((at, until));
            if at < known.0 {
                *known = (at, until);
            }
        }
        let mut free = Vec::with_capacity(ready.len());
        let mut blocked = HashMap::<i64, Vec<Bson>>::new();
        for kept in ready {
            match first.get(&kept.event.subject) {
                Some((at, until)) if *at < kept.at => blocked.entry(*until).or_default().push(kept.id),
                _ => free.push(kept),
            }
        }
        for (until, ids) in blocked {
            let wait = doc! { "$set": { "w": until } };
            self.service
                .outbox
                .update_many(doc! { "_id": { "$in": ids } }, wait)
                .await?;
        }
        Ok(free)
    }
}

fn kept(raw: &RawDocumentBuf) -> Result<Kept> {
    let parts = || {
        Ok(Kept {
            id: raw
                .get("_id")?
                .map(Bson::try_from)
                .transpose()?
                .unwrap_or_default(),
            at: raw.get_timestamp("at")?,
            event: outbox::decode(raw)?,
        })
    };
    parts().map_err(damaged)
}

fn damaged(error: mongodb::bson::error::Error) -> Error {
    Error::custom(format!("an event of the outbox is damaged: {error}"))
}
