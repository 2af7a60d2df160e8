//! One round of publishing: reads the next entries of the outbox, publishes their events, deletes them.

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
    /// After a pause, because this round has read less than a batch.
    AfterPause,
    /// At this time, in milliseconds since the Unix epoch, because an event is due then.
    At(i64),
    /// On the next notification.
    OnNotification,
}

pub(super) struct Round<'a> {
    pub service: &'a Service,
    pub publisher: &'a Arc<dyn Publisher>,
    /// The maximum number of events in one call of the publisher.
    pub batch: u32,
    pub position: &'a mut Position,
}

/// An entry of the outbox.
struct Entry {
    id: Bson,
    at: Timestamp,
    /// The events that can be published now.
    events: Vec<Event>,
    /// The events that wait behind a timer, if there are any.
    blocked: Option<Blocked>,
}

/// Events that wait behind a timer of their subject.
struct Blocked {
    /// The time they wait for, in milliseconds since the Unix epoch.
    until: i64,
    events: Vec<Event>,
}

impl Round<'_> {
    /// Publishes the next events. If `cancelled` completes first, its reason is the error.
    pub async fn run(
        mut self,
        cancelled: impl Future<Output = &'static str>,
    ) -> std::result::Result<NextRound, String> {
        let next = self
            .next()
            .await
            .map_err(|error| format!("MongoDB failed: {error}"))?;
        let mut entries = match next {
            Ok(entries) => entries,
            Err(next) => return Ok(next),
        };
        let mut next = NextRound::Now;
        if let Some(last) = entries.last().map(|entry| entry.at) {
            let read = |entry: &Entry| {
                let blocked = entry.blocked.as_ref().map_or(0, |blocked| blocked.events.len());
                entry.events.len() + blocked
            };
            if entries.iter().map(read).sum::<usize>() < self.batch() {
                next = NextRound::AfterPause;
            }
            let events = entries
                .iter_mut()
                .flat_map(|entry| std::mem::take(&mut entry.events));
            let events = events.collect();
            tokio::select! {
                // First of all, so that a relay whose lease has ended publishes nothing, however fast that is.
                biased;
                reason = cancelled => return Err(reason.into()),
                published = self.publish(events) => published?,
            }
            self.forget(entries).await.map_err(|error| {
                format!("published events could not be deleted, so they are published again: {error}")
            })?;
            self.position.advance(last);
        }
        Ok(next)
    }

    fn batch(&self) -> usize {
        usize::try_from(self.batch).unwrap_or(usize::MAX).max(1)
    }

    async fn publish(&self, mut events: Vec<Event>) -> std::result::Result<(), String> {
        let batch = self.batch();
        while !events.is_empty() {
            let rest = events.split_off(events.len().min(batch));
            self.publisher.publish(events).await?;
            events = rest;
        }
        Ok(())
    }

    /// Deletes the published entries. Blocked events stay in theirs.
    async fn forget(&self, entries: Vec<Entry>) -> Result<()> {
        let mut published = Vec::with_capacity(entries.len());
        for Entry { id, blocked, .. } in entries {
            let Some(Blocked { until, events }) = blocked else {
                published.push(id);
                continue;
            };
            let events: Vec<_> = events.iter().map(outbox::encode_event).collect();
            let wait = doc! { "$set": { "w": until, "e": events } };
            self.service.outbox.update_one(doc! { "_id": id }, wait).await?;
        }
        if !published.is_empty() {
            let published = doc! { "_id": { "$in": published } };
            self.service.outbox.delete_many(published).await?;
        }
        Ok(())
    }

    /// Returns the entries that can be published now, in order. If there are none, the inner error says when
    /// the next round is due.
    async fn next(&mut self) -> Result<std::result::Result<Vec<Entry>, NextRound>> {
        // All reads use one snapshot, so entries that are committed later are behind all entries that they
        // return.
        let mut session = self
            .service
            .outbox
            .client()
            .start_session()
            .snapshot(true)
            .await?;
        // Read the ready entries first and the waiting ones second, because a later read misses nothing that
        // an earlier one shows. In the other order a timer that is committed in between could be missing, and
        // the events behind it would be published too early.
        let from = self.position.next(Instant::now());
        let ready = self.ready(&mut session, from).await?;
        let now = now();
        let due = self.first_due(&mut session).await?;
        if due.is_some_and(|due| due <= now) {
            let due = doc! { "w": { "$gt": 0_i64, "$lte": now } };
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
        self.block(&mut session, ready).await.map(Ok)
    }

    /// Returns the due time of the first waiting entry.
    async fn first_due(&self, session: &mut ClientSession) -> Result<Option<i64>> {
        let first = self
            .service
            .outbox
            .find_one(doc! { "w": { "$gt": 0_i64 } })
            .sort(doc! { "w": 1 })
            .projection(doc! { "w": 1 });
        let first = first.session(session).await?;
        Ok(first.and_then(|first| first.get_i64("w").ok()))
    }

    /// Returns the next entries that are ready, until they have as many events as a batch.
    async fn ready(&self, session: &mut ClientSession, from: Option<Timestamp>) -> Result<Vec<Entry>> {
        let mut ready = doc! { "w": 0_i64 };
        if let Some(from) = from {
            ready.insert("at", doc! { "$gte": from });
        }
        let find = self.service.outbox.find(ready).sort(doc! { "at": 1 });
        let mut cursor = find.limit(self.batch.into()).session(&mut *session).await?;
        let mut stream = cursor.stream(session);
        let (mut entries, mut events) = (Vec::new(), 0);
        while events < self.batch()
            && let Some(raw) = stream.try_next().await?
        {
            let entry = entry(&raw).map_err(damaged)?;
            events += entry.events.len();
            entries.push(entry);
        }
        Ok(entries)
    }

    /// Blocks the events that are behind a waiting event of their subject. They then wait for the same time.
    async fn block(&self, session: &mut ClientSession, mut ready: Vec<Entry>) -> Result<Vec<Entry>> {
        let waiting = self.waiting(session, &ready).await?;
        for entry in &mut ready {
            let is_behind = |event: &mut Event| {
                let first = waiting.get(&event.subject);
                first.is_some_and(|(at, _)| *at < entry.at)
            };
            let events: Vec<_> = entry.events.extract_if(.., is_behind).collect();
            let until = |event: &Event| waiting.get(&event.subject).map(|(_, until)| *until);
            if let Some(until) = events.iter().filter_map(until).min() {
                entry.blocked = Some(Blocked { until, events });
            }
        }
        Ok(ready)
    }

    /// Returns the first waiting entry of each subject of these entries, and the time it waits for.
    async fn waiting(
        &self,
        session: &mut ClientSession,
        ready: &[Entry],
    ) -> Result<HashMap<String, (Timestamp, i64)>> {
        let events = ready.iter().flat_map(|entry| &entry.events);
        let subjects = events.map(|event| event.subject.as_str()).collect::<Vec<_>>();
        let waiting = doc! { "e.s": { "$in": subjects }, "w": { "$gt": 0_i64 } };
        let mut cursor = self.service.outbox.find(waiting).session(&mut *session).await?;
        let mut stream = cursor.stream(session);
        let mut first = HashMap::<String, (Timestamp, i64)>::new();
        while let Some(raw) = stream.try_next().await? {
            let until = raw.get_i64("w").map_err(damaged)?;
            let Entry { at, events, .. } = entry(&raw).map_err(damaged)?;
            for event in events {
                let earliest = first.entry(event.subject).or_insert((at, until));
                if at < earliest.0 {
                    *earliest = (at, until);
                }
            }
        }
        Ok(first)
    }
}

fn entry(raw: &RawDocumentBuf) -> mongodb::bson::error::Result<Entry> {
    Ok(Entry {
        id: raw
            .get("_id")?
            .map(Bson::try_from)
            .transpose()?
            .unwrap_or_default(),
        at: raw.get_timestamp("at")?,
        events: outbox::decode(raw)?,
        blocked: None,
    })
}

fn damaged(error: mongodb::bson::error::Error) -> Error {
    Error::custom(format!("an event of the outbox is damaged: {error}"))
}
