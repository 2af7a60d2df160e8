//! A client of HTTP/1.1 that costs little, so that it does not disturb what it measures.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketType, bind, connect, socket};

/// How long a client waits for an answer.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// The address of the honest clients. Attackers have another one, since a shop may limit each address.
const HONEST: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

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
    /// Connects from the address of honest clients.
    ///
    /// # Errors
    /// The shop does not accept the connection.
    pub fn open(shop: SocketAddr) -> io::Result<Self> {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
        bind(&socket, &SocketAddr::new(HONEST, 0))?;
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
    let length = body.len();
    format!(
        "{}content-length: {length}\r\n\r\n{body}",
        head("POST", "/graphql")
    )
    .into()
}

/// Writes the head of a request without its end.
pub fn head(method: &str, path: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\n")
}

/// Parses an answer with a `content-length`, as the shop sends it. Returns the number of its bytes, too.
fn parse(bytes: &[u8]) -> Option<(Answer, usize)> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(bytes.get(..end)?).ok()?;
    let status = head.get(9..12)?.parse().ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().ok())?
    });
    let whole = end + 4 + length.unwrap_or(0);
    let body = bytes.get(end + 4..whole)?.to_vec();
    Some((Answer { status, body }, whole))
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
}
