//! Requests as texts: a line with method and target, lines with headers, an empty line, and the body.

use http::header::{HeaderName, HeaderValue};
use http::{Method, Request, Uri};

/// Parses a request. `None` if an HTTP server would not accept its head.
pub fn parse(text: &[u8]) -> Option<Request<Vec<u8>>> {
    let (line, mut rest) = split(text, b"\n");
    let (method, target) = split(line.trim_ascii(), b" ");
    let mut request = Request::new(Vec::new());
    *request.method_mut() = Method::from_bytes(method).ok()?;
    *request.uri_mut() = Uri::try_from(target)
        .ok()
        .filter(|uri| uri.path().starts_with('/'))?;
    loop {
        let (line, after) = split(rest, b"\n");
        rest = after;
        let line = line.trim_ascii();
        if line.is_empty() {
            break;
        }
        if !line.contains(&b':') {
            return None;
        }
        let (name, value) = split(line, b":");
        let name = HeaderName::from_bytes(name).ok()?;
        let value = HeaderValue::from_bytes(value.trim_ascii()).ok()?;
        request.headers_mut().append(name, value);
    }
    *request.body_mut() = rest.to_vec();
    Some(request)
}

/// Splits a text at the first separator. Without one, the second part is empty.
pub fn split<'a>(text: &'a [u8], separator: &[u8]) -> (&'a [u8], &'a [u8]) {
    let found = text
        .windows(separator.len())
        .position(|window| window == separator);
    found.map_or((text, &[]), |index| {
        (&text[..index], &text[index + separator.len()..])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_a_request() {
        let request = parse(b"PUT /a?b=c\r\nX-A: 1\nx-a:2\n\n{}\n\n").unwrap();
        assert_eq!(
            (request.method().as_str(), request.uri().to_string()),
            ("PUT", "/a?b=c".into())
        );
        assert_eq!(request.headers().get_all("x-a").iter().count(), 2);
        assert_eq!(request.body(), b"{}\n\n");
        for malformed in ["", "GET", "GET a", "GET /\nx", "GET / /\n"] {
            assert!(parse(malformed.as_bytes()).is_none(), "{malformed:?}");
        }
    }
}
