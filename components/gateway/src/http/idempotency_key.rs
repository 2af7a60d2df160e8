//! The header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header).

use http::{HeaderMap, HeaderName};
use mercato_shop::types::Error;

/// The header.
pub const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// The longest key, in characters.
const MAX_CHARACTERS: usize = 255;

/// Returns the key of a request, with or without quotes. `None` if the header is missing.
///
/// # Errors
/// [`Error::Invalid`] for an empty key, a long key, and several keys.
pub fn read(headers: &HeaderMap) -> Option<Result<&str, Error>> {
    let value = headers.get(HEADER)?;
    let text = value.to_str().unwrap_or_default().trim();
    let key = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(text);
    if (1..=MAX_CHARACTERS).contains(&key.len()) && headers.get_all(HEADER).iter().count() == 1 {
        return Some(Ok(key));
    }
    let message = format!("Send one `Idempotency-Key` of 1 to {MAX_CHARACTERS} ASCII characters.");
    Some(Err(Error::invalid("Idempotency-Key", message)))
}
