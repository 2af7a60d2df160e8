//! The encoding of a feed.

use std::io::{self, Read};

use clap::ValueEnum;

/// What some programs put at the beginning of a UTF-8 file.
pub const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How a feed's characters are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Encoding {
    /// As most feeds are.
    #[value(name = "utf-8")]
    Utf8,
    /// ISO 8859-1, in the form that the web knows: windows-1252, which has more characters.
    #[value(name = "latin-1")]
    Latin1,
}

impl Encoding {
    /// Decodes a value; what can't be decoded becomes U+FFFD.
    pub fn decode(self, bytes: &[u8]) -> String {
        let encoding = match self {
            Self::Utf8 => encoding_rs::UTF_8,
            Self::Latin1 => encoding_rs::WINDOWS_1252,
        };
        encoding.decode_without_bom_handling(bytes).0.into_owned()
    }
}

/// UTF-8 where all of the file is, else Latin-1, in which any bytes mean something.
pub fn guess(mut file: impl Read) -> io::Result<Encoding> {
    let mut block = vec![0; 64 * 1024];
    // The beginning of a character that goes on in the next block.
    let mut begun = 0;
    loop {
        let count = match block.get_mut(begun..) {
            Some(free) => file.read(free)?,
            None => 0,
        };
        let filled = block.get(..begun + count).unwrap_or_default();
        match std::str::from_utf8(filled) {
            Ok(_) if count == 0 => return Ok(Encoding::Utf8),
            Ok(_) => begun = 0,
            Err(error) if error.error_len().is_none() && count > 0 => {
                let valid = error.valid_up_to();
                begun = filled.len() - valid;
                block.copy_within(valid..valid + begun, 0);
            }
            Err(_) => return Ok(Encoding::Latin1),
        }
    }
}
