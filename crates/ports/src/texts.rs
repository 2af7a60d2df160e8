//! Bytes as texts: each character stands for the byte of the same number.

/// Returns the text of bytes.
#[must_use]
pub fn to_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 3 / 2);
    // Runs of ASCII, which most values consist of, are the same as text and as bytes.
    for chunk in bytes.chunk_by(|left, right| left.is_ascii() == right.is_ascii()) {
        match str::from_utf8(chunk) {
            Ok(ascii) if ascii.is_ascii() => text.push_str(ascii),
            _ => text.extend(chunk.iter().map(|byte| char::from(*byte))),
        }
    }
    text
}

/// Returns the bytes of a text, or `None` if a character stands for no byte.
#[must_use]
pub fn to_bytes(text: String) -> Option<Vec<u8>> {
    if text.is_ascii() {
        return Some(text.into_bytes());
    }
    text.chars().map(|char| u8::try_from(char).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sequence_of_bytes_returns_from_its_text() {
        let all: Vec<u8> = (0..=255).collect();
        let mixed = [
            b"{\"name\": \"caf\xc3\xa9\"}".as_slice(),
            &all,
            &[0x80; 3],
            b"end",
        ]
        .concat();
        for bytes in [b"".as_slice(), b"text", &all, &mixed] {
            assert_eq!(to_bytes(to_text(bytes)).as_deref(), Some(bytes));
        }
    }

    #[test]
    fn a_character_beyond_bytes_stands_for_none() {
        assert_eq!(to_bytes("a\u{100}".into()), None);
    }
}
