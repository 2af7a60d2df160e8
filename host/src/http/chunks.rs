//! The end of a chunked body (RFC 9112, section 7.1). It is as strict as the decoder of hyper, so that both find
//! the same end.

/// How much of a chunked body has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunks {
    place: Place,
    /// The size of the chunk, of which this many bytes are left.
    size: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before the first digit of a size.
    Begin,
    Size,
    Extension,
    SizeEnd,
    Data,
    DataCr,
    DataLf,
    /// At the begin of a trailer, or of the last line.
    Line,
    Trailer,
    TrailerEnd,
    LastLf,
}

/// The bytes of a chunked body in a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scanned {
    /// Their number.
    pub length: usize,
    /// Whether the body ends with them.
    pub is_end: bool,
}

impl Chunks {
    /// Begins a body.
    pub const fn new() -> Self {
        Self {
            place: Place::Begin,
            size: 0,
        }
    }

    /// Returns how many of these bytes belong to the body, or `None` if they are malformed.
    pub fn scan(&mut self, bytes: &[u8]) -> Option<Scanned> {
        let mut rest = bytes;
        while let Some((byte, after)) = rest.split_first() {
            if self.place == Place::Data {
                let length = usize::try_from(self.size).unwrap_or(usize::MAX).min(rest.len());
                rest = rest.get(length..).unwrap_or_default();
                self.size -= length as u64;
                if self.size == 0 {
                    self.place = Place::DataCr;
                }
                continue;
            }
            rest = after;
            if self.place == Place::LastLf && *byte == b'\n' {
                return Some(Scanned {
                    length: bytes.len() - rest.len(),
                    is_end: true,
                });
            }
            self.place = self.next(*byte)?;
        }
        Some(Scanned {
            length: bytes.len(),
            is_end: false,
        })
    }

    fn next(&mut self, byte: u8) -> Option<Place> {
        match (self.place, byte) {
            (Place::Begin | Place::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = char::from(byte).to_digit(16)?;
                self.size = self.size.checked_mul(16)?.checked_add(digit.into())?;
                Some(Place::Size)
            }
            (Place::Size, b';') => Some(Place::Extension),
            (Place::Size | Place::Extension, b'\r') => Some(Place::SizeEnd),
            (Place::Extension, b'\n') => None,
            (Place::Extension, _) => Some(Place::Extension),
            (Place::SizeEnd, b'\n') if self.size == 0 => Some(Place::Line),
            (Place::SizeEnd, b'\n') => Some(Place::Data),
            (Place::DataCr, b'\r') => Some(Place::DataLf),
            (Place::DataLf, b'\n') => Some(Place::Begin),
            (Place::Line, b'\r') => Some(Place::LastLf),
            (Place::Line | Place::Trailer, b'\n') => None,
            (Place::Trailer, b'\r') => Some(Place::TrailerEnd),
            (Place::Line | Place::Trailer, _) => Some(Place::Trailer),
            (Place::TrailerEnd, b'\n') => Some(Place::Line),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the length of a body, read in parts of this size.
    fn length(bytes: &[u8], part: usize) -> Option<usize> {
        let mut chunks = Chunks::new();
        let mut length = 0;
        for part in bytes.chunks(part) {
            let scanned = chunks.scan(part)?;
            length += scanned.length;
            if scanned.is_end {
                return Some(length);
            }
        }
        None
    }

    #[test]
    fn finds_the_end_of_a_body() {
        for body in [
            "0\r\n\r\n",
            "5\r\nhello\r\n0\r\n\r\n",
            "000009\r\n0\r\n\r\n\r\n\r\n\r\n0\r\n\r\n",
            "5;name=value\r\nhello\r\nA\r\n0123456789\r\n0;last\r\ntrailer: a\r\nother: b\r\n\r\n",
        ] {
            let bytes = [body.as_bytes(), b"GET / HTTP/1.1\r\n\r\n"].concat();
            for part in [1, 2, 3, 1000] {
                assert_eq!(length(&bytes, part), Some(body.len()), "{body}");
            }
        }
    }

    #[test]
    fn refuses_malformed_chunks() {
        for body in [
            "\r\n",
            "x\r\n",
            "-1\r\n",
            "5\nhello\r\n0\r\n\r\n",
            "5 \r\nhello\r\n0\r\n\r\n",
            "5;a\nhello\r\n0\r\n\r\n",
            "5\r\nhello!\r\n0\r\n\r\n",
            "5\r\nhello0\r\n\r\n",
            "0\r\na: b\n\r\n",
            "0\r\n\n",
            "0\r\n\rx",
            "11111111111111111\r\n",
        ] {
            assert_eq!(length(body.as_bytes(), 1000), None, "{body}");
            let mut chunks = Chunks::new();
            assert!(
                body.as_bytes().chunks(1).any(|byte| chunks.scan(byte).is_none()),
                "{body}"
            );
        }
    }
}
