//! An event as a Kafka record: CloudEvents 1.0, the binary mode of its Kafka protocol binding.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mercato_ports::events::Event;
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};

use crate::topics::service;

/// The last time that RFC 3339 can tell, 9999-12-31T23:59:59.999Z, in milliseconds since the Unix epoch.
const LAST: u64 = 253_402_300_799_999;

/// The event's attributes. Its data is the record's value.
pub(crate) fn headers(event: &Event) -> OwnedHeaders {
    let source = format!("/mercato/{}", service(&event.kind).unwrap_or_default());
    let headers = [
        ("ce_specversion", "1.0"),
        ("ce_id", &event.id),
        ("ce_type", &event.kind),
        ("ce_source", &source),
        ("ce_subject", &event.subject),
        ("ce_time", &timestamp(event.time)),
        ("content-type", "application/json"),
    ]
    .into_iter()
    .fold(OwnedHeaders::new(), |headers, (name, value)| {
        with(headers, name, value)
    });
    match event.due {
        Some(due) => with(headers, "ce_due", &timestamp(due)),
        None => headers,
    }
}

/// Adds a header.
pub(crate) fn with(headers: OwnedHeaders, name: &str, value: &str) -> OwnedHeaders {
    headers.insert(Header {
        key: name,
        value: Some(value),
    })
}

/// The event of a record.
///
/// # Errors
/// What the record lacks to be an event.
pub(crate) fn event(record: &impl Message) -> Result<Event, String> {
    let required = |name| header(record, name).ok_or_else(|| format!("it has no header {name}"));
    let data = record
        .payload()
        .map(str::from_utf8)
        .transpose()
        .map_err(|_| "its data is no text")?;
    Ok(Event {
        id: required("ce_id")?.into(),
        kind: required("ce_type")?.into(),
        subject: required("ce_subject")?.into(),
        time: milliseconds(required("ce_time")?)?,
        due: header(record, "ce_due").map(milliseconds).transpose()?,
        data: data.ok_or("it has no data")?.into(),
    })
}

/// A header that is text.
pub(crate) fn header<'a>(record: &'a impl Message, name: &str) -> Option<&'a str> {
    let value = record
        .headers()?
        .iter()
        .find(|header| header.key == name)?
        .value?;
    str::from_utf8(value).ok()
}

fn timestamp(milliseconds: u64) -> String {
    let time = UNIX_EPOCH + Duration::from_millis(milliseconds.min(LAST));
    humantime::format_rfc3339_millis(time).to_string()
}

fn milliseconds(timestamp: &str) -> Result<u64, String> {
    humantime::parse_rfc3339(timestamp)
        .ok()
        .and_then(|time: SystemTime| time.duration_since(UNIX_EPOCH).ok())
        .and_then(|since| u64::try_from(since.as_millis()).ok())
        .ok_or_else(|| format!("`{timestamp}` is no time as RFC 3339 writes it"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::Timestamp;
    use rdkafka::message::OwnedMessage;

    fn record(headers: OwnedHeaders, data: Option<&[u8]>) -> OwnedMessage {
        let data = data.map(<[u8]>::to_vec);
        OwnedMessage::new(
            data,
            None,
            "t".into(),
            Timestamp::NotAvailable,
            0,
            0,
            Some(headers),
        )
    }

    fn sample() -> Event {
        Event {
            id: "1".into(),
            kind: "mercato.orders.placed".into(),
            subject: "order/Größe".into(),
            time: 1_700_000_000_123,
            due: Some(0),
            data: r#"{"a":1}"#.into(),
        }
    }

    #[test]
    fn an_event_comes_back_as_it_was() {
        for due in [None, Some(0), Some(1_700_000_000_999)] {
            let sample = Event { due, ..sample() };
            let record = record(headers(&sample), Some(sample.data.as_bytes()));
            assert_eq!(event(&record), Ok(sample));
        }
    }

    #[test]
    fn attributes_are_those_of_a_cloud_event() {
        let record = record(headers(&sample()), Some(b"{}"));
        for (name, value) in [
            ("ce_specversion", "1.0"),
            ("ce_source", "/mercato/orders"),
            ("ce_time", "2023-11-14T22:13:20.123Z"),
            ("ce_due", "1970-01-01T00:00:00.000Z"),
            ("content-type", "application/json"),
        ] {
            assert_eq!(header(&record, name), Some(value));
        }
    }

    #[test]
    fn a_time_beyond_all_calendars_is_the_last_one() {
        assert_eq!(milliseconds(&timestamp(u64::MAX)), Ok(LAST));
    }

    #[test]
    fn what_is_no_event_says_why() {
        let no_id = event(&record(OwnedHeaders::new(), Some(b"{}"))).unwrap_err();
        assert_eq!(no_id, "it has no header ce_id");
        assert!(event(&record(headers(&sample()), Some(b"\xff"))).is_err());
        assert!(event(&record(headers(&sample()), None)).is_err());
    }
}
