//! One round of publishing: reads the next events, publishes them, deletes them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use futures::TryStreamExt;
use mercato_ports::events::{Event, Publisher};
use mongodb::ClientSession;
use mongodb::bson::{Bson, RawDocumentBuf, Timestamp, doc};
use mongodb::error::{Error, Result};

use super::position::Position;
use crate::store::outbox::{self, now};
use crate::store::service::Service;

/// When the next round is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NextRound {
    Now,
    /// At this time, in milliseconds since the Unix epoch, because an event is due then.
    At(i64),
    /// On the next notification.
    OnNotification,
}

pub(super) struct Round<'a> {
    pub service: &'a Service,
    pub publisher: &'a Arc<dyn Publisher>,
    pub batch: u32,
    pub position: &'a mut Position,
}

/// An event in the outbox.
struct StoredEvent {
    id: Bson,
    at: Timestamp,
    event: Event,
}

impl Round<'_> {
    /// Publishes the next events of some partitions. If `cancelled` completes first, its reason is the error.
    pub async fn run(
        mut self,
        partitions: &[i32],
        cancelled: impl Future<Output = &'static str>,
    ) -> std::result::Result<NextRound, String> {
        if partitions.is_empty() {
            return Ok(NextRound::OnNotification);
        }
        let next = self
            .next(partitions)
            .await
            .map_err(|error| format!("MongoDB failed: {error}"))?;
        let stored = match next {
            Ok(stored) => stored,
            Err(next) => return Ok(next),
        };
        if let Some(last) = stored.last().map(|stored| stored.at) {
            let (ids, events) = stored.into_iter().map(|stored| (stored.id, stored.event)).unzip();
            self.publish(ids, events, cancelled).await?;
            self.position.advance(last);
        }
        Ok(NextRound::Now)
    }

    async fn publish(
        &self,
        ids: Vec<Bson>,
        events: Vec<Event>,
        cancelled: impl Future<Output = &'static str>,
    ) -> std::result::Result<(), String> {
        tokio::select! {
            biased;
            published = self.publisher.publish(events) => published?,
            reason = cancelled => return Err(reason.into()),
        }
        let published = doc! { "_id": { "$in": ids } };
        let deleted = self.service.outbox.delete_many(published).await;
        deleted.map(drop).map_err(|error| {
            format!("published events could not be deleted, so they are published again: {error}")
        })
    }

    /// Returns the events that can be published now, in order. If there are none, the inner error says when
    /// the next round is due.
    async fn next(&mut self, partitions: &[i32]) -> Result<std::result::Result<Vec<StoredEvent>, NextRound>> {
        // All reads use one snapshot, so events that are committed later are behind all events that they
        // return.
        let mut session = self
            .service
            .outbox
            .client()
            .start_session()
            .snapshot(true)
            .await?;
        // Read the ready events first and the waiting ones second, because a later read misses nothing that
        // an earlier one shows. In the other order a timer that is committed in between could be missing, and
        // the events behind it would be published too early.
        let from = self.position.next(partitions, Instant::now());
        let ready = self.ready(&mut session, partitions, from).await?;
        let now = now();
        let due = self.first_due(&mut session, partitions).await?;
        if due.is_some_and(|due| due <= now) {
            let due = doc! { "p": { "$in": partitions }, "w": { "$gt": 0_i64, "$lte": now } };
            self.service
                .outbox
                .update_many(due, doc! { "$set": { "w": 0_i64 } })
                .await?;
            self.position.reset();
            return Ok(Ok(Vec::new()));
        }
        if ready.is_empty() {
            return Ok(Err(due.map_or(NextRound::OnNotification, NextRound::At)));
        }
        if due.is_none() {
            return Ok(Ok(ready));
        }
        self.without_blocked(&mut session, ready).await.map(Ok)
    }

    /// Returns the due time of the first waiting event.
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

    /// Returns the next events that are ready, up to the batch size.
    async fn ready(
        &self,
        session: &mut ClientSession,
        partitions: &[i32],
        from: Option<Timestamp>,
    ) -> Result<Vec<StoredEvent>> {
        let mut ready = doc! { "w": 0_i64, "p": { "$in": partitions } };
        if let Some(from) = from {
            ready.insert("at", doc! { "$gte": from });
        }
        let find = self.service.outbox.find(ready).sort(doc! { "at": 1 });
        let find = find.limit(self.batch.into()).batch_size(self.batch);
        let mut cursor = find.session(&mut *session).await?;
        let all = cursor.stream(session).try_collect::<Vec<_>>().await?;
        all.iter().map(stored_event).collect()
    }

    /// Removes the events that are behind a waiting event of their subject. They then wait for the same time.
    async fn without_blocked(
        &self,
        session: &mut ClientSession,
        ready: Vec<StoredEvent>,
    ) -> Result<Vec<StoredEvent>> {
        let subjects = ready
            .iter()
            .map(|stored| stored.event.subject.as_str())
            .collect::<Vec<_>>();
        let waiting = doc! { "s": { "$in": subjects }, "w": { "$gt": 0_i64 } };
        let mut cursor = self.service.outbox.find(waiting).session(&mut *session).await?;
        let mut first = HashMap::<String, (Timestamp, i64)>::new();
        let waiting = cursor.stream(session).try_collect::<Vec<_>>().await?;
        for raw in &waiting {
            let at = raw.get_timestamp("at").map_err(damaged)?;
            let until = raw.get_i64("w").map_err(damaged)?;
            let subject = raw.get_str("s").map_err(damaged)?.to_owned();
            let earliest = first.entry(subject).or_insert((at, until));
            if at < earliest.0 {
                *earliest = (at, until);
            }
        }
        let mut free = Vec::with_capacity(ready.len());
        let mut blocked = HashMap::<i64, Vec<Bson>>::new();
        for stored in ready {
            match first.get(&stored.event.subject) {
                Some((at, until)) if *at < stored.at => blocked.entry(*until).or_default().push(stored.id),
                _ => free.push(stored),
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

fn stored_event(raw: &RawDocumentBuf) -> Result<StoredEvent> {
    let parts = || {
        Ok(StoredEvent {
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
