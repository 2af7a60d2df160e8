//! The outbox: one row for each event and each of its subscribers, written in the transaction of the change
//! that the event reports. Only the first row of a subscriber and subject may be delivered; the others wait
//! behind it.
//!
//! All times are in milliseconds since the Unix epoch.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;
use std::time::Duration;

use mercato_ports::events::{DeadLetter, DeliveryFailure, Event, HandlerFailure};

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
    /// The subscriber was not reached. The event is to be delivered again, not before this time.
    PostponedTo(i64),
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
    /// The wait if the subscriber was not reached.
    pub unreachable_wait: Duration,
    /// For how long an event waits for an unreachable subscriber. After this, each delivery is an attempt.
    pub unreachable_limit: Duration,
}

impl Default for RetryPolicy {
    /// Returns a policy of ten attempts within about nine minutes.
    fn default() -> Self {
        Self {
            attempts: 10,
            backoff: Duration::from_secs(1),
            max_backoff: Duration::from_mins(5),
            unreachable_wait: Duration::from_secs(5),
            unreachable_limit: Duration::from_hours(1),
        }
    }
}

impl RetryPolicy {
    /// Decides the outcome of a delivery from the answer of its subscriber.
    #[must_use]
    pub fn outcome(&self, delivery: &Delivery, answer: Result<(), DeliveryFailure>, now: i64) -> Outcome {
        let later = |wait: Duration| now.saturating_add(millis(wait));
        let failure = match answer {
            Ok(()) => return Outcome::Delivered,
            Err(DeliveryFailure::Unreachable(_)) if now < self.unreachable_until(&delivery.event) => {
                return Outcome::PostponedTo(later(self.unreachable_wait));
            }
            Err(DeliveryFailure::Unreachable(reason)) => HandlerFailure::Retry(reason),
            Err(DeliveryFailure::Handler(failure)) => failure,
        };
        match failure {
            HandlerFailure::Retry(_) if delivery.attempts.saturating_add(1) < self.attempts => {
                let factor = 1_u32.checked_shl(delivery.attempts).unwrap_or(u32::MAX);
                let wait = self.backoff.saturating_mul(factor).min(self.max_backoff);
                Outcome::RetryAt(later(wait))
            }
            HandlerFailure::Retry(reason) | HandlerFailure::Reject(reason) => Outcome::DeadLetter(reason),
        }
    }

    /// Returns until when an event waits for an unreachable subscriber.
    fn unreachable_until(&self, event: &Event) -> i64 {
        let begin = event.due.unwrap_or(event.time).max(event.time).cast_signed();
        begin.saturating_add(millis(self.unreachable_limit))
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Adds a delivery of an event for each subscriber of its kind. It is due at the time `not_before`.
///
/// # Errors
/// If SQLite fails.
pub fn enqueue<C: Connection>(
    connection: &C,
    subscriptions: &Subscriptions,
    event: &Event,
    not_before: i64,
) -> Result<(), C::Error> {
    for subscriber in subscriptions.get(&event.kind).into_iter().flatten() {
        insert(connection, subscriber, event, not_before)?;
    }
    Ok(())
}

fn insert<C: Connection>(
    connection: &C,
    subscriber: &str,
    event: &Event,
    not_before: i64,
) -> Result<(), C::Error> {
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
            not_before.into(),
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

/// Visits the next deliveries in the order of their due times, without those that are `running`, until a visit
/// returns [`ControlFlow::Break`].
///
/// # Errors
/// If SQLite fails.
pub fn visit_next<C: Connection>(
    connection: &C,
    running: &HashSet<i64>,
    visit: &mut dyn FnMut(Delivery) -> ControlFlow<()>,
) -> Result<(), C::Error> {
    let sql = format!("SELECT {COLUMNS} FROM deliveries WHERE state = 0 ORDER BY not_before, seq");
    connection.run(&sql, &[], &mut |row| {
        if running.contains(&row.cell(0)?.integer()) {
            return Ok(ControlFlow::Continue(()));
        }
        Ok(visit(delivery(row)?))
    })
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
        Outcome::PostponedTo(not_before) => {
            let sql = "UPDATE deliveries SET not_before = ? WHERE seq = ?";
            return connection.execute(sql, &[(*not_before).into(), seq]);
        }
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

/// Makes deliveries due that wait for a time that only a wrong clock can have set. Such a time is later than
/// their own due time, and than every wait of the policy.
///
/// # Errors
/// If SQLite fails.
pub fn shorten_waits<C: Connection>(connection: &C, policy: &RetryPolicy, now: i64) -> Result<(), C::Error> {
    let longest = policy.max_backoff.max(policy.unreachable_wait);
    let sql = "UPDATE deliveries SET not_before = max(coalesce(due, 0), ?1) \
               WHERE state < 2 AND not_before > max(coalesce(due, 0), ?2)";
    connection.execute(sql, &[now.into(), now.saturating_add(millis(longest)).into()])
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
            let answer = Err(HandlerFailure::Retry("unavailable".into()).into());
            outcomes.push(policy.outcome(&delivery, answer, 0));
        }
        assert_eq!(outcomes[..3], [1_000, 2_000, 3_000].map(Outcome::RetryAt));
        assert_eq!(outcomes[3], Outcome::DeadLetter("unavailable".into()));
    }

    #[test]
    fn an_unreachable_subscriber_is_no_attempt_for_an_hour() {
        let connection = outbox(&["a"]);
        let mut delivery = claim(&connection, 1_000, 1_100).unwrap().unwrap();
        let policy = RetryPolicy {
            attempts: 2,
            ..RetryPolicy::default()
        };
        let outcome = |delivery: &Delivery, now| {
            policy.outcome(delivery, Err(DeliveryFailure::Unreachable("gone".into())), now)
        };
        // The event is of the time 1.
        assert_eq!(outcome(&delivery, 3_600_000), Outcome::PostponedTo(3_605_000));
        settle(&connection, &delivery, &Outcome::PostponedTo(2_000)).unwrap();
        delivery = claim(&connection, 2_000, 2_100).unwrap().unwrap();
        assert_eq!(delivery.attempts, 0);
        assert_eq!(outcome(&delivery, 3_600_001), Outcome::RetryAt(3_601_001));
        delivery.attempts = 1;
        assert_eq!(outcome(&delivery, 3_600_001), Outcome::DeadLetter("gone".into()));
        delivery.event.due = Some(5_000_000);
        assert_eq!(outcome(&delivery, 5_000_000), Outcome::PostponedTo(5_005_000));
    }

    #[test]
    fn a_wait_that_a_wrong_clock_has_set_is_shortened() {
        let connection = outbox(&["a", "b", "c"]);
        let jump = 600_000;
        let policy = RetryPolicy::default();
        for not_before in [1_000 + jump, 1_000 + 200_000] {
            let delivery = claim(&connection, 1_000, 1_000).unwrap().unwrap();
            settle(&connection, &delivery, &Outcome::PostponedTo(not_before)).unwrap();
        }
        let timer = Event {
            id: "timer".into(),
            kind: "order-placed".into(),
            subject: "d".into(),
            time: 1,
            due: Some(900_000),
            data: "{}".into(),
        };
        let subscriptions = [("order-placed".to_owned(), vec!["orders".to_owned()])].into();
        enqueue(&connection, &subscriptions, &timer, 900_000).unwrap();
        shorten_waits(&connection, &policy, 1_000).unwrap();
        let mut waits = Vec::new();
        let mut visit = |delivery: Delivery| {
            waits.push((delivery.event.id, delivery.not_before));
            ControlFlow::Continue(())
        };
        visit_next(&connection, &HashSet::new(), &mut visit).unwrap();
        let expected = [("0", 1_000), ("2", 1_000), ("1", 201_000), ("timer", 900_000)];
        assert_eq!(waits, expected.map(|(id, wait)| (id.to_owned(), wait)));
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
