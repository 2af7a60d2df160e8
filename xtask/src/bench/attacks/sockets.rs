//! Attacks with connections that send or read too little. Each replaces connections that the shop ends.

use std::io::{ErrorKind, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::documents;
use crate::api::body;
use crate::bench::http::{head, post};

/// The preface of HTTP/2 (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The time between two rounds over all connections.
const ROUND: Duration = Duration::from_millis(250);
/// The requests that a slow reader sends without reading an answer.
const PIPELINED: usize = 50;

/// What a connection of an attacker sends.
#[derive(Clone, Copy, Debug)]
pub enum Slowness {
    /// Nothing, one byte, or half a preface of HTTP/2.
    Silent,
    /// A body of one byte a second.
    Body,
    /// Requests with large answers, which it never reads.
    Reader,
    /// The same by HTTP/2, with the largest windows.
    Http2Reader,
}

/// A connection, and the rest of what it sends.
struct Slow {
    stream: TcpStream,
    rest: Vec<u8>,
}

/// Holds this many connections until the end.
pub fn hold(shop: SocketAddr, slowness: Slowness, connections: usize, end: Instant) {
    let mut slow: Vec<Option<Slow>> = (0..connections).map(|_| None).collect();
    let texts: Vec<_> = (0..connections).map(|number| slowness.text(number)).collect();
    while Instant::now() < end {
        let round = Instant::now();
        for (connection, text) in slow.iter_mut().zip(&texts) {
            if Instant::now() >= end {
                return;
            }
            let open = connection.take().or_else(|| open(shop, text));
            *connection = open.and_then(|open| open.advance(slowness));
        }
        std::thread::sleep(ROUND.saturating_sub(round.elapsed()));
    }
}

fn open(shop: SocketAddr, text: &[u8]) -> Option<Slow> {
    let stream = TcpStream::connect_timeout(&shop, ROUND).ok()?;
    stream.set_nonblocking(true).ok()?;
    Some(Slow {
        stream,
        rest: text.to_vec(),
    })
}

impl Slow {
    /// Sends a part of the rest. Returns none if the shop has ended the connection.
    fn advance(mut self, slowness: Slowness) -> Option<Self> {
        let part = match slowness {
            Slowness::Body if self.rest.len() < BODY => 1,
            // The head of the request.
            Slowness::Body => self.rest.len() - BODY + 1,
            _ => self.rest.len(),
        };
        let is_open = match self.stream.write(self.rest.get(..part)?) {
            Ok(sent) => {
                self.rest.drain(..sent);
                true
            }
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        };
        // Looks at what has arrived without reading it.
        let ended = matches!(self.stream.peek(&mut [0]), Ok(0));
        (is_open && !ended && self.stream.take_error().ok()?.is_none()).then_some(self)
    }
}

/// The length of a slow body.
const BODY: usize = 1_000;

impl Slowness {
    fn text(self, number: usize) -> Vec<u8> {
        match self {
            Self::Silent => [b"".as_slice(), b"G", PREFACE.get(..12).unwrap_or_default()]
                .get(number % 3)
                .unwrap_or(&b"".as_slice())
                .to_vec(),
            Self::Body => {
                let head = format!("{}content-length: {BODY}\r\n\r\n", head("POST", "/graphql"));
                [head.into_bytes(), vec![b' '; BODY]].concat()
            }
            Self::Reader => post(&body(&documents::pages(0, 10), &serde_json::Value::Null)).repeat(PIPELINED),
            Self::Http2Reader => http2_requests(),
        }
    }
}

/// Writes requests of HTTP/2 for large answers, with windows that let the shop send all of them.
fn http2_requests() -> Vec<u8> {
    const SETTINGS: u8 = 4;
    const WINDOW_UPDATE: u8 = 8;
    const HEADERS: u8 = 1;
    /// END_HEADERS and END_STREAM.
    const WHOLE: u8 = 5;
    const LARGEST: u32 = (1 << 31) - 1;
    let window = [[0, 4].as_slice(), &LARGEST.to_be_bytes()].concat();
    let more = LARGEST - 65_535;
    let mut text = [
        PREFACE.to_vec(),
        frame(SETTINGS, 0, 0, &window),
        frame(WINDOW_UPDATE, 0, 0, &more.to_be_bytes()),
    ]
    .concat();
    // RFC 7541: GET and http from the static table, then the path and the authority.
    let mut fields = vec![0x82, 0x86];
    for (name, value) in [(0x04, "/api/products?first=100"), (0x01, "shop")] {
        fields.push(name);
        fields.extend(u8::try_from(value.len()));
        fields.extend(value.bytes());
    }
    for stream in (1..).step_by(2).take(100) {
        text.extend(frame(HEADERS, WHOLE, stream, &fields));
    }
    text
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(0).to_be_bytes();
    let [_, length @ ..] = length;
    [length.as_slice(), &[kind, flags], &stream.to_be_bytes(), payload].concat()
}
