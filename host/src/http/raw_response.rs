//! Responses to heads that are no requests. They are written without the HTTP server, which has no request for
//! them.

use std::io::Write;
use std::time::SystemTime;

use futures::FutureExt;
use http::header::{CONNECTION, CONTENT_LENGTH, DATE};
use http::{HeaderValue, Method, Response};
use http_body_util::BodyExt;

use super::response_body::Body;

/// Returns the bytes of a response. The connection ends after it.
pub fn encode(response: Response<Body>, method: &Method) -> Vec<u8> {
    let (mut head, body) = response.into_parts();
    // The body is complete, so this does not wait.
    let body = body.collect().now_or_never().and_then(Result::ok);
    let body = body.map(|body| body.to_bytes()).unwrap_or_default();
    head.headers.insert(CONNECTION, HeaderValue::from_static("close"));
    head.headers.insert(CONTENT_LENGTH, body.len().into());
    let date = httpdate::fmt_http_date(SystemTime::now());
    if let Ok(date) = HeaderValue::from_str(&date) {
        head.headers.insert(DATE, date);
    }
    let mut bytes = Vec::with_capacity(1024);
    let reason = head.status.canonical_reason().unwrap_or_default();
    // Writing to memory does not fail.
    let _ = write!(bytes, "HTTP/1.1 {} {reason}\r\n", head.status.as_u16());
    for (name, value) in &head.headers {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    if method != Method::HEAD {
        bytes.extend_from_slice(&body);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use http_body_util::{Either, Full};

    use super::*;

    fn encoded(method: &Method) -> String {
        let mut response = Response::new(Either::Left(Full::from("body")));
        *response.status_mut() = http::StatusCode::URI_TOO_LONG;
        String::from_utf8(encode(response, method)).unwrap()
    }

    #[test]
    fn writes_a_complete_response() {
        let text = encoded(&Method::GET);
        assert!(text.starts_with("HTTP/1.1 414 URI Too Long\r\n"), "{text}");
        for line in ["connection: close", "content-length: 4", "date: "] {
            assert!(text.contains(&format!("\r\n{line}")), "{text}");
        }
        assert!(text.ends_with("\r\n\r\nbody"));
        assert!(encoded(&Method::HEAD).ends_with("\r\n\r\n"));
    }
}
