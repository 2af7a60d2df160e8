//! The container of a feed: a table or JSON.

use std::io::{self, Read};
use std::path::Path;

use super::encoding::DetectedEncoding;
use super::utf8::Utf8Reader;

/// The container of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// A header line, and rows of values with a separator.
    Table,
    /// One JSON object a line.
    JsonLines,
    /// One JSON array of objects.
    JsonArray,
}

/// Detects the container by the first character. A header line does not begin with a bracket.
///
/// # Errors
/// If the file cannot be read, or if it is XML.
pub fn detect(path: &Path, encoding: &DetectedEncoding) -> io::Result<Container> {
    let mut start = Vec::new();
    Utf8Reader::open(path, encoding)?
        .take(64 * 1024)
        .read_to_end(&mut start)?;
    Ok(match start.trim_ascii_start().first() {
        Some(b'{') => Container::JsonLines,
        Some(b'[') => Container::JsonArray,
        Some(b'<') => {
            let reason = "it is XML or HTML: export the feed as CSV, as tab-separated text or as JSON Lines";
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        _ => Container::Table,
    })
}
