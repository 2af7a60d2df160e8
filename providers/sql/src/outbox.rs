//! The outbox: one row for each event and each of its subscribers, written in the transaction of the change
//! that the event reports. Only the first row of a subscriber and subject may be delivered; the others wait
//! behind it.
//!
//! All times are in milliseconds since the Unix epoch.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;
use std::time::Duration;

use mercato_ports::events::{DeadLetter, Event, HandlerFailure};

use crate::connection::{Connection, Row, Value};

/// The subscribers of each kind of event.
pub type Subscriptions = BTreeMap<String, Vec<String>>;

/// One event for one subscriber.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The sequence number, in the order of commits.
    pub seq: i64,
    /// The name of the subscriber.
    pub subscriber: String,
    /// The event.
    pub event: Event,
    /// The number of attempts that were made.
    pub attempts: u32,
    /// The time when it is due.
    pub not_before: i64,
}

/// The result of an attempt to deliver an event.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The subscriber accepted the event.
    Delivered,
    /// The event is to be delivered again, not before this time.
    RetryAt(i64),
    /// The event becomes a dead letter, for this reason.
    DeadLetter(String),
}

/// How often a delivery is attempted, and how long it waits between attempts.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    /// The number of attempts after which an event becomes a dead letter.
    pub attempts: u32,
    /// The wait after the first failed attempt. It doubles with each further one.
    pub backoff: Duration,
    /// The longest wait between two attempts.
    pub max_backoff: Duration,
}

impl Default for RetryPolicy {
    /// Returns a policy of ten attempts within about nine minutes.
    fn default() -> Self {
        Self {
            attempts: 10,
            backoff: Duration::from_secs(1),
            max_backoff: Duration::from_mins(5),
        }
    }
}

impl RetryPolicy {
    /// Decides the outcome of a delivery from the answer of its subscriber.
    #[must_use]
    pub fn outcome(&self, delivery: &Delivery, answer: Result<(), HandlerFailure>, now: i64) -> Outcome {
        match answer {
            Ok(()) => Outcome::Delivered,
            Err(HandlerFailure::Retry(_)) if delivery.attempts.saturating_add(1) < self.attempts => {
                let factor = 1_u32.checked_shl(delivery.attempts).unwrap_or(u32::MAX);
                let wait = self.backoff.saturating_mul(factor).min(self.max_backoff);
                Outcome::RetryAt(now.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)))
            }
            Err(HandlerFailure::Retry(reason) | HandlerFailure::Reject(reason)) => {
                Outcome::DeadLetter(reason)
            }
        }
    }
}

/// Adds a delivery of an event for each subscriber of its kind.
///
/// # Errors
/// If SQLite fails.
pub fn enqueue<C: Connection>(
    connection: &C,
    subscriptions: &Subscriptions,
    event: &Event,
    now: i64,
) -> Result<(), C::Error> {
    for subscriber in subscriptions.get(&event.kind).into_iter().flatten() {
        insert(connection, subscriber, event, now)?;
    }
    Ok(())
}

fn insert<C: Connection>(connection: &C, subscriber: &str, event: &Event, now: i64) -> Result<(), C::Error> {
    let due = event.due.map(u64::cast_signed);
    connection.execute(
        "INSERT INTO deliveries (subscriber, subject, id, kind, time, due, data, not_before, state) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, \
         EXISTS (SELECT 1 FROM deliveries WHERE subscriber = ?1 AND subject = ?2 AND state < 2))",
        &[
            subscriber.into(),
            event.subject.as_str().into(),
            event.id.as_str().into(),
            event.kind.as_str().into(),
            event.time.cast_signed().into(),
            due.into(),
            event.data.as_str().into(),
            due.unwrap_or(now).into(),
        ],
    )
}

const COLUMNS: &str = "seq, subscriber, attempts, not_before, reason, id, kind, subject, time, due, data";

fn delivery<E>(row: &dyn Row<E>) -> Result<Delivery, E> {
    Ok(Delivery {
        seq: row.cell(0)?.integer(),
        subscriber: row.cell(1)?.text(),
        attempts: u32::try_from(row.cell(2)?.integer()).unwrap_or(u32::MAX),
        not_before: row.cell(3)?.integer(),
        event: Event {
            id: row.cell(5)?.text(),
            kind: row.cell(6)?.text(),
            subject: row.cell(7)?.text(),
            time: row.cell(8)?.integer().cast_unsigned(),
            due: row.cell(9)?.optional().map(i64::cast_unsigned),
            data: row.cell(10)?.text(),
        },
    })
}

/// Returns the next deliveries in the order of their due times, without those that are `running`. The last
/// one may be not due yet: it says when the next delivery becomes due.
///
/// # Errors
/// If SQLite fails.
pub fn next<C: Connection>(
    connection: &C,
    limit: usize,
    running: &HashSet<i64>,
    now: i64,
) -> Result<Vec<Delivery>, C::Error> {
    let sql = format!("SELECT {COLUMNS} FROM deliveries WHERE state = 0 ORDER BY not_before, seq LIMIT ?");
    // This many rows are enough, however long the queue is.
    let rows = i64::try_from(limit.saturating_add(running.len())).unwrap_or(i64::MAX);
    let mut next = Vec::new();
    connection.run(&sql, &[rows.into()], &mut |row| {
        if running.contains(&row.cell(0)?.integer()) {
            return Ok(ControlFlow::Continue(()));
        }
        let delivery = delivery(row)?;
        let due = delivery.not_before <= now;
        next.push(delivery);
        Ok(if due && next.len() < limit {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        })
    })?;
    Ok(next)
}

/// Selects the earliest delivery that is due.
const DUE: &str =
    "SELECT seq FROM deliveries WHERE state = 0 AND not_before <= ? ORDER BY not_before, seq LIMIT 1";

/// Returns whether any delivery is due.
///
/// # Errors
/// If SQLite fails.
pub fn is_due<C: Connection>(connection: &C, now: i64) -> Result<bool, C::Error> {
    Ok(connection.first(DUE, &[now.into()], |_| Ok(()))?.is_some())
}

/// Leases the earliest due delivery until the time `until`, for relays that run side by side. If the delivery
/// is not settled by then, its relay has crashed, and the delivery is due again.
///
/// # Errors
/// If SQLite fails.
pub fn claim<C: Connection>(connection: &C, now: i64, until: i64) -> Result<Option<Delivery>, C::Error> {
    // Usually no delivery is due, and a read does not wait for writers.
    if !is_due(connection, now)? {
        return Ok(None);
    }
    let sql = format!("UPDATE deliveries SET not_before = ? WHERE seq = ({DUE}) RETURNING {COLUMNS}");
    connection.first(&sql, &[until.into(), now.into()], delivery)
}

/// Records the outcome of an attempt. Unless the delivery is retried, the next one of its subject becomes
/// ready.
///
/// # Errors
/// If SQLite fails.
pub fn settle<C: Connection>(connection: &C, delivery: &Delivery, outcome: &Outcome) -> Result<(), C::Error> {
    let seq = Value::Integer(delivery.seq);
    match outcome {
        Outcome::RetryAt(not_before) => {
            let sql = "UPDATE deliveries SET attempts = attempts + 1, not_before = ? WHERE seq = ?";
            return connection.execute(sql, &[(*not_before).into(), seq]);
        }
        Outcome::Delivered => connection.execute("DELETE FROM deliveries WHERE seq = ?", &[seq])?,
        Outcome::DeadLetter(reason) => {
            let sql = "UPDATE deliveries SET attempts = attempts + 1, state = 2, reason = ? WHERE seq = ?";
            connection.execute(sql, &[reason.as_str().into(), seq])?;
        }
    }
    connection.execute(
        "UPDATE deliveries SET state = 0 WHERE seq = \
         (SELECT min(seq) FROM deliveries WHERE subscriber = ? AND subject = ? AND state < 2)",
        &[
            delivery.subscriber.as_str().into(),
            delivery.event.subject.as_str().into(),
        ],
    )
}

/// Returns the oldest dead letters.
///
/// # Errors
/// If SQLite fails.
pub fn dead_letters<C: Connection>(connection: &C, limit: u32) -> Result<Vec<DeadLetter>, C::Error> {
    let sql = format!("SELECT {COLUMNS} FROM deliveries WHERE state = 2 ORDER BY seq LIMIT ?");
    connection.all(&sql, &[i64::from(limit).into()], |row| {
        let reason = row.cell(4)?;
        let Delivery {
            seq,
            subscriber,
            event,
            attempts,
            ..
        } = delivery(row)?;
        Ok(DeadLetter {
            id: seq.cast_unsigned(),
            subscriber,
            event,
            attempts,
            reason: reason.text(),
        })
    })
}

/// Moves a dead letter to the end of its subject's queue. Returns false if there is no such dead letter.
///
/// # Errors
/// If SQLite fails.
pub fn replay<C: Connection>(connection: &C, seq: i64, now: i64) -> Result<bool, C::Error> {
    let sql = format!("SELECT {COLUMNS} FROM deliveries WHERE seq = ? AND state = 2");
    let Some(dead_letter) = connection.first(&sql, &[seq.into()], delivery)? else {
        return Ok(false);
    };
    connection.execute("DELETE FROM deliveries WHERE seq = ?", &[seq.into()])?;
    insert(connection, &dead_letter.subscriber, &dead_letter.event, now)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::migrate;
    use crate::testing::Memory;

    fn outbox(subjects: &[&str]) -> Memory {
        let connection = Memory::new();
        migrate(&connection, [].into_iter(), &|_| {}).unwrap();
        let subscriptions = [("order-placed".to_owned(), vec!["orders".to_owned()])].into();
        for (number, subject) in subjects.iter().enumerate() {
            let event = Event {
                id: number.to_string(),
                kind: "order-placed".into(),
                subject: (*subject).to_owned(),
                time: 1,
                due: None,
                data: "{}".into(),
            };
            enqueue(&connection, &subscriptions, &event, 1_000).unwrap();
        }
        connection
    }

    fn claimed(connection: &Memory, now: i64) -> Option<String> {
        let claimed = claim(connection, now, now + 100).unwrap();
        claimed.map(|delivery| delivery.event.id)
    }

    #[test]
    fn a_claimed_delivery_is_not_claimed_again_before_its_lease_ends() {
        let connection = outbox(&["a", "b"]);
        assert_eq!(claimed(&connection, 999), None);
        assert_eq!(claimed(&connection, 1_000).as_deref(), Some("0"));
        assert_eq!(claimed(&connection, 1_050).as_deref(), Some("1"));
        assert_eq!(claimed(&connection, 1_050), None);
        assert_eq!(claimed(&connection, 1_100).as_deref(), Some("0"));
    }

    #[test]
    fn a_failed_delivery_waits_longer_each_time_and_becomes_a_dead_letter() {
        let connection = outbox(&["a"]);
        let mut delivery = claim(&connection, 1_000, 1_100).unwrap().unwrap();
        let policy = RetryPolicy {
            attempts: 4,
            max_backoff: Duration::from_secs(3),
            ..RetryPolicy::default()
        };
        let mut outcomes = Vec::new();
        for attempts in 0..4 {
            delivery.attempts = attempts;
            let answer = Err(HandlerFailure::Retry("unavailable".into()));
            outcomes.push(policy.outcome(&delivery, answer, 0));
        }
        assert_eq!(outcomes[..3], [1_000, 2_000, 3_000].map(Outcome::RetryAt));
        assert_eq!(outcomes[3], Outcome::DeadLetter("unavailable".into()));
    }

    #[test]
    fn a_delivery_waits_until_the_previous_one_of_its_subject_is_settled() {
        let connection = outbox(&["a", "a"]);
        let first = claim(&connection, 1_000, 1_100).unwrap().unwrap();
        assert_eq!(claimed(&connection, 1_000), None);
        settle(&connection, &first, &Outcome::RetryAt(2_000)).unwrap();
        assert_eq!(claimed(&connection, 1_999), None);
        assert_eq!(claimed(&connection, 2_000).as_deref(), Some("0"));
        settle(&connection, &first, &Outcome::Delivered).unwrap();
        assert_eq!(claimed(&connection, 2_000).as_deref(), Some("1"));
    }
}
