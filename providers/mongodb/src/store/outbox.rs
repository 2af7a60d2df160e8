//! The outbox: events as MongoDB keeps them until they are published.
//!
//! | field | what |
//! |---|---|
//! | `at` | the time of the set's logical clock, which the server fills in: no two are the same, and what was committed before a transaction began is before all that the transaction writes |
//! | `p` | the partition of the subject |
//! | `w` | 0 once the event may be published; until then the time that it waits for, in milliseconds since the Unix epoch |
//! | `s`, `id`, `k`, `time`, `due`, `d` | the event: subject, id, kind, times, data |

use std::time::{SystemTime, UNIX_EPOCH};

use mercato_ports::events::Event;
use mongodb::IndexModel;
use mongodb::bson::error::Result;
use mongodb::bson::{Document, RawDocument, Timestamp, doc};
use mongodb::options::IndexOptions;

/// The collection's name; no declared one begins with an underscore.
pub(crate) const COLLECTION: &str = "_outbox";

/// How many parts the subjects are shared out in. It is the same in all processes, for ever.
pub(crate) const PARTITIONS: i32 = 16;

/// Which part a subject belongs to (FNV-1a).
pub(crate) fn partition(subject: &str) -> i32 {
    let hash = subject.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    // The low bits of FNV-1a are its weakest.
    i32::try_from((hash ^ (hash >> 16)) % PARTITIONS.unsigned_abs()).unwrap_or_default()
}

/// Now, in milliseconds since the Unix epoch.
pub(crate) fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}

/// An event to be kept.
pub(crate) fn encode(event: &Event, now: i64) -> Document {
    let due = event.due.map(u64::cast_signed);
    let mut document = doc! {
        // The server puts its clock in the place of an empty timestamp.
        "at": Timestamp { time: 0, increment: 0 },
        "p": partition(&event.subject),
        "w": due.filter(|due| *due > now).unwrap_or(0),
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

/// An event that was kept.
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

/// What the relay reads by: the order of what may be published, what waits, and what waits of a subject.
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

    use mongodb::bson::RawDocumentBuf;

    use super::*;

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
    fn an_event_comes_back_as_it_was() {
        for event in [event(None), event(Some(0)), event(Some(99))] {
            let raw = RawDocumentBuf::try_from(&encode(&event, 50)).unwrap();
            assert_eq!(decode(&raw).unwrap(), event);
        }
    }

    #[test]
    fn only_what_is_not_due_yet_waits() {
        for (due, waits) in [(None, 0), (Some(50), 0), (Some(51), 51)] {
            assert_eq!(encode(&event(due), 50).get_i64("w").unwrap(), waits);
        }
    }

    #[test]
    fn subjects_are_spread_over_all_partitions_and_stay_where_they_are() {
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
