//! The format of a feed.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use clap::ValueEnum;

use super::encoding::BYTE_ORDER_MARK;

/// The format of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Values separated by commas, semicolons or tabs, with a header line.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// An export of products as lines of JSON: prices in minor units, with categories and variants.
    Export,
}

/// Guesses the format. JSON Lines begin with a brace, and a header line does not.
pub fn guess(path: &Path) -> io::Result<Format> {
    let start = beginning(path)?;
    let start = start.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&start);
    let first = start.iter().find(|byte| !byte.is_ascii_whitespace());
    Ok(if first == Some(&b'{') {
        Format::Jsonl
    } else {
        Format::Csv
    })
}

/// Reads the first bytes of a file.
pub fn beginning(path: &Path) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    File::open(path)?.take(64 * 1024).read_to_end(&mut start)?;
    Ok(start)
}
