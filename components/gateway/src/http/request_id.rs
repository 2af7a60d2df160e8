//! The id of a request: the one that it came with where that is sane, else a new one. It goes back to the client, and where the host logs
//! requests, the host has put it in.

use http::{HeaderMap, HeaderName, HeaderValue};
use mercato_shop::id;

/// The header that carries it.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// A longer id of a client's is replaced.
const LONGEST: usize = 128;

/// The id of a request with these headers.
pub fn of(headers: &HeaderMap) -> HeaderValue {
    match headers.get(HEADER) {
        Some(id) if is_sane(id.as_bytes()) => id.clone(),
        _ => HeaderValue::from_str(&id::new()).unwrap_or(HeaderValue::from_static("unknown")),
    }
}

fn is_sane(id: &[u8]) -> bool {
    (1..=LONGEST).contains(&id.len())
        && id
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte))
}
