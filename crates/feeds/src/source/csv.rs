//! CSV (RFC 4180), with commas, semicolons or tabs.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use csv::{ByteRecord, Reader, ReaderBuilder, Trim};

use super::encoding::{BYTE_ORDER_MARK, Encoding};
use super::format::beginning;
use super::row::Row;

/// Opens a feed, and returns its columns and rows.
///
/// # Errors
/// If the file cannot be read.
pub fn open(path: &Path, encoding: Encoding) -> io::Result<(Vec<String>, Rows)> {
    let start = beginning(path)?;
    let header = start
        .split_inclusive(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let separator = separator(header);
    let mut reader = ReaderBuilder::new()
        .delimiter(separator)
        .flexible(true)
        .trim(Trim::Headers)
        .from_reader(BufReader::with_capacity(64 * 1024, File::open(path)?));
    let columns = reader
        .byte_headers()?
        .iter()
        .map(|name| encoding.decode(name.strip_prefix(BYTE_ORDER_MARK).unwrap_or(name)))
        .collect();
    // With CRLF the reader ends a record at CR and begins the next one at LF. So its line numbers are one too
    // small.
    let offset = u64::from(header.ends_with(b"\r\n"));
    Ok((
        columns,
        Rows {
            reader,
            record: ByteRecord::new(),
            encoding,
            offset,
        },
    ))
}

/// The rows of a CSV feed.
pub struct Rows {
    reader: Reader<BufReader<File>>,
    record: ByteRecord,
    encoding: Encoding,
    /// The difference between the line numbers of the file and those of the reader.
    offset: u64,
}

impl Iterator for Rows {
    type Item = io::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.reader.read_byte_record(&mut self.record) {
            Ok(false) => None,
            Ok(true) => {
                let line = self.record.position().map_or(0, csv::Position::line) + self.offset;
                let values = self
                    .record
                    .iter()
                    .map(|value| self.encoding.decode(value))
                    .collect();
                Some(Ok(Row {
                    line,
                    end: self.reader.position().byte(),
                    values: Ok(values),
                }))
            }
            Err(error) => Some(Err(error.into())),
        }
    }
}

/// Returns the separator that occurs most often in the header line.
fn separator(header: &[u8]) -> u8 {
    let count = |separator: &u8| header.iter().filter(|byte| *byte == separator).count();
    // With equal counts `max_by_key` returns the last one: the comma.
    [b'\t', b';', b','].into_iter().max_by_key(count).unwrap_or(b',')
}
