//! The encoding of a feed.

use std::io::{self, Read};

use clap::ValueEnum;

/// The mark that some programs write at the beginning of a UTF-8 file.
pub const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The character encoding of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Encoding {
    /// UTF-8, which most feeds use.
    #[value(name = "utf-8")]
    Utf8,
    /// ISO 8859-1, read as windows-1252, which has more characters.
    #[value(name = "latin-1")]
    Latin1,
}

impl Encoding {
    /// Decodes a value. Invalid bytes become U+FFFD.
    pub fn decode(self, bytes: &[u8]) -> String {
        let encoding = match self {
            Self::Utf8 => encoding_rs::UTF_8,
            Self::Latin1 => encoding_rs::WINDOWS_1252,
        };
        encoding.decode_without_bom_handling(bytes).0.into_owned()
    }
}

/// Guesses the encoding: UTF-8 if the whole file is valid UTF-8, or else Latin-1, in which all bytes are
/// valid.
pub fn guess(mut file: impl Read) -> io::Result<Encoding> {
    let mut block = vec![0; 64 * 1024];
    // The number of bytes of an incomplete character at the beginning of the block.
    let mut incomplete = 0;
    loop {
        let count = match block.get_mut(incomplete..) {
            Some(free) => file.read(free)?,
            None => 0,
        };
        let filled = block.get(..incomplete + count).unwrap_or_default();
        match std::str::from_utf8(filled) {
            Ok(_) if count == 0 => return Ok(Encoding::Utf8),
            Ok(_) => incomplete = 0,
            Err(error) if error.error_len().is_none() && count > 0 => {
                let valid = error.valid_up_to();
                incomplete = filled.len() - valid;
                block.copy_within(valid..valid + incomplete, 0);
            }
            Err(_) => return Ok(Encoding::Latin1),
        }
    }
}
