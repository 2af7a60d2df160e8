//! Requests and responses as the interface `mercato:platform/http-handler` passes them. They convert from and
//! to those of the crate `http`.

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode, Uri};

pub use crate::bindings::mercato::platform::http_handler_types::{Request, Response};

/// The largest body that the gateway accepts, in bytes: 1 MiB.
pub const MAX_BODY: usize = 1 << 20;

/// The usual size of all header lines of a message, in bytes.
const LINES: usize = 1024;

impl<B: Into<Vec<u8>>> From<http::Request<B>> for Request {
    fn from(request: http::Request<B>) -> Self {
        let (head, body) = request.into_parts();
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
        let has_body = !matches!(head.method, Method::GET | Method::HEAD);
        Self {
            method: head.method.as_str().to_owned(),
            // RFC 9112, section 3.2.1: the path of a target is `/` if it is empty.
            target: if target.starts_with('?') {
                format!("/{target}")
            } else {
                target.to_owned()
            },
            headers: lines(&head.headers),
            body: if has_body { body.into() } else { Vec::new() },
        }
    }
}

impl TryFrom<Request> for http::Request<Vec<u8>> {
    type Error = http::Error;

    fn try_from(request: Request) -> Result<Self, http::Error> {
        let mut converted = Self::new(request.body);
        *converted.method_mut() = Method::from_bytes(request.method.as_bytes())?;
        *converted.uri_mut() = Uri::try_from(request.target)?;
        *converted.headers_mut() = headers(request.headers.into())?;
        Ok(converted)
    }
}

impl From<http::Response<Vec<u8>>> for Response {
    fn from(response: http::Response<Vec<u8>>) -> Self {
        Self {
            status: response.status().as_u16(),
            headers: lines(response.headers()),
            body: response.into_body(),
        }
    }
}

impl TryFrom<Response> for http::Response<Vec<u8>> {
    type Error = http::Error;

    fn try_from(response: Response) -> Result<Self, http::Error> {
        let mut converted = Self::new(response.body);
        *converted.status_mut() = StatusCode::from_u16(response.status)?;
        *converted.headers_mut() = headers(response.headers.into())?;
        Ok(converted)
    }
}

/// Returns the field lines of HTTP/1.1.
fn lines(headers: &HeaderMap) -> Vec<u8> {
    let mut lines = Vec::with_capacity(LINES);
    for (name, value) in headers {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            lines.extend_from_slice(part);
        }
    }
    lines
}

/// Parses field lines. The values share the memory of the lines.
fn headers(lines: Bytes) -> Result<HeaderMap, http::Error> {
    let mut headers = HeaderMap::with_capacity(16);
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        // The empty name of a malformed line is invalid.
        let (name, value) = field(line).unwrap_or_default();
        let name = HeaderName::from_bytes(name)?;
        headers.try_append(name, HeaderValue::from_maybe_shared(lines.slice_ref(value))?)?;
    }
    Ok(headers)
}

/// Splits a line into its name and its value.
fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = line.strip_suffix(b"\r\n")?;
    let (name, value) = line.split_at_checked(line.iter().position(|byte| *byte == b':')?)?;
    Some((name, value.strip_prefix(b": ")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, target: &str) -> http::Request<Vec<u8>> {
        let request = http::Request::builder().method(method).uri(target);
        let request = request
            .header("accept", "a/b")
            .header("accept", b"\xff: \t".as_slice());
        request.header("x-own", "").body(b"{}".to_vec()).unwrap()
    }

    #[test]
    fn a_message_keeps_its_parts() {
        let sent = Request::from(request("POST", "http://shop.example/a?b=%20"));
        assert_eq!(sent.headers, b"accept: a/b\r\naccept: \xff: \t\r\nx-own: \r\n");
        let received = http::Request::try_from(sent).unwrap();
        let expected = request("POST", "/a?b=%20");
        assert_eq!(received.method(), expected.method());
        assert_eq!(received.uri(), expected.uri());
        assert_eq!(received.headers(), expected.headers());
        assert_eq!(received.body(), expected.body());

        let response = http::Response::builder().status(404).header("age", "7");
        let response = http::Response::try_from(Response::from(response.body(vec![1]).unwrap())).unwrap();
        assert_eq!((response.status().as_u16(), response.body()), (404, &vec![1]));
        assert_eq!(response.headers()["age"], "7");
    }

    #[test]
    fn the_target_of_a_request_has_a_path() {
        for (target, expected) in [
            ("http://shop.example?b=1", "/?b=1"),
            ("http://shop.example", "/"),
            ("*", "*"),
        ] {
            assert_eq!(Request::from(request("GET", target)).target, expected);
        }
    }

    #[test]
    fn a_request_to_read_has_no_body() {
        for (method, length) in [("GET", 0), ("HEAD", 0), ("DELETE", 2)] {
            assert_eq!(Request::from(request(method, "/")).body.len(), length, "{method}");
        }
    }

    #[test]
    fn rejects_malformed_messages() {
        let rejects = |status, headers: &[u8]| {
            let (headers, body) = (headers.to_vec(), Vec::new());
            http::Response::try_from(Response {
                status,
                headers,
                body,
            })
            .is_err()
        };
        assert!(!rejects(200, b"") && !rejects(200, b"a: b\r\n"));
        assert!(rejects(99, b""));
        for lines in [
            "a",
            "a: b",
            "a\r\n",
            ": b\r\n",
            "a:b\r\n",
            "a b: c\r\n",
            "a: b\r\n\r\n",
            "a: \r\r\n",
        ] {
            assert!(rejects(200, lines.as_bytes()), "{lines:?}");
        }
    }
}
