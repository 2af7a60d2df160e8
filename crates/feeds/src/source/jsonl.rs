//! JSON Lines: one JSON object a line.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use serde_json::value::RawValue;

use super::encoding::{BYTE_ORDER_MARK, Encoding};
use super::row::Row;

/// The members of one object. Values stay text, so that no price becomes a floating-point number.
type Object = BTreeMap<String, Box<RawValue>>;

/// The number of objects whose members become columns.
const OBJECTS_FOR_COLUMNS: usize = 1000;

/// Opens a feed, and returns its columns and rows.
///
/// # Errors
/// If the file cannot be read.
pub fn open(path: &Path, encoding: Encoding) -> io::Result<(Vec<String>, Rows)> {
    let mut columns = Vec::new();
    for object in Rows::new(path, encoding, Vec::new())?
        .objects()
        .take(OBJECTS_FOR_COLUMNS)
    {
        for name in object?.2.into_iter().flat_map(Object::into_keys) {
            if !columns.contains(&name) {
                columns.push(name);
            }
        }
    }
    let rows = Rows::new(path, encoding, columns.clone())?;
    Ok((columns, rows))
}

/// The rows of a JSON Lines feed.
pub struct Rows {
    reader: BufReader<File>,
    encoding: Encoding,
    columns: Vec<String>,
    line: u64,
    end: u64,
    buffer: Vec<u8>,
}

impl Rows {
    fn new(path: &Path, encoding: Encoding, columns: Vec<String>) -> io::Result<Self> {
        let reader = BufReader::with_capacity(64 * 1024, File::open(path)?);
        Ok(Self {
            reader,
            encoding,
            columns,
            line: 0,
            end: 0,
            buffer: Vec::new(),
        })
    }

    /// Returns the lines that are not blank: the number, the end, and the object or why it is malformed.
    fn objects(&mut self) -> impl Iterator<Item = io::Result<(u64, u64, Result<Object, String>)>> {
        std::iter::from_fn(|| {
            loop {
                self.buffer.clear();
                match self.reader.read_until(b'\n', &mut self.buffer) {
                    Ok(0) => return None,
                    Ok(count) => {
                        self.line += 1;
                        self.end += count as u64;
                    }
                    Err(error) => return Some(Err(error)),
                }
                let bytes = self.buffer.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&self.buffer);
                let text = self.encoding.decode(bytes);
                if !text.trim().is_empty() {
                    let object =
                        serde_json::from_str(&text).map_err(|error| format!("not a JSON object: {error}"));
                    return Some(Ok((self.line, self.end, object)));
                }
            }
        })
    }
}

impl Iterator for Rows {
    type Item = io::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        let object = self.objects().next()?;
        Some(object.map(|(line, end, object)| {
            let values = object.map(|object| {
                self.columns
                    .iter()
                    .map(|name| object.get(name).map(|raw| text(raw)).unwrap_or_default())
                    .collect()
            });
            Row { line, end, values }
        }))
    }
}

/// Returns a value as text: a string without quotes, null as an empty text, any other value as its JSON.
fn text(value: &RawValue) -> String {
    let json = value.get();
    if json == "null" {
        return String::new();
    }
    serde_json::from_str(json).unwrap_or_else(|_| json.to_owned())
}
