//! Reads a file of any encoding as UTF-8.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::rc::Rc;

use encoding_rs::{Decoder, DecoderResult, UTF_8};

use super::encoding::DetectedEncoding;

const BLOCK: usize = 64 * 1024;

/// A byte that UTF-8 never has. It replaces bytes that the encoding of the file does not have, so that a check
/// for valid UTF-8 finds them.
const INVALID: u8 = 0xff;

/// Reads a file as UTF-8. Invalid bytes stay invalid.
pub struct Utf8Reader {
    file: File,
    /// Not set for UTF-8, which needs no decoder.
    decoder: Option<Decoder>,
    /// The decoded text, and how much of it was returned.
    text: Vec<u8>,
    returned: usize,
    position: Rc<Cell<u64>>,
}

impl Utf8Reader {
    /// Opens a file after its byte order mark.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn open(path: &Path, encoding: &DetectedEncoding) -> io::Result<Self> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(encoding.mark))?;
        let inner = encoding.encoding.0;
        Ok(Self {
            file,
            decoder: (inner != UTF_8).then(|| inner.new_decoder_without_bom_handling()),
            text: Vec::new(),
            returned: 0,
            position: Rc::new(Cell::new(encoding.mark)),
        })
    }

    /// Returns the number of bytes of the file that were read. It changes with each read.
    pub fn position(&self) -> Rc<Cell<u64>> {
        Rc::clone(&self.position)
    }
}

impl Read for Utf8Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(mut decoder) = self.decoder.take() else {
            // UTF-8, or the rest of a file that is decoded to its end.
            if self.returned < self.text.len() {
                return self.take_text(buffer);
            }
            let read = self.file.read(buffer)?;
            self.position.set(self.position.get() + read as u64);
            return Ok(read);
        };
        while self.returned == self.text.len() {
            let mut block = vec![0; BLOCK];
            let read = self.file.read(&mut block)?;
            self.position.set(self.position.get() + read as u64);
            decode(
                &mut decoder,
                block.get(..read).unwrap_or_default(),
                &mut self.text,
            );
            self.returned = 0;
            if read == 0 {
                return self.take_text(buffer);
            }
        }
        self.decoder = Some(decoder);
        self.take_text(buffer)
    }
}

impl Utf8Reader {
    fn take_text(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut rest = self.text.get(self.returned..).unwrap_or_default();
        let read = rest.read(buffer)?;
        self.returned += read;
        Ok(read)
    }
}

/// Decodes a block into a text. An empty block is the end of the file.
fn decode(decoder: &mut Decoder, mut block: &[u8], text: &mut Vec<u8>) {
    let last = block.is_empty();
    text.clear();
    loop {
        let filled = text.len();
        let space = decoder
            .max_utf8_buffer_length_without_replacement(block.len())
            .unwrap_or(BLOCK);
        text.resize(filled + space, 0);
        let free = text.get_mut(filled..).unwrap_or_default();
        let (result, read, written) = decoder.decode_to_utf8_without_replacement(block, free, last);
        text.truncate(filled + written);
        block = block.get(read..).unwrap_or_default();
        match result {
            DecoderResult::InputEmpty => return,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => text.push(INVALID),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_texts_with_any_size_of_buffer() {
        for (encoding, text) in [
            (encoding_rs::UTF_16LE, "id;name\n1;Müller Öl – 5 €\n2;烤鸭 👕\n"),
            (encoding_rs::UTF_16BE, "id;name\n1;Müller Öl – 5 €\n2;烤鸭 👕\n"),
            (encoding_rs::SHIFT_JIS, "id,name\n1,タワー\n"),
            (encoding_rs::WINDOWS_1251, "id,name\n1,Кружка\n"),
        ] {
            let bytes: Vec<u8> = match encoding.name() {
                "UTF-16LE" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
                "UTF-16BE" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
                _ => encoding.encode(text).0.into_owned(),
            };
            let mut decoder = encoding.new_decoder_without_bom_handling();
            let (mut decoded, mut part) = (Vec::new(), Vec::new());
            for block in bytes.chunks(3).chain([[].as_slice()]) {
                decode(&mut decoder, block, &mut part);
                decoded.extend_from_slice(&part);
            }
            assert_eq!(String::from_utf8(decoded).unwrap(), text, "{}", encoding.name());
        }
    }

    #[test]
    fn marks_invalid_bytes() {
        let mut decoder = encoding_rs::UTF_16LE.new_decoder_without_bom_handling();
        let mut text = Vec::new();
        decode(&mut decoder, b"a\0\x00\xd8b\0", &mut text);
        assert_eq!(text, b"a\xffb");
    }
}
