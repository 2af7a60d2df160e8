//! The outbox: one row for each event and each of its subscribers, written in the transaction of the change that the event
//! tells of. Only the first row of a subscriber and subject may be delivered; the others wait behind it.

use std::collections::{BTreeMap, HashSet};

use mercato_ports::documents::CommitFailure;
use mercato_ports::events::{DeadLetter, Event};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{now, unavailable};

/// Who is told of which kind of event.
pub(crate) type Subscriptions = BTreeMap<String, Vec<String>>;

/// An event on its way to one subscriber.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    /// Its place in the order of commits.
    pub seq: i64,
    pub subscriber: String,
    pub event: Event,
    /// How often it was tried.
    pub attempts: u32,
    /// Milliseconds since the Unix epoch.
    pub not_before: i64,
}

/// What became of an attempt.
#[derive(Debug)]
pub(crate) enum Outcome {
    Done,
    /// To be tried again, not before this time (milliseconds since the Unix epoch).
    Again(i64),
    /// Among the dead letters, for this reason.
    Dead(String),
}

/// Adds an event for all who subscribe to its kind.
pub(crate) fn enqueue(
    connection: &Connection,
    subscriptions: &Subscriptions,
    event: &Event,
) -> Result<(), CommitFailure> {
    for subscriber in subscriptions.get(&event.kind).into_iter().flatten() {
        insert(connection, subscriber, event).map_err(|error| CommitFailure::Failed(unavailable(error)))?;
    }
    Ok(())
}

fn insert(connection: &Connection, subscriber: &str, event: &Event) -> rusqlite::Result<()> {
    let due = event.due.map(u64::cast_signed);
    connection
        .prepare_cached(
            "INSERT INTO deliveries (subscriber, subject, id, kind, time, due, data, not_before, state) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, \
             EXISTS (SELECT 1 FROM deliveries WHERE subscriber = ?1 AND subject = ?2 AND state < 2))",
        )?
        .execute(params![
            subscriber,
            event.subject,
            event.id,
            event.kind,
            event.time.cast_signed(),
            due,
            event.data,
            due.unwrap_or_else(now),
        ])
        .map(drop)
}

const COLUMNS: &str = "seq, subscriber, attempts, not_before, reason, id, kind, subject, time, due, data";

fn delivery(row: &Row) -> rusqlite::Result<Delivery> {
    Ok(Delivery {
        seq: row.get(0)?,
        subscriber: row.get(1)?,
        attempts: row.get(2)?,
        not_before: row.get(3)?,
        event: Event {
            id: row.get(5)?,
            kind: row.get(6)?,
            subject: row.get(7)?,
            time: row.get::<_, i64>(8)?.cast_unsigned(),
            due: row.get::<_, Option<i64>>(9)?.map(i64::cast_unsigned),
            data: row.get(10)?,
        },
    })
}

/// The next deliveries in order of time, the first that is not due yet included, without those that are being made.
pub(crate) fn next(
    connection: &Connection,
    limit: usize,
    running: &HashSet<i64>,
) -> rusqlite::Result<Vec<Delivery>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM deliveries WHERE state = 0 ORDER BY not_before, seq"
    ))?;
    let mut rows = statement.query(())?;
    let mut next = Vec::new();
    while next.len() < limit
        && let Some(row) = rows.next()?
    {
        if running.contains(&row.get(0)?) {
            continue;
        }
        let delivery = delivery(row)?;
        let due = delivery.not_before <= now();
        next.push(delivery);
        if !due {
            break;
        }
    }
    Ok(next)
}

/// Keeps what became of an attempt, and lets the next of its subject pass where it is over.
pub(crate) fn settle(
    connection: &Connection,
    delivery: &Delivery,
    outcome: &Outcome,
) -> rusqlite::Result<()> {
    match outcome {
        Outcome::Again(not_before) => {
            let sql = "UPDATE deliveries SET attempts = attempts + 1, not_before = ? WHERE seq = ?";
            connection
                .prepare_cached(sql)?
                .execute(params![not_before, delivery.seq])?;
            return Ok(());
        }
        Outcome::Done => {
            connection
                .prepare_cached("DELETE FROM deliveries WHERE seq = ?")?
                .execute([delivery.seq])?;
        }
        Outcome::Dead(reason) => {
            let sql = "UPDATE deliveries SET attempts = attempts + 1, state = 2, reason = ? WHERE seq = ?";
            connection
                .prepare_cached(sql)?
                .execute(params![reason, delivery.seq])?;
        }
    }
    connection
        .prepare_cached(
            "UPDATE deliveries SET state = 0 WHERE seq = \
             (SELECT min(seq) FROM deliveries WHERE subscriber = ? AND subject = ? AND state < 2)",
        )?
        .execute([&delivery.subscriber, &delivery.event.subject])?;
    Ok(())
}

/// The oldest dead letters.
pub(crate) fn dead(connection: &Connection, limit: u32) -> rusqlite::Result<Vec<DeadLetter>> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM deliveries WHERE state = 2 ORDER BY seq LIMIT ?"
        ))?
        .query_map([limit], |row| {
            let Delivery {
                seq,
                subscriber,
                event,
                attempts,
                ..
            } = delivery(row)?;
            let reason = row.get::<_, Option<String>>(4)?.unwrap_or_default();
            Ok(DeadLetter {
                id: seq.cast_unsigned(),
                subscriber,
                event,
                attempts,
                reason,
            })
        })?
        .collect()
}

/// Puts a dead letter at the end of its subject's queue; whether there was one.
pub(crate) fn replay(connection: &Connection, seq: i64) -> rusqlite::Result<bool> {
    let sql = format!("SELECT {COLUMNS} FROM deliveries WHERE seq = ? AND state = 2");
    let Some(letter) = connection
        .prepare_cached(&sql)?
        .query_row([seq], delivery)
        .optional()?
    else {
        return Ok(false);
    };
    connection
        .prepare_cached("DELETE FROM deliveries WHERE seq = ?")?
        .execute([seq])?;
    insert(connection, &letter.subscriber, &letter.event)?;
    Ok(true)
}
