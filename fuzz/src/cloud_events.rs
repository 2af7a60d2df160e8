//! Events on the wire: attributes as lines `name: value`, an empty line, and the data.

use arbitrary::{Arbitrary, Unstructured};
use mercato_kafka::cloud_event as kafka;
use mercato_ports::cloud_event;
use mercato_ports::events::Event;
use rdkafka::Timestamp;
use rdkafka::message::{Header, OwnedHeaders, OwnedMessage};

use crate::request;

#[derive(Arbitrary)]
struct AnyEvent {
    id: String,
    kind: String,
    subject: String,
    time: u64,
    due: Option<u64>,
    data: String,
}

/// Parses an event of a transport and of Kafka, and converts any event to both.
pub fn run(data: &[u8]) {
    parse(data);
    if let Ok(any) = AnyEvent::arbitrary(&mut Unstructured::new(data)) {
        let event = Event {
            id: any.id,
            kind: any.kind,
            subject: any.subject,
            time: any.time,
            due: any.due,
            data: any.data,
        };
        round_trip(&event);
    }
}

fn parse(input: &[u8]) {
    let (head, data) = request::split(input, b"\n\n");
    let lines = head.split(|byte| *byte == b'\n');
    let attributes: Vec<_> = lines
        .map(|line| request::split(line, b": "))
        .filter_map(|(name, value)| Some((str::from_utf8(name).ok()?, value)))
        // A C string ends at NUL.
        .filter(|(name, _)| !name.contains('\0'))
        .collect();
    let headers = attributes
        .iter()
        .fold(OwnedHeaders::new(), |headers, (name, value)| {
            let key = &format!("ce_{name}");
            headers.insert(Header {
                key,
                value: Some(*value),
            })
        });
    let of_kafka = kafka::event(&record(headers, Some(data)));
    let attribute = |name: &str| {
        let (_, value) = attributes.iter().find(|(other, _)| *other == name)?;
        str::from_utf8(value).ok().map(str::to_owned)
    };
    let Ok(data) = str::from_utf8(data) else {
        assert!(of_kafka.is_err(), "data that is not UTF-8");
        return;
    };
    let event = cloud_event::event(attribute, data.to_owned());
    assert_eq!(event, of_kafka);
    match event {
        Ok(event) => round_trip(&event),
        Err(reason) => assert!(!reason.is_empty()),
    }
}

/// Writes an event and parses it again.
fn round_trip(event: &Event) {
    let attributes = cloud_event::attributes(event);
    let attribute = |name: &str| {
        let (_, value) = attributes.iter().find(|(other, _)| *other == name)?;
        Some(value.clone())
    };
    let parsed = cloud_event::event(attribute, event.data.clone()).expect("an event");
    // A time on the wire ends with the year 9999.
    assert!(parsed.time <= event.time, "{event:?}");
    let expected = Event {
        time: parsed.time,
        due: parsed.due,
        ..event.clone()
    };
    assert_eq!(parsed, expected);
    let of_kafka = kafka::event(&record(kafka::headers(event), Some(event.data.as_bytes())));
    assert_eq!(of_kafka, Ok(parsed));
}

fn record(headers: OwnedHeaders, data: Option<&[u8]>) -> OwnedMessage {
    let data = data.map(<[u8]>::to_vec);
    let topic = "mercato.orders".to_owned();
    OwnedMessage::new(data, None, topic, Timestamp::NotAvailable, 0, 0, Some(headers))
}
