//! Ids of requests: in each log line of a request, and in its response.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::id;

/// The header that carries the id.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The maximum length of a client's id, in bytes.
const MAX_LENGTH: usize = 128;

/// Returns the id that the client sent if it is valid, or else a new one.
#[must_use]
pub fn of(headers: &HeaderMap) -> HeaderValue {
    match headers.get(HEADER) {
        Some(id) if is_valid(id.as_bytes()) => id.clone(),
        _ => HeaderValue::from_str(&id::new()).unwrap_or(HeaderValue::from_static("unknown")),
    }
}

/// Puts the id of a request into its headers, and returns it.
pub fn establish(headers: &mut HeaderMap) -> HeaderValue {
    let id = of(headers);
    headers.insert(HEADER, id.clone());
    id
}

/// Rejects ids that could forge log lines.
fn is_valid(id: &[u8]) -> bool {
    (1..=MAX_LENGTH).contains(&id.len())
        && id
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn established(sent: &'static str) -> HeaderValue {
        let mut headers = HeaderMap::from_iter([(HEADER, HeaderValue::from_static(sent))]);
        let id = establish(&mut headers);
        assert_eq!(headers[HEADER], id);
        id
    }

    #[test]
    fn keeps_a_valid_id() {
        assert_eq!(established("Order-7_a.b:c"), "Order-7_a.b:c");
    }

    #[test]
    fn replaces_an_id_that_could_forge_log_lines() {
        for sent in ["", "a b", "a\tb", "\"quoted\"", "{}"] {
            assert_eq!(established(sent).len(), 36, "{sent}");
        }
    }

    #[test]
    fn replaces_an_id_that_is_too_long() {
        let longest: &'static str = "x".repeat(MAX_LENGTH).leak();
        let too_long: &'static str = "x".repeat(MAX_LENGTH + 1).leak();
        assert_eq!(established(longest), longest);
        assert_ne!(established(too_long), too_long);
    }
}
