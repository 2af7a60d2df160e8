//! The outbox, and the format of its events in MongoDB.
//!
//! | field | content |
//! |---|---|
//! | `at` | the logical time of the replica set, which the server sets (see below) |
//! | `p` | the partition of the subject |
//! | `w` | 0 if the event is ready; else the time it waits for, in milliseconds since the Unix epoch |
//! | `s`, `id`, `k`, `time`, `due`, `d` | the event: subject, id, kind, times, data |
//!
//! No two events have the same `at`. An event that was committed before a transaction began has a smaller
//! `at` than all events of that transaction.

use std::sync::LazyLock;

use mercato_ports::clock::Clock;
use mercato_ports::events::Event;
use mongodb::IndexModel;
use mongodb::bson::error::Result;
use mongodb::bson::{Document, RawDocument, Timestamp, doc};
use mongodb::options::IndexOptions;

/// The name of the collection. No declared collection begins with an underscore.
pub(crate) const COLLECTION: &str = "_outbox";

/// The number of partitions of subjects. It must be the same in all processes and must never change.
pub(crate) const PARTITIONS: i32 = 16;

/// Returns the partition of a subject, by its FNV-1a hash.
pub(crate) fn partition(subject: &str) -> i32 {
    let hash = subject.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    // The low bits of FNV-1a are its weakest.
    i32::try_from((hash ^ (hash >> 16)) % PARTITIONS.unsigned_abs()).unwrap_or_default()
}

/// The clock that decides which events are due.
static CLOCK: LazyLock<Clock> = LazyLock::new(Clock::default);

/// Returns the current time, in milliseconds since the Unix epoch.
pub(crate) fn now() -> i64 {
    CLOCK.now()
}

/// Encodes an event for MongoDB.
pub(crate) fn encode(event: &Event) -> Document {
    encode_by(&CLOCK, event)
}

fn encode_by(clock: &Clock, event: &Event) -> Document {
    let due = event.due.map(u64::cast_signed);
    let now = clock.now();
    let mut document = doc! {
        // The server replaces an empty timestamp with its logical time.
        "at": Timestamp { time: 0, increment: 0 },
        "p": partition(&event.subject),
        "w": due.map(|due| clock.at(due)).filter(|due| *due > now).unwrap_or(0),
        "s": &event.subject,
        "id": &event.id,
        "k": &event.kind,
        "time": event.time.cast_signed(),
        "d": &event.data,
    };
    if let Some(due) = due {
        document.insert("due", due);
    }
    document
}

/// Decodes an event from MongoDB.
pub(crate) fn decode(raw: &RawDocument) -> Result<Event> {
    Ok(Event {
        id: raw.get_str("id")?.to_owned(),
        kind: raw.get_str("k")?.to_owned(),
        subject: raw.get_str("s")?.to_owned(),
        time: raw.get_i64("time")?.cast_unsigned(),
        due: raw
            .get("due")?
            .and_then(|due| due.as_i64())
            .map(i64::cast_unsigned),
        data: raw.get_str("d")?.to_owned(),
    })
}

/// Returns the indexes for the relay: the order of events that are ready or wait, and the waiting events of a
/// subject.
pub(crate) fn indexes() -> [IndexModel; 2] {
    let behind = IndexOptions::builder()
        .name("behind".to_owned())
        .partial_filter_expression(doc! { "w": { "$gt": 0_i64 } })
        .build();
    let ready = IndexOptions::builder().name("ready".to_owned()).build();
    [
        IndexModel::builder()
            .keys(doc! { "w": 1, "p": 1, "at": 1 })
            .options(ready)
            .build(),
        IndexModel::builder()
            .keys(doc! { "s": 1, "at": 1 })
            .options(behind)
            .build(),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use mercato_ports::clock::ManualSource;
    use mongodb::bson::RawDocumentBuf;

    use super::*;

    /// Returns a clock at 50 ms.
    fn clock() -> Clock {
        let source = ManualSource::default();
        source.pass(std::time::Duration::from_millis(50));
        Clock::new(source)
    }

    fn event(due: Option<u64>) -> Event {
        Event {
            id: "1".into(),
            kind: "mercato.orders.order-placed".into(),
            subject: "o1".into(),
            time: 5,
            due,
            data: r#"{"a":1}"#.into(),
        }
    }

    #[test]
    fn decodes_an_encoded_event() {
        for event in [event(None), event(Some(0)), event(Some(99))] {
            let raw = RawDocumentBuf::try_from(&encode_by(&clock(), &event)).unwrap();
            assert_eq!(decode(&raw).unwrap(), event);
        }
    }

    #[test]
    fn only_an_event_that_is_not_due_yet_waits() {
        for (due, waits) in [(None, 0), (Some(50), 0), (Some(51), 51)] {
            assert_eq!(encode_by(&clock(), &event(due)).get_i64("w").unwrap(), waits);
        }
    }

    #[test]
    fn a_timer_that_a_wrong_system_clock_has_set_waits_for_its_duration() {
        let source = ManualSource::default();
        source.jump(1_000);
        let clock = Clock::new(source.clone());
        source.jump(600);
        let timer = event(Some(1_600_000 + 90));
        assert_eq!(encode_by(&clock, &timer).get_i64("w").unwrap(), 1_000_000 + 90);
    }

    #[test]
    fn spreads_subjects_over_all_partitions_by_a_stable_hash() {
        let mut counts = HashMap::new();
        for n in 0..16_000 {
            *counts.entry(partition(&format!("order-{n}"))).or_insert(0) += 1;
        }
        assert!(
            (0..PARTITIONS).all(|p| counts.get(&p).is_some_and(|&count| count > 700)),
            "{counts:?}"
        );
        assert_eq!([partition(""), partition("a"), partition("foobar")], [9, 0, 4]);
    }
}
