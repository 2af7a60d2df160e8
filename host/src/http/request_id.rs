//! The id of a request: the client's where it is sane, else a new one. It goes into each of the request's log lines, and
//! back to the client.

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// The header that carries it.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// A longer id of a client's is replaced.
const LONGEST: usize = 128;

/// The id of a request, put into its headers where the client did not send a sane one.
pub fn establish(headers: &mut HeaderMap) -> HeaderValue {
    match headers.get(HEADER) {
        Some(id) if is_sane(id.as_bytes()) => id.clone(),
        _ => {
            let mut buffer = Uuid::encode_buffer();
            let text = Uuid::now_v7().hyphenated().encode_lower(&mut buffer);
            let id = HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("unknown"));
            headers.insert(HEADER, id.clone());
            id
        }
    }
}

/// The id as text.
pub fn text(id: &HeaderValue) -> &str {
    id.to_str().unwrap_or_default()
}

fn is_sane(id: &[u8]) -> bool {
    (1..=LONGEST).contains(&id.len())
        && id
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn established(sent: &'static str) -> HeaderValue {
        establish(&mut HeaderMap::from_iter([(
            HEADER,
            HeaderValue::from_static(sent),
        )]))
    }

    #[test]
    fn a_sane_id_is_kept() {
        assert_eq!(established("Order-7_a.b:c"), "Order-7_a.b:c");
    }

    #[test]
    fn an_id_that_could_forge_log_lines_is_replaced() {
        for sent in ["", "a b", "a\tb", "\"quoted\"", "{}"] {
            assert_eq!(text(&established(sent)).len(), 36, "{sent}");
        }
    }

    #[test]
    fn an_id_is_kept_up_to_its_longest_length() {
        let fits: &'static str = "x".repeat(LONGEST).leak();
        let exceeds: &'static str = "x".repeat(LONGEST + 1).leak();
        assert_eq!(established(fits), fits);
        assert_ne!(established(exceeds), exceeds);
    }
}
