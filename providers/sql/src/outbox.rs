//! The outbox: one row for each event and each of its subscribers, written in the transaction of the change that the event
//! tells of. Only the first row of a subscriber and subject may be delivered; the others wait behind it.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;
use std::time::Duration;

use mercato_ports::events::{DeadLetter, Event, HandlerFailure};

use crate::connection::{Connection, Row, Value};

/// Who is told of which kind of event.
pub type Subscriptions = BTreeMap<String, Vec<String>>;

/// An event on its way to one subscriber.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its place in the order of commits.
    pub seq: i64,
    /// Who is told.
    pub subscriber: String,
    /// Of what.
    pub event: Event,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is due, in milliseconds since the Unix epoch.
    pub not_before: i64,
}

/// What became of an attempt.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is delivered.
    Done,
    /// To be tried again, not before this time (milliseconds since the Unix epoch).
    Again(i64),
    /// Among the dead letters, for this reason.
    Dead(String),
}

/// How often an event is tried, and how long it waits in between.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// After so many attempts an event goes to the dead letters.
    pub attempts: u32,
    /// How long to wait after the first failed attempt; doubled after each further one.
    pub backoff: Duration,
    /// The longest wait between two attempts.
    pub longest_backoff: Duration,
}

impl Default for Patience {
    /// Ten attempts within about nine minutes.
    fn default() -> Self {
        Self {
            attempts: 10,
            backoff: Duration::from_secs(1),
            longest_backoff: Duration::from_mins(5),
        }
    }
}

impl Patience {
    /// What a subscriber's answer means for a delivery.
    #[must_use]
    pub fn judge(&self, delivery: &Delivery, answer: Result<(), HandlerFailure>, now: i64) -> Outcome {
        match answer {
            Ok(()) => Outcome::Done,
            Err(HandlerFailure::Retry(_)) if delivery.attempts.saturating_add(1) < self.attempts => {
                let factor = 1_u32.checked_shl(delivery.attempts).unwrap_or(u32::MAX);
                let wait = self.backoff.saturating_mul(factor).min(self.longest_backoff);
                Outcome::Again(now.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)))
            }
            Err(HandlerFailure::Retry(reason) | HandlerFailure::Reject(reason)) => Outcome::Dead(reason),
        }
    }
}

/// Adds an event for all who subscribe to its kind. `now` is in milliseconds since the Unix epoch, here as everywhere.
///
/// # Errors
/// As SQLite fails.
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

/// The next deliveries in order of time, the first that is not due yet included, without those that are being made.
///
/// # Errors
/// As SQLite fails.
pub fn next<C: Connection>(
    connection: &C,
    limit: usize,
    running: &HashSet<i64>,
    now: i64,
) -> Result<Vec<Delivery>, C::Error> {
    let sql = format!("SELECT {COLUMNS} FROM deliveries WHERE state = 0 ORDER BY not_before, seq LIMIT ?");
    // The others of a long queue are not for now.
    let enough = i64::try_from(limit.saturating_add(running.len())).unwrap_or(i64::MAX);
    let mut next = Vec::new();
    connection.run(&sql, &[enough.into()], &mut |row| {
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

/// Selects the delivery that is due first.
const DUE: &str =
    "SELECT seq FROM deliveries WHERE state = 0 AND not_before <= ? ORDER BY not_before, seq LIMIT 1";

/// Whether a delivery is due.
///
/// # Errors
/// As SQLite fails.
pub fn is_due<C: Connection>(connection: &C, now: i64) -> Result<bool, C::Error> {
    Ok(connection.first(DUE, &[now.into()], |_| Ok(()))?.is_some())
}

/// Takes the delivery that is due first, so that nobody else does before the time `until`: for those who deliver beside each
/// other. If it is not settled by then, whoever took it has ended, and it is due again.
///
/// # Errors
/// As SQLite fails.
pub fn claim<C: Connection>(connection: &C, now: i64, until: i64) -> Result<Option<Delivery>, C::Error> {
    // Most often there is none, and a look waits for no one who writes.
    if !is_due(connection, now)? {
        return Ok(None);
    }
    let sql = format!("UPDATE deliveries SET not_before = ? WHERE seq = ({DUE}) RETURNING {COLUMNS}");
    connection.first(&sql, &[until.into(), now.into()], delivery)
}

/// Keeps what became of an attempt, and lets the next of its subject pass where it is over.
///
/// # Errors
/// As SQLite fails.
pub fn settle<C: Connection>(connection: &C, delivery: &Delivery, outcome: &Outcome) -> Result<(), C::Error> {
    let seq = Value::Integer(delivery.seq);
    match outcome {
        Outcome::Again(not_before) => {
            let sql = "UPDATE deliveries SET attempts = attempts + 1, not_before = ? WHERE seq = ?";
            return connection.execute(sql, &[(*not_before).into(), seq]);
        }
        Outcome::Done => connection.execute("DELETE FROM deliveries WHERE seq = ?", &[seq])?,
        Outcome::Dead(reason) => {
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

/// The oldest dead letters.
///
/// # Errors
/// As SQLite fails.
pub fn dead<C: Connection>(connection: &C, limit: u32) -> Result<Vec<DeadLetter>, C::Error> {
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

/// Puts a dead letter at the end of its subject's queue; whether there was one.
///
/// # Errors
/// As SQLite fails.
pub fn replay<C: Connection>(connection: &C, seq: i64, now: i64) -> Result<bool, C::Error> {
    let sql = format!("SELECT {COLUMNS} FROM deliveries WHERE seq = ? AND state = 2");
    let Some(letter) = connection.first(&sql, &[seq.into()], delivery)? else {
        return Ok(false);
    };
    connection.execute("DELETE FROM deliveries WHERE seq = ?", &[seq.into()])?;
    insert(connection, &letter.subscriber, &letter.event, now)?;
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
        let subscriptions = [("happened".to_owned(), vec!["orders".to_owned()])].into();
        for (number, subject) in subjects.iter().enumerate() {
            let event = Event {
                id: number.to_string(),
                kind: "happened".into(),
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
    fn what_is_taken_is_nobody_elses_until_its_time_has_passed() {
        let connection = outbox(&["a", "b"]);
        assert_eq!(claimed(&connection, 999), None);
        assert_eq!(claimed(&connection, 1_000).as_deref(), Some("0"));
        assert_eq!(claimed(&connection, 1_050).as_deref(), Some("1"));
        assert_eq!(claimed(&connection, 1_050), None);
        assert_eq!(claimed(&connection, 1_100).as_deref(), Some("0"));
    }

    #[test]
    fn a_failed_attempt_waits_longer_each_time_until_patience_ends() {
        let connection = outbox(&["a"]);
        let mut delivery = claim(&connection, 1_000, 1_100).unwrap().unwrap();
        let patience = Patience {
            attempts: 4,
            longest_backoff: Duration::from_secs(3),
            ..Patience::default()
        };
        let mut waits = Vec::new();
        for attempts in 0..4 {
            delivery.attempts = attempts;
            let answer = Err(HandlerFailure::Retry("away".into()));
            waits.push(patience.judge(&delivery, answer, 0));
        }
        let again = [1_000, 2_000, 3_000].map(Outcome::Again);
        assert_eq!(waits[..3], again);
        assert_eq!(waits[3], Outcome::Dead("away".into()));
    }

    #[test]
    fn the_next_of_a_subject_waits_until_the_first_is_settled() {
        let connection = outbox(&["a", "a"]);
        let first = claim(&connection, 1_000, 1_100).unwrap().unwrap();
        assert_eq!(claimed(&connection, 1_000), None);
        settle(&connection, &first, &Outcome::Again(2_000)).unwrap();
        assert_eq!(claimed(&connection, 1_999), None);
        assert_eq!(claimed(&connection, 2_000).as_deref(), Some("0"));
        settle(&connection, &first, &Outcome::Done).unwrap();
        assert_eq!(claimed(&connection, 2_000).as_deref(), Some("1"));
    }
}
