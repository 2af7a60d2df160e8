//! The encoding of a feed.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{MACINTOSH, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

const BLOCK: usize = 64 * 1024;

/// How many bytes with other characters than ASCII decide about an encoding.
const MAX_GUESSED: usize = 8 * 1024 * 1024;

/// A text without a byte order mark is UTF-16 only if one in this number of its bytes is zero.
const ZEROS: usize = 5;

/// The character encoding of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding(pub(super) &'static encoding_rs::Encoding);

impl FromStr for Encoding {
    type Err = String;

    fn from_str(label: &str) -> Result<Self, Self::Err> {
        let encoding = if label.eq_ignore_ascii_case("latin-1") {
            Some(WINDOWS_1252)
        } else {
            encoding_rs::Encoding::for_label(label.as_bytes())
        };
        let encoding = encoding.filter(|encoding| *encoding != REPLACEMENT);
        encoding.map(Self).ok_or_else(|| {
            "it must be a name of the WHATWG Encoding Standard, such as utf-8, utf-16le, windows-1252, \
             windows-1251, iso-8859-2, shift_jis or gb18030"
                .into()
        })
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.name())
    }
}

/// The encoding of a feed, and how it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DetectedEncoding {
    /// The encoding.
    pub encoding: Encoding,
    /// The length of the byte order mark.
    pub(super) mark: u64,
    /// What it was found by.
    pub reason: Reason,
}

/// What an encoding was found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The user's choice.
    Chosen,
    /// A byte order mark.
    ByteOrderMark,
    /// All bytes are valid.
    Valid,
    /// The characters are valid, except some.
    MostlyValid {
        /// The number of invalid sequences of bytes.
        invalid: u64,
    },
    /// The frequency of bytes.
    Guessed,
}

impl fmt::Display for DetectedEncoding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.encoding)?;
        match self.reason {
            Reason::Chosen => formatter.write_str(", as you chose"),
            Reason::ByteOrderMark => formatter.write_str(", by the byte order mark"),
            Reason::Valid => Ok(()),
            Reason::MostlyValid { invalid: 1 } => formatter.write_str(", with 1 invalid byte"),
            Reason::MostlyValid { invalid } => write!(formatter, ", with {invalid} invalid bytes"),
            Reason::Guessed => formatter.write_str(", guessed from the whole file"),
        }
    }
}

/// Detects the encoding over the whole file, unless it is chosen.
///
/// A file with more UTF-8 characters than invalid bytes is UTF-8. Its rows with invalid bytes are refused.
///
/// # Errors
/// If the file cannot be read, or if it is not a text.
pub fn detect(path: &Path, chosen: Option<Encoding>) -> io::Result<DetectedEncoding> {
    let mut start = Vec::new();
    File::open(path)?.take(BLOCK as u64).read_to_end(&mut start)?;
    let marked = encoding_rs::Encoding::for_bom(&start);
    if let Some(encoding) = chosen {
        let mark = marked.filter(|(marked, _)| *marked == encoding.0);
        return Ok(DetectedEncoding {
            encoding,
            mark: mark.map_or(0, |(_, length)| length as u64),
            reason: Reason::Chosen,
        });
    }
    reject_other_files(&start)?;
    let detected = |encoding, mark, reason| DetectedEncoding {
        encoding: Encoding(encoding),
        mark,
        reason,
    };
    if let Some((encoding, length)) = marked {
        return Ok(detected(encoding, length as u64, Reason::ByteOrderMark));
    }
    if let Some(encoding) = utf_16_without_mark(&start)? {
        return Ok(detected(encoding, 0, Reason::Guessed));
    }
    let Utf8Count { characters, invalid } = count(File::open(path)?)?;
    Ok(match invalid {
        0 => detected(UTF_8, 0, Reason::Valid),
        _ if characters >= invalid => detected(UTF_8, 0, Reason::MostlyValid { invalid }),
        _ => detected(guess(File::open(path)?)?, 0, Reason::Guessed),
    })
}

/// Rejects workbooks and archives by their first bytes.
fn reject_other_files(start: &[u8]) -> io::Result<()> {
    let reason = if start.starts_with(b"PK\x03\x04") {
        "it is an Excel workbook or a ZIP archive: save the sheet as CSV UTF-8, or unpack the archive"
    } else if start.starts_with(b"\xd0\xcf\x11\xe0") {
        "it is an Excel workbook: save the sheet as CSV UTF-8"
    } else if start.starts_with(b"\x1f\x8b") {
        "it is compressed: unpack it with gunzip"
    } else if start.starts_with(b"\xff\xfe\0\0") || start.starts_with(b"\0\0\xfe\xff") {
        "it is in UTF-32: save it as UTF-8"
    } else {
        return Ok(());
    };
    Err(io::Error::new(io::ErrorKind::InvalidData, reason))
}

/// Returns UTF-16 if every other byte is often zero, as in its punctuation and digits.
fn utf_16_without_mark(start: &[u8]) -> io::Result<Option<&'static encoding_rs::Encoding>> {
    let zeros = |offset: usize| {
        start
            .iter()
            .skip(offset)
            .step_by(2)
            .filter(|byte| **byte == 0)
            .count()
    };
    let (even, odd) = (zeros(0), zeros(1));
    if start.is_empty() || (even + odd) * ZEROS < start.len() {
        return Ok(None);
    }
    if odd > even * 3 {
        return Ok(Some(UTF_16LE));
    }
    if even > odd * 3 {
        return Ok(Some(UTF_16BE));
    }
    let reason = "it has many zero bytes, so it is not a text: save it as CSV UTF-8";
    Err(io::Error::new(io::ErrorKind::InvalidData, reason))
}

/// The characters of a file as UTF-8.
#[derive(Default)]
struct Utf8Count {
    /// The valid characters that are not ASCII.
    characters: u64,
    invalid: u64,
}

fn count(mut file: impl Read) -> io::Result<Utf8Count> {
    let mut count = Utf8Count::default();
    let mut block = vec![0; BLOCK];
    // The number of bytes of an incomplete character at the beginning of the block.
    let mut incomplete = 0;
    loop {
        let read = block
            .get_mut(incomplete..)
            .map_or(Ok(0), |free| file.read(free))?;
        let mut rest = block.get(..incomplete + read).unwrap_or_default();
        let filled = rest.len();
        incomplete = 0;
        loop {
            let error = std::str::from_utf8(rest).err();
            let valid = error.map_or(rest.len(), |error| error.valid_up_to());
            let (text, after) = rest.split_at_checked(valid).unwrap_or((rest, &[]));
            count.characters += text.iter().filter(|byte| **byte >= 0xc0).count() as u64;
            match error.map(|error| error.error_len()) {
                None => break,
                Some(None) if read > 0 => {
                    incomplete = after.len();
                    break;
                }
                Some(length) => {
                    count.invalid += 1;
                    rest = after.get(length.unwrap_or(after.len())..).unwrap_or_default();
                }
            }
        }
        if read == 0 {
            return Ok(count);
        }
        block.copy_within(filled - incomplete..filled, 0);
    }
}

/// Guesses an encoding other than UTF-8 by the frequency of bytes.
///
/// Bytes that the guessed encoding does not define rule it out. The text may be in macintosh then.
///
/// Letters stand before other letters more often than not. If most characters do not, they are signs such as ® and
/// ², which all Latin encodings share. Then the guess prefers the Western one.
///
/// # Errors
/// If the file cannot be read, or if no encoding fits.
fn guess(mut file: impl Read) -> io::Result<&'static encoding_rs::Encoding> {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let mut block = vec![0; BLOCK];
    let (mut seen, mut characters, mut before_letters) = (0, 0_u64, 0_u64);
    let mut western = Western::default();
    while seen < MAX_GUESSED {
        let read = file.read(&mut block)?;
        let bytes = block.get(..read).unwrap_or_default();
        if read == 0 {
            break;
        }
        western.add(bytes);
        if bytes.is_ascii() {
            continue;
        }
        detector.feed(bytes, false);
        seen += read;
        for (byte, next) in bytes.iter().zip(bytes.iter().skip(1).chain([&b' '])) {
            characters += u64::from(!byte.is_ascii());
            before_letters += u64::from(!byte.is_ascii() && (!next.is_ascii() || next.is_ascii_alphabetic()));
        }
    }
    detector.feed(&[], true);
    let hint = (before_letters * 2 < characters).then_some(b"us".as_slice());
    let guessed = detector.guess(hint, Utf8Detection::Deny);
    if !guessed.is_single_byte() || !western.has_undefined(guessed) {
        return Ok(guessed);
    }
    if western.may_be_macintosh() {
        return Ok(MACINTOSH);
    }
    let reason = "its encoding is unknown: name it with --encoding, or save the file as UTF-8";
    Err(io::Error::new(io::ErrorKind::InvalidData, reason))
}

/// What the bytes of a text say about the Western encodings.
#[derive(Default)]
struct Western {
    /// The bytes from 0x80 to 0x9f that occur. Some encodings have no characters for some of them.
    seen: [bool; 32],
    /// A byte is an ASCII control character.
    has_controls: bool,
    /// A small letter is beside a byte that is the capital Å in macintosh. The byte is ü in DOS.
    has_capital_in_word: bool,
    /// The number of bytes that are letters in macintosh.
    macintosh_letters: u64,
    /// The number of bytes that are letters in windows-1252.
    windows_letters: u64,
}

impl Western {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                0x80..=0x9f => {
                    self.macintosh_letters += 1;
                    if let Some(seen) = self.seen.get_mut(usize::from(byte - 0x80)) {
                        *seen = true;
                    }
                }
                0xc0..=0xff => self.windows_letters += 1,
                b'\t' | b'\n' | b'\r' => {}
                byte => self.has_controls |= byte.is_ascii_control(),
            }
        }
        self.has_capital_in_word |= bytes.windows(3).any(|bytes| {
            matches!(bytes, [before, 0x81, after] if before.is_ascii_lowercase()
                || before.is_ascii_alphabetic() && after.is_ascii_lowercase())
        });
    }

    /// Returns whether a byte has no character in an encoding. The WHATWG decodes it as a control character.
    fn has_undefined(&self, encoding: &'static encoding_rs::Encoding) -> bool {
        let is_undefined = |byte: u8| {
            let bytes = [byte];
            let (text, _) = encoding.decode_without_bom_handling(&bytes);
            text.chars()
                .any(|character| character.is_control() || character == char::REPLACEMENT_CHARACTER)
        };
        (0x80..)
            .zip(self.seen)
            .any(|(byte, seen)| seen && is_undefined(byte))
    }

    /// Returns whether the text may be in macintosh, which has a character for each byte.
    fn may_be_macintosh(&self) -> bool {
        !self.has_controls && !self.has_capital_in_word && self.macintosh_letters > self.windows_letters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_windows_1252_does_not_define_rule_it_out() {
        let french = "Crème brûlée française, tête à tête, où ça, garçon, élève, forêt";
        assert_eq!(guess(MACINTOSH.encode(french).0.as_ref()).unwrap(), MACINTOSH);
        let windows = WINDOWS_1252.encode(french).0;
        assert_eq!(guess(windows.as_ref()).unwrap(), WINDOWS_1252);
        let damaged = [windows.as_ref(), b" \x81 \x8d \x8f \x90 \x9d "].concat();
        let reason = |bytes: &[u8]| guess(bytes).unwrap_err().to_string();
        assert!(reason(&damaged).contains("--encoding"));
    }

    #[test]
    fn a_capital_in_a_word_rules_out_macintosh() {
        let may_be_macintosh = |bytes: &[u8]| {
            let mut western = Western::default();
            western.add(bytes);
            western.may_be_macintosh()
        };
        assert!(may_be_macintosh(b"\x81ngstr\x9am"));
        assert!(!may_be_macintosh(b"M\x81ller"));
        assert!(!may_be_macintosh(b"Gr\x81n"));
        assert!(!may_be_macintosh(b"\x8ft\x8e\0"));
    }

    #[test]
    fn a_few_zero_bytes_are_not_utf_16() {
        assert_eq!(utf_16_without_mark(b"id,name,price\n1,a\0b,1\n").unwrap(), None);
        let utf_16: Vec<u8> = "id,name".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(utf_16_without_mark(&utf_16).unwrap(), Some(UTF_16LE));
        assert!(utf_16_without_mark(&[b'a', 0, 0, 0]).is_err());
    }
}
