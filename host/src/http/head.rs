//! The checks of an HTTP/1 head, before the parser of hyper gets it (RFC 9112).
//!
//! The parser accepts two forms that let a proxy and this server disagree about where a request ends: repeated
//! lengths, and a length beside a transfer coding. And it answers an invalid head without a body.

use http::{Method, Uri};
use httparse::{Error, Request, Status};

use super::limits::{MAX_HEAD, MAX_HEADERS, MAX_TARGET};
use super::problem::Problem;

/// The body that follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLength {
    /// This number of bytes.
    Known(u64),
    /// Chunks.
    Chunked,
}

/// A head that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedHead {
    /// Why it is refused.
    pub problem: Problem,
    /// The method, as far as it is valid.
    pub method: Method,
    /// The target, or `/` if it is invalid.
    pub target: Uri,
}

/// Checks a complete head.
///
/// # Errors
/// If it is invalid or too large.
pub fn check(head: &[u8]) -> Result<BodyLength, Box<RefusedHead>> {
    if head.len() > MAX_HEAD {
        return Err(too_large(head));
    }
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = Request::new(&mut headers);
    let problem = match request.parse(head) {
        Ok(Status::Complete(_)) if request.path.is_some_and(|path| path.len() > MAX_TARGET) => {
            Problem::TARGET_TOO_LONG
        }
        Ok(Status::Complete(_)) if request.path.is_none_or(|path| Uri::try_from(path).is_err()) => {
            Problem::TARGET_MALFORMED
        }
        Ok(Status::Complete(_)) => match body_length(&request) {
            Ok(length) => return Ok(length),
            Err(problem) => problem,
        },
        Ok(Status::Partial) => Problem::HEAD_INCOMPLETE,
        Err(Error::TooManyHeaders) => Problem::TOO_MANY_HEADERS,
        Err(Error::Version) if has_other_version(head) => Problem::VERSION,
        Err(Error::HeaderName | Error::HeaderValue) => Problem::HEADER_MALFORMED,
        Err(_) => Problem::REQUEST_LINE,
    };
    Err(refused(head, problem))
}

/// Checks the part of a head that has arrived.
///
/// # Errors
/// If it is too large, or is not HTTP.
pub fn check_begin(begin: &[u8]) -> Result<(), Box<RefusedHead>> {
    if begin.len() > MAX_HEAD {
        return Err(too_large(begin));
    }
    // A client that speaks another protocol, such as TLS, may wait for an answer and send no end of a head.
    let method = begin.split(|byte| *byte == b' ').next().unwrap_or_default();
    match method.iter().take(32).all(|byte| is_token(*byte)) {
        true => Ok(()),
        false => Err(refused(begin, Problem::REQUEST_LINE)),
    }
}

/// Returns the refusal of a head whose client sends no more of it.
pub fn incomplete(begin: &[u8], problem: Problem) -> Box<RefusedHead> {
    refused(begin, problem)
}

fn too_large(begin: &[u8]) -> Box<RefusedHead> {
    let line = begin.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let problem = if line.len() > MAX_TARGET {
        Problem::TARGET_TOO_LONG
    } else {
        Problem::HEAD_TOO_LARGE
    };
    refused(begin, problem)
}

fn refused(begin: &[u8], problem: Problem) -> Box<RefusedHead> {
    let mut words = begin
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default()
        .split(|byte| *byte == b' ');
    let method = words.next().and_then(|method| Method::from_bytes(method).ok());
    let target = words.next().and_then(|target| Uri::try_from(target).ok());
    Box::new(RefusedHead {
        problem,
        method: method.unwrap_or_default(),
        target: target.unwrap_or_default(),
    })
}

/// Returns the length of the body (RFC 9112, section 6.3), more strictly than that: lengths may not be repeated.
fn body_length(request: &Request<'_, '_>) -> Result<BodyLength, Problem> {
    let values = |name: &'static str| {
        let headers = request.headers.iter();
        headers
            .filter(move |header| header.name.eq_ignore_ascii_case(name))
            .map(|header| header.value)
    };
    let mut lengths = values("content-length");
    let mut codings = values("transfer-encoding");
    match (lengths.next(), codings.next()) {
        (None, None) => Ok(BodyLength::Known(0)),
        (Some(_), Some(_)) => Err(Problem::LENGTH_AND_CODING),
        (Some(_), None) if lengths.next().is_some() => Err(Problem::LENGTH_REPEATED),
        (Some(length), None) => parse_length(length).map(BodyLength::Known),
        (None, Some(_)) if request.version == Some(0) => Err(Problem::CODING_IN_HTTP_1_0),
        (None, Some(_)) if codings.next().is_some() => Err(Problem::CODING_REPEATED),
        (None, Some(coding)) if coding.trim_ascii().eq_ignore_ascii_case(b"chunked") => {
            Ok(BodyLength::Chunked)
        }
        (None, Some(_)) => Err(Problem::CODING),
    }
}

fn parse_length(value: &[u8]) -> Result<u64, Problem> {
    let digits = value.trim_ascii();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Problem::LENGTH_MALFORMED);
    }
    // A number of too many digits is a valid length, but too large.
    str::from_utf8(digits)
        .ok()
        .and_then(|digits| digits.parse().ok())
        .filter(|length| *length <= u64::from(u32::MAX))
        .ok_or(Problem::TOO_LARGE)
}

/// Returns whether the request line ends with a version of HTTP that HTTP/1 heads can't have, such as `HTTP/2.0`.
fn has_other_version(head: &[u8]) -> bool {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let word = line.trim_ascii_end().rsplit(|byte| *byte == b' ').next();
    let version = word.and_then(|word| word.strip_prefix(b"HTTP/"));
    version.is_some_and(|version| match version {
        b"1.0" | b"1.1" => false,
        [major] => major.is_ascii_digit(),
        [major, b'.', minor] => major.is_ascii_digit() && minor.is_ascii_digit(),
        _ => false,
    })
}

/// Returns whether a byte may be part of a method (RFC 9110, section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(head: &str) -> Option<Problem> {
        check(head.as_bytes()).err().map(|refused| refused.problem)
    }

    fn with_headers(headers: &str) -> Result<BodyLength, Problem> {
        let head = format!("POST /a HTTP/1.1\r\nhost: a\r\n{headers}\r\n");
        check(head.as_bytes()).map_err(|refused| refused.problem)
    }

    #[test]
    fn returns_the_length_of_the_body() {
        assert_eq!(with_headers(""), Ok(BodyLength::Known(0)));
        assert_eq!(
            with_headers("Content-Length: 0042\r\n"),
            Ok(BodyLength::Known(42))
        );
        for coding in ["chunked", "Chunked", "\tchunked "] {
            let headers = format!("Transfer-Encoding:{coding}\r\n");
            assert_eq!(with_headers(&headers), Ok(BodyLength::Chunked));
        }
    }

    #[test]
    fn refuses_lengths_that_a_proxy_may_read_otherwise() {
        for length in [
            "", "-1", "+1", "1 1", "1,1", "1, 2", "0x1", "1e1", "1.0", "\u{661}",
        ] {
            let headers = format!("Content-Length: {length}\r\n");
            assert_eq!(with_headers(&headers), Err(Problem::LENGTH_MALFORMED), "{length}");
        }
        for (headers, problem) in [
            (
                "Content-Length: 1\r\ncontent-length: 1\r\n",
                Problem::LENGTH_REPEATED,
            ),
            (
                "Content-Length: 1\r\ncontent-length: 2\r\n",
                Problem::LENGTH_REPEATED,
            ),
            (
                "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
                Problem::LENGTH_AND_CODING,
            ),
            (
                "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n",
                Problem::LENGTH_AND_CODING,
            ),
            (
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                Problem::CODING_REPEATED,
            ),
            ("Content-Length: 99999999999999999999\r\n", Problem::TOO_LARGE),
        ] {
            assert_eq!(with_headers(headers), Err(problem), "{headers}");
        }
    }

    #[test]
    fn refuses_other_transfer_codings() {
        for coding in [
            "gzip",
            "identity",
            "gzip, chunked",
            "chunked, gzip",
            "xchunked",
            "chunked;a=b",
            "",
        ] {
            let headers = format!("Transfer-Encoding: {coding}\r\n");
            assert_eq!(with_headers(&headers), Err(Problem::CODING), "{coding}");
        }
        assert_eq!(
            problem("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
            Some(Problem::CODING_IN_HTTP_1_0)
        );
    }

    #[test]
    fn refuses_malformed_request_lines_and_other_versions() {
        for (line, expected) in [
            ("GET / HTTP/1.1", None),
            ("GET / HTTP/1.0", None),
            ("OPTIONS * HTTP/1.1", None),
            ("GET http://a/b HTTP/1.1", None),
            ("GET / HTTP/1.2", Some(Problem::VERSION)),
            ("GET / HTTP/2.0", Some(Problem::VERSION)),
            ("GET / HTTP/3.0", Some(Problem::VERSION)),
            ("GET / HTTP/0.9", Some(Problem::VERSION)),
            ("GET / HTTP/3", Some(Problem::VERSION)),
            ("GET / HTTP/x", Some(Problem::REQUEST_LINE)),
            ("GET / http/1.1", Some(Problem::REQUEST_LINE)),
            ("GET /", Some(Problem::REQUEST_LINE)),
            ("GET  / HTTP/1.1", Some(Problem::REQUEST_LINE)),
            ("G(T / HTTP/1.1", Some(Problem::REQUEST_LINE)),
            ("GET /a b HTTP/1.1", Some(Problem::REQUEST_LINE)),
        ] {
            assert_eq!(problem(&format!("{line}\r\nhost: a\r\n\r\n")), expected, "{line}");
        }
    }

    #[test]
    fn refuses_malformed_headers() {
        for header in ["a b: c", "a : c", ": c", "a", "a: b\0", " a: b", "a: b\r\n c"] {
            let head = format!("GET / HTTP/1.1\r\n{header}\r\n\r\n");
            assert_eq!(problem(&head), Some(Problem::HEADER_MALFORMED), "{header}");
        }
    }

    #[test]
    fn limits_headers_head_and_target() {
        let headers = |count: usize| "a: b\r\n".repeat(count);
        assert_eq!(problem(&format!("GET / HTTP/1.1\r\n{}\r\n", headers(100))), None);
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", headers(101));
        assert_eq!(problem(&many), Some(Problem::TOO_MANY_HEADERS));
        let padded = |size: usize| format!("GET / HTTP/1.1\r\na: {}\r\n\r\n", "b".repeat(size - 23));
        assert_eq!(problem(&padded(MAX_HEAD)), None);
        assert_eq!(problem(&padded(MAX_HEAD + 1)), Some(Problem::HEAD_TOO_LARGE));
        let target = |size: usize| format!("GET /{} HTTP/1.1\r\n\r\n", "b".repeat(size - 1));
        assert_eq!(problem(&target(MAX_TARGET)), None);
        assert_eq!(problem(&target(MAX_TARGET + 1)), Some(Problem::TARGET_TOO_LONG));
        assert_eq!(problem(&target(MAX_HEAD * 2)), Some(Problem::TARGET_TOO_LONG));
    }

    #[test]
    fn a_refusal_has_the_method_and_the_target() {
        let refused = check(b"POST /graphql?a=b HTTP/1.1\r\na b: c\r\n\r\n").unwrap_err();
        assert_eq!(
            (refused.method, refused.target.path()),
            (Method::POST, "/graphql")
        );
        let refused = check(b"\"\" \x7f\r\n\r\n").unwrap_err();
        assert_eq!((refused.method, refused.target.path()), (Method::GET, "/"));
    }

    #[test]
    fn refuses_another_protocol_at_its_first_bytes() {
        assert!(check_begin(b"GE").is_ok() && check_begin(b"GET /").is_ok());
        for begin in [&b"\x16\x03\x01"[..], b"\0", b"{\"a\"", b"GET\t/"] {
            assert_eq!(check_begin(begin).unwrap_err().problem, Problem::REQUEST_LINE);
        }
    }
}
