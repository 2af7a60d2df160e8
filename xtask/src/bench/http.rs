//! A client of HTTP/1.1 that costs little, so that it does not disturb what it measures.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketType, bind, connect, socket};

/// How long a client waits for an answer.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection that is kept alive.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

impl Connection {
    /// Connects from an address of this machine.
    ///
    /// # Errors
    /// The shop does not accept the connection.
    pub fn open(shop: SocketAddr, from: IpAddr) -> io::Result<Self> {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
        bind(&socket, &SocketAddr::new(from, 0))?;
        // Limits the time of connecting, too.
        set_socket_timeout(&socket, Timeout::Send, Some(ANSWER_TIMEOUT))?;
        connect(&socket, &shop)?;
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
        })
    }

    /// Sends a request and reads the answer.
    ///
    /// # Errors
    /// The connection ends, or there is no answer in time.
    pub fn exchange(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.stream.write_all(request)?;
        loop {
            if let Some((answer, length)) = parse(&self.buffer) {
                self.buffer.drain(..length);
                return Ok(answer);
            }
            let mut chunk = [0; 16 * 1024];
            let length = self.stream.read(&mut chunk)?;
            if length == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            self.buffer.extend(chunk.get(..length).unwrap_or_default());
        }
    }
}

/// Writes a request that posts JSON to `/graphql`.
pub fn post(body: &str) -> Vec<u8> {
    post_as(None, body)
}

/// Writes a request that posts JSON to `/graphql`, as the user with this access token.
pub fn post_as(token: Option<&str>, body: &str) -> Vec<u8> {
    let user = token.map(|token| format!("authorization: Bearer {token}\r\n"));
    format!(
        "{}{}content-length: {}\r\n\r\n{body}",
        head("POST", "/graphql"),
        user.unwrap_or_default(),
        body.len()
    )
    .into()
}

/// Writes the head of a request without its end.
pub fn head(method: &str, path: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\n")
}

/// Parses an answer. Returns the number of its bytes, too, or none if bytes are missing.
fn parse(bytes: &[u8]) -> Option<(Answer, usize)> {
    let start = find(bytes, b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(bytes.get(..start)?).ok()?;
    let status = head.get(9..12)?.parse().ok()?;
    let field = |wanted: &str| {
        let mut fields = head.lines().filter_map(|line| line.split_once(':'));
        fields.find_map(|(name, value)| name.eq_ignore_ascii_case(wanted).then(|| value.trim()))
    };
    if field("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        let (body, length) = parse_chunks(bytes.get(start..)?)?;
        return Some((Answer { status, body }, start + length));
    }
    let length: usize = field("content-length").map_or(Some(0), |value| value.parse().ok())?;
    let body = bytes.get(start..start + length)?.to_vec();
    Some((Answer { status, body }, start + length))
}

/// Joins the chunks of a body without trailers. Returns the number of their bytes, too.
fn parse_chunks(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut body = Vec::new();
    let mut position = 0;
    loop {
        let rest = bytes.get(position..)?;
        let line = find(rest, b"\r\n")?;
        let size = std::str::from_utf8(rest.get(..line)?).ok()?;
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        body.extend(rest.get(line + 2..line + 2 + size)?);
        position += line + 2 + size + 2;
        if size == 0 {
            return (position <= bytes.len()).then_some((body, position));
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_an_answer_when_all_of_it_has_arrived() {
        let text = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusyHTTP/1.1";
        let (answer, length) = parse(text).unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (503, b"busy".as_slice()));
        assert_eq!(text.get(length..), Some(b"HTTP/1.1".as_slice()));
        assert!(parse(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nabc").is_none());
        assert!(parse(b"HTTP/1.1 200 OK\r\n").is_none());
    }

    #[test]
    fn joins_chunks() {
        let text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=1\r\n0123456789\r\n0\r\n\r\nHTTP";
        let (answer, length) = parse(text).unwrap();
        assert_eq!(answer.body, b"abc0123456789");
        assert_eq!(text.get(length..), Some(b"HTTP".as_slice()));
        for end in 0..length {
            assert!(parse(&text[..end]).is_none(), "{end} bytes are no answer");
        }
    }
}
