//! The outbox, and the format of its entries in MongoDB. An entry holds events of one transaction.
//!
//! | field | content |
//! |---|---|
//! | `at` | the logical time of the replica set, which the server sets (see below) |
//! | `w` | 0 if the events are ready; else the time they wait for, in milliseconds since the Unix epoch |
//! | `by` | the id of the store that inserted the entry |
//! | `e` | the events, in the order of their commits |
//! | `e.s`, `e.id`, `e.k`, `e.time`, `e.due`, `e.d` | an event: subject, id, kind, times, data |
//!
//! No two entries have the same `at`. An entry that was committed before a transaction began has a smaller
//! `at` than all entries of that transaction.

use std::collections::HashMap;
use std::sync::LazyLock;

use mercato_ports::clock::Clock;
use mercato_ports::events::Event;
use mongodb::bson::error::Result;
use mongodb::bson::{Document, RawDocument, RawDocumentBuf, Timestamp, doc};
use mongodb::options::IndexOptions;
use mongodb::{Collection, IndexModel};

use super::index::drop_index;

/// The name of the collection. No declared collection begins with an underscore.
pub(crate) const COLLECTION: &str = "_outbox";

/// The indexes of a format that had an entry for each event.
const OLD_INDEXES: [&str; 2] = ["ready", "behind"];

/// The relay looks for timers at least this often, in milliseconds. So later ones need no notification.
const SOON: i64 = 6_000;

/// Timers of one transaction that are due within this many milliseconds share an entry, and its latest time.
const TIMER_WINDOW: i64 = 100;

/// The clock that decides which events are due.
static CLOCK: LazyLock<Clock> = LazyLock::new(Clock::default);

/// Returns the current time, in milliseconds since the Unix epoch.
pub(crate) fn now() -> i64 {
    CLOCK.now()
}

/// Returns whether the relay must look at an event before its next regular look.
pub(crate) fn is_soon(event: &Event) -> bool {
    event
        .due
        .is_none_or(|due| waits_shortly(CLOCK.at(due.cast_signed())))
}

/// As [`is_soon`], for the time that an entry waits for.
pub(crate) fn waits_shortly(wait: i64) -> bool {
    wait <= now().saturating_add(SOON)
}

/// Encodes the events of a transaction as entries, in the order in which they are to be inserted.
pub(crate) fn encode<'a>(store: &str, events: impl IntoIterator<Item = &'a Event>) -> Vec<Document> {
    encode_by(&CLOCK, store, events)
}

fn encode_by<'a>(clock: &Clock, store: &str, events: impl IntoIterator<Item = &'a Event>) -> Vec<Document> {
    let now = clock.now();
    let mut entries = vec![Entry::new(0)];
    // The last entry of each subject. Later events of the subject must not be in an earlier entry.
    let mut last = HashMap::<&str, usize>::new();
    for event in events {
        let due = event.due.map(|due| clock.at(due.cast_signed()));
        let wait = due.filter(|due| *due > now).unwrap_or(0);
        let behind = last.get(event.subject.as_str()).copied();
        let takes = |(index, entry): &(usize, &Entry)| {
            if behind == Some(*index) {
                wait <= entry.due.saturating_add(TIMER_WINDOW)
            } else {
                entry.due.abs_diff(wait) <= TIMER_WINDOW.unsigned_abs()
            }
        };
        let mut candidates = entries.iter().enumerate().skip(behind.unwrap_or(0));
        let index = candidates.find(takes).map(|(index, _)| index);
        let index = index.unwrap_or_else(|| {
            entries.push(Entry::new(wait));
            entries.len() - 1
        });
        if let Some(entry) = entries.get_mut(index) {
            entry.latest = entry.latest.max(wait);
            entry.events.push(encode_event(event));
        }
        last.insert(&event.subject, index);
    }
    entries
        .into_iter()
        .filter(|entry| !entry.events.is_empty())
        .map(|entry| entry.encode(store))
        .collect()
}

/// An entry while its events are collected.
struct Entry {
    /// The time that its first event waits for, or 0.
    due: i64,
    /// The time that all of its events wait for, or 0.
    latest: i64,
    events: Vec<Document>,
}

impl Entry {
    fn new(due: i64) -> Self {
        Self {
            due,
            latest: due,
            events: Vec::new(),
        }
    }

    fn encode(self, store: &str) -> Document {
        // The server replaces an empty timestamp with its logical time.
        doc! { "at": Timestamp { time: 0, increment: 0 }, "w": self.latest, "by": store, "e": self.events }
    }
}

/// Encodes an event as a part of an entry.
pub(crate) fn encode_event(event: &Event) -> Document {
    let mut document = doc! {
        "s": &event.subject,
        "id": &event.id,
        "k": &event.kind,
        "time": event.time.cast_signed(),
        "d": &event.data,
    };
    if let Some(due) = event.due {
        document.insert("due", due.cast_signed());
    }
    document
}

/// Decodes the events of an entry.
pub(crate) fn decode(entry: &RawDocument) -> Result<Vec<Event>> {
    // Whatever is not a document fails like an event without fields.
    let empty = RawDocumentBuf::new();
    let events = entry.get_array("e")?.into_iter();
    events
        .map(|event| decode_event(event?.as_document().unwrap_or(&empty)))
        .collect()
}

fn decode_event(raw: &RawDocument) -> Result<Event> {
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

/// Creates the indexes for the relay: the order of entries that are ready or wait, and the waiting entries of
/// a subject. Rewrites the entries of a format that had one for each event.
pub(crate) async fn prepare(outbox: &Collection<RawDocumentBuf>) -> mongodb::error::Result<()> {
    let indexes = outbox.list_index_names().await?;
    if OLD_INDEXES
        .iter()
        .any(|old| indexes.iter().any(|name| name == old))
    {
        let event = doc! { "s": "$s", "id": "$id", "k": "$k", "time": "$time", "due": "$due", "d": "$d" };
        let rewrite = vec![
            doc! { "$set": { "e": [event] } },
            doc! { "$unset": ["p", "s", "id", "k", "time", "due", "d"] },
        ];
        let old = doc! { "e": { "$exists": false } };
        outbox.update_many(old, rewrite).await?;
        for name in OLD_INDEXES {
            drop_index(outbox, name).await?;
        }
    }
    let order = IndexOptions::builder().name("order".to_owned()).build();
    let waiting = IndexOptions::builder()
        .name("waiting subjects".to_owned())
        .partial_filter_expression(doc! { "w": { "$gt": 0_i64 } })
        .build();
    let indexes = [
        IndexModel::builder()
            .keys(doc! { "w": 1, "at": 1 })
            .options(order)
            .build(),
        IndexModel::builder()
            .keys(doc! { "e.s": 1, "at": 1 })
            .options(waiting)
            .build(),
    ];
    outbox.create_indexes(indexes).await.map(drop)
}

#[cfg(test)]
mod tests {
    use mercato_ports::clock::ManualSource;

    use super::*;

    /// Returns a clock at 50 ms.
    fn clock() -> Clock {
        let source = ManualSource::default();
        source.pass(std::time::Duration::from_millis(50));
        Clock::new(source)
    }

    fn event(subject: &str, due: Option<u64>) -> Event {
        Event {
            id: "1".into(),
            kind: "mercato.orders.order-placed".into(),
            subject: subject.into(),
            time: 5,
            due,
            data: r#"{"a":1}"#.into(),
        }
    }

    /// Returns the time of each entry, and the subjects of its events.
    fn entries(events: &[Event]) -> Vec<(i64, Vec<String>)> {
        let entries = encode_by(&clock(), "store", events);
        let entry = |entry: &Document| {
            let events = decode(&RawDocumentBuf::try_from(entry).unwrap()).unwrap();
            let subjects = events.into_iter().map(|event| event.subject).collect();
            (entry.get_i64("w").unwrap(), subjects)
        };
        entries.iter().map(entry).collect()
    }

    fn expected(entries: &[(i64, &[&str])]) -> Vec<(i64, Vec<String>)> {
        let owned = |subjects: &[&str]| subjects.iter().map(|&subject| subject.to_owned()).collect();
        entries
            .iter()
            .map(|(wait, subjects)| (*wait, owned(subjects)))
            .collect()
    }

    #[test]
    fn decodes_encoded_events() {
        let events = [event("a", None), event("b", Some(0)), event("a", None)];
        let entries = encode_by(&clock(), "store", &events);
        assert_eq!(entries.len(), 1);
        let raw = RawDocumentBuf::try_from(&entries[0]).unwrap();
        assert_eq!(decode(&raw).unwrap(), events);
    }

    #[test]
    fn only_an_event_that_is_not_due_yet_waits() {
        for (due, waits) in [(None, 0), (Some(50), 0), (Some(51), 51)] {
            assert_eq!(entries(&[event("a", due)]), expected(&[(waits, &["a"])]));
        }
    }

    #[test]
    fn timers_that_are_due_at_almost_the_same_time_share_an_entry() {
        let timers = [
            event("a", Some(1_000)),
            event("b", Some(1_100)),
            event("c", Some(1_101)),
            event("d", None),
        ];
        let shared: [(i64, &[&str]); 3] = [(0, &["d"]), (1_100, &["a", "b"]), (1_101, &["c"])];
        assert_eq!(entries(&timers), expected(&shared));
    }

    #[test]
    fn an_event_stays_behind_earlier_ones_of_its_subject() {
        let around_a_timer = [event("a", None), event("a", Some(1_000)), event("a", None)];
        assert_eq!(
            entries(&around_a_timer),
            expected(&[(0, &["a"]), (1_000, &["a", "a"])])
        );
        let timers = [
            event("a", Some(9_000)),
            event("b", Some(1_000)),
            event("a", Some(1_000)),
            event("b", Some(5_000)),
        ];
        let ordered: [(i64, &[&str]); 3] = [(9_000, &["a", "a"]), (1_000, &["b"]), (5_000, &["b"])];
        assert_eq!(entries(&timers), expected(&ordered));
    }

    #[test]
    fn a_timer_that_a_wrong_system_clock_has_set_waits_for_its_duration() {
        let source = ManualSource::default();
        source.jump(1_000);
        let clock = Clock::new(source.clone());
        source.jump(600);
        let timer = event("a", Some(1_600_000 + 90));
        let entries = encode_by(&clock, "store", [&timer]);
        assert_eq!(entries[0].get_i64("w").unwrap(), 1_000_000 + 90);
    }
}
