//! Checks of request bodies.

use std::str::FromStr;

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{Request, StatusCode};
use mediatype::{MediaType, MediaTypeBuf, ReadParams, names};
use mercato_ports::http_handler::MAX_BODY;

use crate::http::problem::Problem;

/// The largest body, in bytes.
pub const MAX_BYTES: usize = MAX_BODY;

/// The most JSON values of a body. A value takes up to a hundred times as much memory as its text.
const MAX_VALUES: usize = 250_000;
/// The number of values that an object or an array counts as, because of its memory.
const CONTAINER: usize = 4;
/// The depth that the parser accepts.
const MAX_DEPTH: usize = 128;

/// Rejects a body that is compressed.
///
/// # Errors
/// UNSUPPORTED_MEDIA_TYPE for any coding other than `identity`.
pub fn check_coding(request: &Request<Vec<u8>>) -> Result<(), Problem> {
    let values = request.headers().get_all(CONTENT_ENCODING).iter();
    let mut codings = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let is_identity = |coding: &[u8]| {
        let coding = coding.trim_ascii();
        coding.is_empty() || coding.eq_ignore_ascii_case(b"identity")
    };
    if codings.all(is_identity) {
        return Ok(());
    }
    Err(Problem::compressed_body())
}

/// Rejects JSON whose values would fill the memory. The parser refuses JSON that is too deep.
///
/// # Errors
/// PAYLOAD_TOO_LARGE for more than [`MAX_VALUES`].
pub fn check_values(json: &[u8]) -> Result<(), Problem> {
    let (mut values, mut depth, mut is_text, mut is_escaped) = (1_usize, 0_usize, false, false);
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            _ if is_text => {}
            b'{' | b'[' => {
                values += CONTAINER;
                depth += 1;
                if depth > MAX_DEPTH {
                    return Ok(());
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' => values += 1,
            _ => {}
        }
    }
    if values <= MAX_VALUES {
        return Ok(());
    }
    let detail = format!(
        "The body must have at most {MAX_VALUES} JSON values. Each object and array counts as {CONTAINER}. Split the request."
    );
    Err(too_large(detail))
}

/// Rejects a body that is too large.
///
/// # Errors
/// PAYLOAD_TOO_LARGE for more than [`MAX_BYTES`].
pub fn check_size(request: &Request<Vec<u8>>) -> Result<(), Problem> {
    if request.body().len() <= MAX_BYTES {
        return Ok(());
    }
    Err(too_large(format!(
        "The body must be at most {MAX_BYTES} bytes. Split the request."
    )))
}

fn too_large(detail: String) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", detail)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_only_bodies_that_are_not_compressed() {
        let check = |codings: &[&str]| {
            let mut request = Request::new(Vec::new());
            for coding in codings {
                request
                    .headers_mut()
                    .append(CONTENT_ENCODING, coding.parse().unwrap());
            }
            check_coding(&request).is_ok()
        };
        for codings in [&[][..], &["identity"], &["Identity, identity"], &[""]] {
            assert!(check(codings), "{codings:?}");
        }
        for codings in [
            &["gzip"][..],
            &["identity", "br"],
            &["identity, zstd"],
            &["unknown"],
        ] {
            assert!(!check(codings), "{codings:?}");
        }
    }

    #[test]
    fn counts_values_outside_of_texts() {
        let numbers = format!("[{}0]", "0,".repeat(MAX_VALUES - CONTAINER - 1));
        assert!(check_values(numbers.as_bytes()).is_ok());
        assert!(check_values(numbers.replacen("[", "[0,", 1).as_bytes()).is_err());
        let objects = format!("[{}0]", "{},".repeat(MAX_VALUES / (CONTAINER + 1)));
        assert!(check_values(objects.as_bytes()).is_err());
        assert!(
            check_values(&b"[".repeat(MAX_VALUES)).is_ok(),
            "the parser refuses it"
        );
        let text = format!("\"\\\"{}\"", "{[,".repeat(MAX_VALUES));
        assert!(check_values(text.as_bytes()).is_ok());
    }
}
