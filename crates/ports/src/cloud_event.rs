//! Events on the wire, as CloudEvents 1.0 in the binary mode of all protocol bindings. A transport sends the
//! data as the body. It sends the attributes as headers with the transport's prefix.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::events::Event;

/// The last time that RFC 3339 can express, 9999-12-31T23:59:59.999Z, in milliseconds since the Unix epoch.
const LAST: u64 = 253_402_300_799_999;

/// Returns the service of a kind `mercato.<service>.<event>`, or `None` for a kind of another form.
#[must_use]
pub fn service(kind: &str) -> Option<&str> {
    let (service, _) = kind.strip_prefix("mercato.")?.split_once('.')?;
    let is_allowed = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-';
    (!service.is_empty() && service.chars().all(is_allowed)).then_some(service)
}

/// Returns the names (without a prefix) and values of an event's attributes.
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

/// Builds the event from its data and a function that looks up attributes by name.
///
/// # Errors
/// Names the attribute that is missing, or the time that is invalid.
pub fn event(attribute: impl Fn(&str) -> Option<String>, data: String) -> Result<Event, String> {
    let required = |name| attribute(name).ok_or_else(|| format!("the attribute `{name}` is missing"));
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
        .ok_or_else(|| format!("`{timestamp}` must be a time in the format of RFC 3339, not before 1970"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_a_time_to_the_last_time_of_rfc_3339() {
        assert_eq!(milliseconds(&timestamp(u64::MAX)), Ok(LAST));
    }

    #[test]
    fn names_the_missing_attribute() {
        let reason = event(|_| None, "{}".into()).unwrap_err();
        assert_eq!(reason, "the attribute `id` is missing");
    }
}
