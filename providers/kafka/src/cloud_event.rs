//! Events as Kafka records: CloudEvents 1.0, in the binary mode of its Kafka protocol binding.

use mercato_ports::cloud_event;
use mercato_ports::events::Event;
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};

/// The prefix of attribute names in the Kafka binding.
const PREFIX: &str = "ce_";

/// Returns the attributes of an event as headers. The data of the event is the value of the record.
#[must_use]
pub fn headers(event: &Event) -> OwnedHeaders {
    let headers = with(OwnedHeaders::new(), "content-type", "application/json");
    cloud_event::attributes(event)
        .into_iter()
        .fold(headers, |headers, (name, value)| {
            with(headers, &format!("{PREFIX}{name}"), &value)
        })
}

/// Adds a header.
pub(crate) fn with(headers: OwnedHeaders, name: &str, value: &str) -> OwnedHeaders {
    headers.insert(Header {
        key: name,
        value: Some(value),
    })
}

/// Returns the kind of a record's event, without parsing the rest.
pub(crate) fn kind(record: &impl Message) -> Option<&str> {
    header(record, "ce_type")
}

/// Parses the event of a record.
///
/// # Errors
/// If the record is not a CloudEvent, with the reason.
pub fn event(record: &impl Message) -> Result<Event, String> {
    let data = record
        .payload()
        .map(str::from_utf8)
        .transpose()
        .map_err(|_| "its data is not UTF-8")?
        .ok_or("it has no data")?;
    let attribute = |name: &str| header(record, &format!("{PREFIX}{name}")).map(str::to_owned);
    cloud_event::event(attribute, data.to_owned())
}

/// Returns a header, if it is text.
pub(crate) fn header<'a>(record: &'a impl Message, name: &str) -> Option<&'a str> {
    let value = record
        .headers()?
        .iter()
        .find(|header| header.key == name)?
        .value?;
    str::from_utf8(value).ok()
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
    fn parses_the_event_of_its_headers() {
        for due in [None, Some(0), Some(1_700_000_000_999)] {
            let sample = Event { due, ..sample() };
            let record = record(headers(&sample), Some(sample.data.as_bytes()));
            assert_eq!(event(&record), Ok(sample));
        }
    }

    #[test]
    fn writes_the_attributes_of_a_cloud_event() {
        let record = record(headers(&sample()), Some(b"{}"));
        for (name, value) in [
            ("ce_specversion", "1.0"),
            ("ce_type", "mercato.orders.placed"),
            ("ce_source", "/mercato/orders"),
            ("ce_time", "2023-11-14T22:13:20.123Z"),
            ("ce_due", "1970-01-01T00:00:00.000Z"),
            ("content-type", "application/json"),
        ] {
            assert_eq!(header(&record, name), Some(value));
        }
    }

    #[test]
    fn rejects_a_record_that_is_not_an_event() {
        let no_id = event(&record(OwnedHeaders::new(), Some(b"{}"))).unwrap_err();
        assert_eq!(no_id, "the attribute `id` is missing");
        assert!(event(&record(headers(&sample()), Some(b"\xff"))).is_err());
        assert!(event(&record(headers(&sample()), None)).is_err());
    }
}
