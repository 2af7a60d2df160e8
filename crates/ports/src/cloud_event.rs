//! An event on the wire: the attributes of a CloudEvent 1.0, which a transport carries in its headers, each under a prefix of
//! its own, beside the data as its body (the binary mode of all protocol bindings).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::events::Event;

/// The last time that RFC 3339 can tell, 9999-12-31T23:59:59.999Z, in milliseconds since the Unix epoch.
const LAST: u64 = 253_402_300_799_999;

/// The service of a kind `mercato.<service>.<what-happened>`; none where the kind has another form.
#[must_use]
pub fn service(kind: &str) -> Option<&str> {
    let (service, _) = kind.strip_prefix("mercato.")?.split_once('.')?;
    let fits = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-';
    (!service.is_empty() && service.chars().all(fits)).then_some(service)
}

/// The names, without a prefix, and values of an event's attributes.
#[must_use]
pub fn attributes(event: &Event) -> Vec<(&'static str, String)> {
    let source = format!("/mercato/{}", service(&event.kind).unwrap_or_default());
    let mut attributes = vec![
        ("specversion", "1.0".to_owned()),
        ("id", event.id.clone()),
        ("type", event.kind.clone()),
        ("source", source),
        ("subject", event.subject.clone()),
        ("time", timestamp(event.time)),
    ];
    attributes.extend(event.due.map(|due| ("due", timestamp(due))));
    attributes
}

/// The event of these attributes, each told by its name, and this data.
///
/// # Errors
/// What is missing for an event.
pub fn event(attribute: impl Fn(&str) -> Option<String>, data: String) -> Result<Event, String> {
    let required = |name| attribute(name).ok_or_else(|| format!("it has no attribute {name}"));
    Ok(Event {
        id: required("id")?,
        kind: required("type")?,
        subject: required("subject")?,
        time: milliseconds(&required("time")?)?,
        due: attribute("due").as_deref().map(milliseconds).transpose()?,
        data,
    })
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

    #[test]
    fn a_time_beyond_all_calendars_is_the_last_one() {
        assert_eq!(milliseconds(&timestamp(u64::MAX)), Ok(LAST));
    }

    #[test]
    fn what_is_no_event_says_why() {
        let why = event(|_| None, "{}".into()).unwrap_err();
        assert_eq!(why, "it has no attribute id");
    }
}
