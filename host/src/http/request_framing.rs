//! The order of heads and bodies on an HTTP/1 connection. Each head is checked before it passes.

use bytes::{Buf, BytesMut};

use super::chunks::Chunks;
use super::head::{self, BodyLength, RefusedHead};

/// What follows on a connection.
#[derive(Debug, Default)]
pub struct RequestFraming {
    /// The number of bytes that may pass.
    passing: u64,
    /// The chunked body that follows these bytes.
    chunks: Option<Chunks>,
    /// The number of bytes that contain no end of a head.
    searched: usize,
}

/// What to do with the bytes that have arrived.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Pass this number of them.
    Pass(usize),
    /// Wait for more bytes of a body.
    AwaitBody,
    /// Wait for more bytes of a head.
    AwaitHead,
    /// Refuse the head.
    Refuse(Box<RefusedHead>),
    /// End the body, which is malformed.
    Break,
}

impl RequestFraming {
    /// Returns what to do with the bytes that have arrived. Line breaks before a head are removed.
    pub fn next(&mut self, arrived: &mut BytesMut) -> Next {
        if self.passing == 0
            && let Some(chunks) = &mut self.chunks
        {
            let Some(scanned) = chunks.scan(arrived) else {
                return Next::Break;
            };
            self.passing = scanned.length as u64;
            if scanned.is_end {
                self.chunks = None;
            }
            if arrived.is_empty() {
                return Next::AwaitBody;
            }
        }
        if self.passing == 0 {
            match self.head(arrived) {
                Ok(Some(passing)) => self.passing = passing,
                Ok(None) => return Next::AwaitHead,
                Err(refused) => return Next::Refuse(refused),
            }
        }
        match usize::try_from(self.passing)
            .unwrap_or(usize::MAX)
            .min(arrived.len())
        {
            0 => Next::AwaitBody,
            length => Next::Pass(length),
        }
    }

    /// Records that bytes have passed.
    pub fn passed(&mut self, length: usize) {
        self.passing = self.passing.saturating_sub(length as u64);
    }

    /// Returns whether a head is next.
    pub fn awaits_head(&self) -> bool {
        self.passing == 0 && self.chunks.is_none()
    }

    /// Returns the length of the next head with its body, unless the head is incomplete.
    fn head(&mut self, arrived: &mut BytesMut) -> Result<Option<u64>, Box<RefusedHead>> {
        let breaks = arrived.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
        let breaks = breaks.count();
        if breaks > 0 {
            arrived.advance(breaks);
            self.searched = 0;
        }
        let Some(length) = head_length(arrived, self.searched) else {
            self.searched = arrived.len();
            head::check_begin(arrived)?;
            return Ok(None);
        };
        self.searched = 0;
        let body = match head::check(arrived.get(..length).unwrap_or_default())? {
            BodyLength::Known(body) => body,
            BodyLength::Chunked => {
                self.chunks = Some(Chunks::new());
                0
            }
        };
        Ok(Some((length as u64).saturating_add(body)))
    }
}

/// Returns the length of a head with its empty line.
fn head_length(arrived: &[u8], searched: usize) -> Option<usize> {
    let begin = searched.saturating_sub(2);
    let mut rest = arrived.get(begin..)?;
    loop {
        let line = rest.iter().position(|byte| *byte == b'\n')?;
        rest = rest.get(line + 1..)?;
        let end = match rest {
            [b'\n', ..] => 1,
            [b'\r', b'\n', ..] => 2,
            _ => continue,
        };
        return Some(arrived.len() - rest.len() + end);
    }
}

#[cfg(test)]
mod tests {
    use super::super::problem::Problem;
    use super::*;

    /// Returns the messages of a connection, read in parts of this size, and how it ends.
    fn messages(bytes: &[u8], part: usize) -> (Vec<String>, Option<Next>) {
        let mut framing = RequestFraming::default();
        let mut arrived = BytesMut::new();
        let mut messages = Vec::new();
        let mut message = Vec::new();
        for part in bytes.chunks(part) {
            arrived.extend_from_slice(part);
            loop {
                match framing.next(&mut arrived) {
                    Next::Pass(length) => {
                        message.extend_from_slice(&arrived.split_to(length));
                        framing.passed(length);
                        if framing.awaits_head() {
                            messages.push(String::from_utf8(std::mem::take(&mut message)).unwrap());
                        }
                    }
                    Next::AwaitHead | Next::AwaitBody => break,
                    end => return (messages, Some(end)),
                }
            }
        }
        (messages, None)
    }

    #[test]
    fn separates_pipelined_requests() {
        let requests = [
            "GET /a HTTP/1.1\r\nhost: a\r\n\r\n",
            "POST /b HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n\r\n\r\n!",
            "POST /c HTTP/1.1\ntransfer-encoding: chunked\n\n5\r\nhello\r\n0\r\n\r\n",
            "GET /d HTTP/1.0\r\n\r\n",
        ];
        for part in [1, 2, 3, 7, 1000] {
            let (found, end) = messages(requests.concat().as_bytes(), part);
            assert_eq!(
                (found.as_slice(), end),
                (&requests.map(str::to_owned)[..], None),
                "{part}"
            );
            let (found, end) = messages(requests.join("\r\n\r\n").as_bytes(), part);
            assert_eq!((found.len(), end), (4, None), "{part}");
        }
    }

    #[test]
    fn refuses_the_request_after_valid_ones() {
        let bytes = b"GET /a HTTP/1.1\r\n\r\nPOST /b HTTP/1.1\r\ncontent-length: x\r\n\r\n";
        for part in [1, 3, 1000] {
            let (found, end) = messages(bytes, part);
            assert_eq!(found.len(), 1);
            let Some(Next::Refuse(refused)) = end else {
                panic!("{end:?}")
            };
            assert_eq!(refused.problem, Problem::LENGTH_MALFORMED);
        }
        let bytes = b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nx\r\n";
        assert_eq!(messages(bytes, 1000).1, Some(Next::Break));
    }

    #[test]
    fn refuses_a_head_without_an_end() {
        let line = [&b"GET /"[..], &[b'a'; 200_000]].concat();
        let header = [&b"GET / HTTP/1.1\r\na: "[..], &[b'a'; 200_000]].concat();
        let headers = [&b"GET / HTTP/1.1\r\n"[..], &b"a: b\r\n".repeat(20_000)].concat();
        for (bytes, problem) in [
            (line, Problem::TARGET_TOO_LONG),
            (header, Problem::HEAD_TOO_LARGE),
            (headers, Problem::HEAD_TOO_LARGE),
        ] {
            let Some(Next::Refuse(refused)) = messages(&bytes, 1000).1 else {
                panic!()
            };
            assert_eq!(refused.problem, problem);
        }
    }
}
