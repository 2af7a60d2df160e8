//! Checks of request bodies.

use std::str::FromStr;

use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use mediatype::{MediaType, MediaTypeBuf, ReadParams, names};

use crate::http::problem::Problem;

/// The largest body, in bytes: 1 MiB.
pub const MAX_BYTES: usize = 1 << 20;

/// Rejects a body that is too large.
///
/// # Errors
/// PAYLOAD_TOO_LARGE for more than [`MAX_BYTES`].
pub fn check_size(request: &Request<Vec<u8>>) -> Result<(), Problem> {
    if request.body().len() <= MAX_BYTES {
        return Ok(());
    }
    let detail = format!("The body must be at most {MAX_BYTES} bytes. Split the request.");
    Err(Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "PAYLOAD_TOO_LARGE",
        detail,
    ))
}

/// Rejects a body that is not declared as JSON in UTF-8.
///
/// # Errors
/// UNSUPPORTED_MEDIA_TYPE for any other content type, or none.
pub fn check_content_type(request: &Request<Vec<u8>>) -> Result<(), Problem> {
    let header = request.headers().get(CONTENT_TYPE);
    let is_json = match header.and_then(|value| value.to_str().ok()) {
        Some("application/json") => true,
        Some(header) => MediaTypeBuf::from_str(header).is_ok_and(|media_type| {
            let charset = media_type.get_param(names::CHARSET);
            media_type.essence() == MediaType::new(names::APPLICATION, names::JSON)
                && charset.is_none_or(|charset| charset.unquoted_str().eq_ignore_ascii_case("utf-8"))
        }),
        None => false,
    };
    if is_json {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "UNSUPPORTED_MEDIA_TYPE",
        "Send JSON in UTF-8 with the header Content-Type: application/json.",
    ))
}
