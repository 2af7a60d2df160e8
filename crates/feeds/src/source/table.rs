//! Tables: a header line, and rows of values with a separator.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::str::FromStr;

use super::encoding::DetectedEncoding;
use super::records::{RecordError, Records, Syntax};
use super::row::{Row, Value, reject_nul};
use super::utf8::Utf8Reader;

/// The separators that are detected, the most usual one last.
const SEPARATORS: [u8; 4] = [b'|', b'\t', b';', b','];

/// The number of records that decide about the separator.
const SAMPLE: usize = 200;

/// The number of columns with known names, of records with as many values, and of columns.
type Score = (usize, usize, usize);

/// A character between two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Separator(u8);

impl FromStr for Separator {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let byte = match (text, text.as_bytes()) {
            ("comma", _) => b',',
            ("semicolon", _) => b';',
            ("tab" | "\\t", _) => b'\t',
            ("pipe", _) => b'|',
            (_, [byte]) if byte.is_ascii_punctuation() && *byte != b'"' || text == "\t" || text == " " => {
                *byte
            }
            _ => return Err("it must be comma, semicolon, tab, pipe or one ASCII character".into()),
        };
        Ok(Self(byte))
    }
}

impl fmt::Display for Separator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            b',' => formatter.write_str("comma"),
            b';' => formatter.write_str("semicolon"),
            b'\t' => formatter.write_str("tab"),
            b' ' => formatter.write_str("space"),
            byte => write!(formatter, "`{}`", char::from(byte)),
        }
    }
}

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// The separator.
    pub separator: Separator,
    /// Whether the first line is `sep=` and a separator.
    pub separator_line: bool,
    /// Whether a value that begins with a quote is quoted.
    pub quoting: bool,
}

/// Detects the dialect and the columns of a table.
///
/// # Errors
/// If the file cannot be read.
pub fn detect(
    path: &Path,
    encoding: &DetectedEncoding,
    chosen: Option<Separator>,
    recognised: &dyn Fn(&[String]) -> usize,
) -> io::Result<(Dialect, Vec<String>)> {
    let named = separator_line(path, encoding)?;
    let mut dialect = Dialect {
        separator: Separator(b','),
        separator_line: named.is_some(),
        quoting: true,
    };
    let mut best: Option<(Score, Separator, Vec<String>)> = None;
    for byte in SEPARATORS {
        let separator = chosen.or(named).unwrap_or(Separator(byte));
        let candidate = Dialect { separator, ..dialect };
        let (columns, fitting) = match sample(path, encoding, &candidate) {
            // A quoted header is malformed with another separator than its own.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => continue,
            sampled => sampled?,
        };
        let score = (recognised(&columns), fitting, columns.len());
        if best.as_ref().is_none_or(|(best, ..)| *best <= score) {
            best = Some((score, separator, columns));
        }
    }
    let Some((_, separator, columns)) = best else {
        let (columns, _) = sample(path, encoding, &dialect)?;
        return Ok((dialect, columns));
    };
    dialect.separator = separator;
    // Tables with these separators often have no quoting: a quote means inches there.
    if matches!(separator.0, b'\t' | b'|') {
        dialect.quoting = has_quoting(path, encoding, &dialect, columns.len())?;
    }
    let (columns, _) = sample(path, encoding, &dialect)?;
    Ok((dialect, columns))
}

/// Opens the rows of a table with a number of columns.
///
/// # Errors
/// If the file cannot be read.
pub fn rows(path: &Path, encoding: &DetectedEncoding, dialect: &Dialect, width: usize) -> io::Result<Rows> {
    let (mut records, position) = open(path, encoding, dialect, width)?;
    records.next_record()?;
    Ok(Rows {
        records,
        position,
        encoding: encoding.to_owned(),
        separator: dialect.separator,
        width,
    })
}

/// The rows of a table.
pub struct Rows {
    records: Records<Utf8Reader>,
    position: Rc<Cell<u64>>,
    encoding: DetectedEncoding,
    separator: Separator,
    width: usize,
}

impl Iterator for Rows {
    type Item = io::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        let record = self.records.next_record().transpose()?;
        Some(record.map(|record| Row {
            line: record.line,
            end: self.position.get(),
            values: match record.values {
                Ok(values) => self.values(values.values),
                Err(error) => Err(self.message(&error)),
            },
        }))
    }
}

impl Rows {
    /// Fits values to the columns.
    fn values(&self, values: Vec<String>) -> Result<Vec<Value>, String> {
        let width = self.width;
        let further = values.get(width..).unwrap_or_default();
        if further.iter().any(|value| !value.trim().is_empty()) {
            let separator = self.separator;
            return Err(format!(
                "the row has {} values, and the header has {width} columns: put a value that contains the \
                 separator ({separator}) in quotes",
                values.len(),
            ));
        }
        let mut values: Vec<Value> = values.into_iter().take(width).map(Value::Text).collect();
        values.resize(width, Value::Missing);
        reject_nul(values)
    }

    fn message(&self, error: &RecordError) -> String {
        match error {
            RecordError::InvalidByte { .. } => format!(
                "{error}: it is not valid in {}. Correct it, or choose another encoding with --encoding",
                self.encoding.encoding
            ),
            _ => error.to_string(),
        }
    }
}

/// Opens the records of a table, beginning with the header.
fn open(
    path: &Path,
    encoding: &DetectedEncoding,
    dialect: &Dialect,
    width: usize,
) -> io::Result<(Records<Utf8Reader>, Rc<Cell<u64>>)> {
    let reader = Utf8Reader::open(path, encoding)?;
    let position = reader.position();
    let syntax = Syntax {
        separator: dialect.separator.0,
        quoting: dialect.quoting,
        width,
    };
    let mut records = Records::new(reader, syntax);
    if dialect.separator_line {
        records.set_syntax(Syntax {
            quoting: false,
            ..syntax
        });
        records.next_record()?;
        records.set_syntax(syntax);
    }
    Ok((records, position))
}

/// Returns the separator of the first line, if that is `sep=` and a separator, as Excel writes it.
fn separator_line(path: &Path, encoding: &DetectedEncoding) -> io::Result<Option<Separator>> {
    let syntax = Syntax {
        separator: b'\n',
        quoting: false,
        width: 1,
    };
    let first = Records::new(Utf8Reader::open(path, encoding)?, syntax).next_record()?;
    let values = first.and_then(|record| record.values.ok());
    let Some(line) = values.and_then(|values| values.values.into_iter().next()) else {
        return Ok(None);
    };
    let line = line.trim().trim_matches('"');
    let Some((name, separator)) = line.split_at_checked(4) else {
        return Ok(None);
    };
    let separator = if separator.is_empty() { "\t" } else { separator };
    Ok(name
        .eq_ignore_ascii_case("sep=")
        .then(|| separator.parse().ok())
        .flatten())
}

/// Returns the columns, and how many of the first records have as many values.
fn sample(path: &Path, encoding: &DetectedEncoding, dialect: &Dialect) -> io::Result<(Vec<String>, usize)> {
    let (mut records, _) = open(path, encoding, dialect, 0)?;
    let Some(header) = records.next_record()? else {
        return Ok((Vec::new(), 0));
    };
    let header = match header.values {
        Ok(values) => values.values,
        Err(error) => {
            let reason = format!("its header line is malformed ({error})");
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
    };
    let mut fitting = 0;
    for _ in 0..SAMPLE {
        match records.next_record()? {
            Some(record) => {
                let width = record.values.map_or(0, |values| values.values.len());
                fitting += usize::from(width == header.len() && width > 1);
            }
            None => break,
        }
    }
    let columns = header.into_iter().map(|name| name.trim().to_owned()).collect();
    Ok((columns, fitting))
}

/// Returns whether values are quoted: if one needs its quotes, or if all quotes at the beginning of a value are
/// closed.
fn has_quoting(
    path: &Path,
    encoding: &DetectedEncoding,
    dialect: &Dialect,
    width: usize,
) -> io::Result<bool> {
    let (mut records, _) = open(path, encoding, dialect, width)?;
    let mut all_closed = true;
    while let Some(record) = records.next_record()? {
        match record.values {
            Ok(values) if values.needs_quoting => return Ok(true),
            Err(RecordError::UnclosedQuote(_) | RecordError::TextAfterQuote(_)) => all_closed = false,
            Ok(_) | Err(_) => {}
        }
    }
    Ok(all_closed)
}
