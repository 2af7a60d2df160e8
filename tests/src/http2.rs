//! A client of HTTP/2 with prior knowledge that sends single frames (RFC 9113), for requests that no HTTP library
//! would send.

use anyhow::{Context, Result, ensure};

use crate::raw::Raw;
use crate::shop::Shop;

/// The first bytes of a connection.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// The identifier of the initial window size in SETTINGS.
const INITIAL_WINDOW_SIZE: u16 = 4;

/// The largest payload of a frame.
const MAX_FRAME: usize = 16 * 1024;

/// A connection.
pub struct Http2 {
    raw: Raw,
}

/// A frame that the shop sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// The head of an answer. Its status, if it is one of the static table.
    Headers(u32, Option<u16>),
    Data(u32, usize),
    Reset(u32),
    GoAway,
    Other,
}

impl Http2 {
    /// Connects. The shop may send this many bytes of each answer before the client allows more.
    pub fn connect(shop: &Shop, window: u32) -> Result<Self> {
        let mut http2 = Self {
            raw: Raw::with(shop, PREFACE)?,
        };
        let mut settings = INITIAL_WINDOW_SIZE.to_be_bytes().to_vec();
        settings.extend_from_slice(&window.to_be_bytes());
        http2.frame(SETTINGS, 0, 0, &settings)?;
        Ok(http2)
    }

    /// Sends a request without a body. The stream is an odd number.
    pub fn request(&mut self, stream: u32, method: &str, path: &str, headers: &[(&str, &str)]) -> Result<()> {
        self.head(stream, END_STREAM, method, path, headers)
    }

    /// Sends the head of a request whose body follows.
    pub fn begin(&mut self, stream: u32, method: &str, path: &str, headers: &[(&str, &str)]) -> Result<()> {
        self.head(stream, 0, method, path, headers)
    }

    /// Sends a part of a body.
    pub fn data(&mut self, stream: u32, bytes: &[u8], is_end: bool) -> Result<()> {
        self.frame(DATA, if is_end { END_STREAM } else { 0 }, stream, bytes)
    }

    /// Cancels a stream.
    pub fn reset(&mut self, stream: u32) -> Result<()> {
        // CANCEL
        self.frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())
    }

    /// Reads the next frame. Pings are answered, as a client does that is alive.
    pub fn next(&mut self) -> Result<Frame> {
        let head = self.raw.bytes(9)?;
        let [a, b, c, kind, flags, stream @ ..] = head.as_slice() else {
            anyhow::bail!("a frame should have a head");
        };
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        let stream = u32::from_be_bytes(stream.try_into()?);
        let payload = self.raw.bytes(length)?;
        Ok(match *kind {
            DATA => Frame::Data(stream, length),
            HEADERS => Frame::Headers(stream, payload.first().and_then(|field| status(*field))),
            RST_STREAM => Frame::Reset(stream),
            GOAWAY => Frame::GoAway,
            PING if flags & ACK == 0 => {
                self.frame(PING, ACK, 0, &payload)?;
                Frame::Other
            }
            SETTINGS if flags & ACK == 0 => {
                self.frame(SETTINGS, ACK, 0, &[])?;
                Frame::Other
            }
            _ => Frame::Other,
        })
    }

    /// Reads frames until the head of an answer on this stream, and returns its status if it is a usual one.
    pub fn status(&mut self, stream: u32) -> Result<Option<u16>> {
        loop {
            match self.next()? {
                Frame::Headers(found, status) if found == stream => return Ok(status),
                Frame::Reset(found) if found == stream => anyhow::bail!("the stream should not be reset"),
                Frame::GoAway => anyhow::bail!("the connection should not end"),
                _ => {}
            }
        }
    }

    fn head(
        &mut self,
        stream: u32,
        flags: u8,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<()> {
        let pseudo = [
            (":method", method),
            (":scheme", "http"),
            (":authority", "shop.example"),
            (":path", path),
        ];
        let mut block = Vec::new();
        for (name, value) in pseudo.iter().chain(headers) {
            // A literal without indexing (RFC 7541, section 6.2.2).
            block.push(0);
            text(&mut block, name)?;
            text(&mut block, value)?;
        }
        let mut parts = block.chunks(MAX_FRAME).peekable();
        let mut kind = HEADERS;
        let mut flags = flags;
        while let Some(part) = parts.next() {
            flags |= if parts.peek().is_none() { END_HEADERS } else { 0 };
            self.frame(kind, flags, stream, part)?;
            (kind, flags) = (CONTINUATION, 0);
        }
        Ok(())
    }

    fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Result<()> {
        ensure!(
            payload.len() <= MAX_FRAME,
            "a frame has at most {MAX_FRAME} bytes"
        );
        let [_, length @ ..] = u32::try_from(payload.len())?.to_be_bytes();
        let mut frame = length.to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend_from_slice(payload);
        self.raw.send(frame)
    }
}

/// Writes a text without Huffman coding (RFC 7541, section 5.2).
fn text(block: &mut Vec<u8>, text: &str) -> Result<()> {
    const MAX: usize = 127;
    let mut length = text.len();
    if length < MAX {
        block.push(u8::try_from(length)?);
    } else {
        block.push(u8::try_from(MAX)?);
        length -= MAX;
        while length >= 128 {
            block.push(u8::try_from(length % 128 + 128)?);
            length /= 128;
        }
        block.push(u8::try_from(length)?);
    }
    block.extend_from_slice(text.as_bytes());
    Ok(())
}

/// Returns the status of an indexed field of the static table (RFC 7541, appendix A).
fn status(field: u8) -> Option<u16> {
    let statuses = [200, 204, 206, 304, 400, 404, 500];
    let index = field.checked_sub(0x80 + 8)?;
    statuses.get(usize::from(index)).copied()
}

/// Fails unless the frames of a connection come to an end: a reset of the stream, or the end of the connection.
pub fn ends(http2: &mut Http2, stream: u32) -> Result<()> {
    loop {
        match http2.next() {
            Ok(Frame::Reset(found)) if found == stream => return Ok(()),
            Ok(Frame::GoAway) => return Ok(()),
            Ok(_) => {}
            Err(error) => {
                let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
                let is_late = matches!(
                    kind,
                    Some(std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
                );
                ensure!(!is_late, "the shop should end the stream");
                return Ok(());
            }
        }
    }
}

/// Returns the first number of a stream after this one.
pub fn next_stream(stream: u32) -> Result<u32> {
    stream.checked_add(2).context("a connection has fewer streams")
}
