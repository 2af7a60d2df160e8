//! Splits a table into records, and a record into values (RFC 4180).
//!
//! A quote that is never closed would make one value of the whole rest of a file. So a record with such a quote
//! ends at its first line, and reading continues at the next line.

use std::io::{self, Read};

use memchr::{memchr, memchr_iter, memchr2, memchr2_iter, memchr3, memrchr2};

const BLOCK: usize = 64 * 1024;

/// The maximum length of a record in bytes. A longer product does not fit into a request.
const MAX_RECORD: usize = 1024 * 1024;

/// How values are separated and quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Syntax {
    /// The separator.
    pub separator: u8,
    /// Whether a value that begins with a quote is quoted.
    pub quoting: bool,
    /// The number of columns. A quoted value with line breaks whose lines all have as many values is not a value:
    /// its quote is unclosed.
    pub width: usize,
}

/// One record of a table.
#[derive(Debug, PartialEq, Eq)]
pub struct Record {
    /// The number of its first line.
    pub line: u64,
    /// Its values.
    pub values: Result<Values, RecordError>,
}

/// The values of a record.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Values {
    /// The values, without quotes.
    pub values: Vec<String>,
    /// Whether a value needs its quotes: it has a separator, a quote or a line break.
    pub needs_quoting: bool,
}

/// Why a record is malformed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A quote is not closed.
    #[error("unclosed quote, begins on line {0}: close it, or double a quote that is part of the text")]
    UnclosedQuote(u64),
    /// A text follows a closing quote.
    #[error(
        "text after a closing quote on line {0}: put the whole value in quotes, and double the quotes in it"
    )]
    TextAfterQuote(u64),
    /// The record is too long.
    #[error("the row is longer than {} KiB", MAX_RECORD / 1024)]
    TooLong,
    /// A byte is invalid in the encoding.
    #[error("invalid byte on line {line}, column {column}")]
    InvalidByte {
        /// The line.
        line: u64,
        /// The column in characters, from 1.
        column: usize,
    },
}

/// Reads records.
pub struct Records<R> {
    input: R,
    /// A part of the file. The next record begins at `start`.
    window: Vec<u8>,
    start: usize,
    ended: bool,
    /// The number of the line at `start`.
    line: u64,
    syntax: Syntax,
}

/// The length of a record, with its line break, and how to split it.
enum Frame {
    /// The record has no quote at the beginning of a value.
    Plain(usize),
    /// The record has quoted values.
    Quoted(usize, Vec<Span>),
    /// A quoted value begins at this index. It is unclosed if the flag is set. Otherwise a text follows it.
    Malformed(usize, bool),
    /// The window ends before the record.
    Incomplete,
}

/// A value in a record, by its first byte and the byte after it.
struct Span {
    start: usize,
    end: usize,
    /// Whether it is quoted. The span is inside of the quotes.
    quoted: bool,
}

impl<R: Read> Records<R> {
    /// Reads the records of a text in UTF-8 that begins at a line.
    pub fn new(input: R, syntax: Syntax) -> Self {
        Self {
            input,
            window: Vec::new(),
            start: 0,
            ended: false,
            line: 1,
            syntax,
        }
    }

    /// Changes the syntax of the following records.
    pub fn set_syntax(&mut self, syntax: Syntax) {
        self.syntax = syntax;
    }

    /// Reads one record that is not an empty line.
    ///
    /// # Errors
    /// If the input cannot be read.
    pub fn next_record(&mut self) -> io::Result<Option<Record>> {
        let syntax = self.syntax;
        loop {
            let rest = self.window.get(self.start..).unwrap_or_default();
            if rest.is_empty() && self.ended {
                return Ok(None);
            }
            match frame(rest, self.ended, syntax) {
                Frame::Incomplete if self.ended => return Ok(None),
                Frame::Incomplete if rest.len() > MAX_RECORD => {
                    let record = Record {
                        line: self.line,
                        values: Err(RecordError::TooLong),
                    };
                    self.skip_line()?;
                    return Ok(Some(record));
                }
                Frame::Incomplete => self.fill()?,
                Frame::Plain(length) => {
                    let (line, bytes) = self.take(length);
                    let text = trim_line_break(bytes);
                    if text.is_empty() {
                        continue;
                    }
                    let values = decode(text, line).map(|text| Values {
                        values: split(text, syntax.separator),
                        needs_quoting: false,
                    });
                    return Ok(Some(Record { line, values }));
                }
                Frame::Quoted(length, spans) => {
                    let (line, bytes) = self.take(length);
                    let values = decode(bytes, line).map(|text| unquote(text, &spans, syntax.separator));
                    return Ok(Some(Record { line, values }));
                }
                Frame::Malformed(at, unclosed) => {
                    let line = self.line;
                    self.take(at);
                    let error = if unclosed {
                        RecordError::UnclosedQuote(self.line)
                    } else {
                        RecordError::TextAfterQuote(self.line)
                    };
                    self.skip_line()?;
                    let values = Err(error);
                    return Ok(Some(Record { line, values }));
                }
            }
        }
    }

    /// Moves after a record. Returns its line and its bytes.
    fn take(&mut self, length: usize) -> (u64, &[u8]) {
        let line = self.line;
        let bytes = self
            .window
            .get(self.start..self.start + length)
            .unwrap_or_default();
        self.line += line_breaks(bytes);
        self.start += length;
        (line, bytes)
    }

    /// Moves to the next line.
    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let rest = self.window.get(self.start..).unwrap_or_default();
            match line_end(rest, self.ended) {
                Some(length) => {
                    self.take(length);
                    return Ok(());
                }
                None => {
                    // A line that is too long is not kept. A CR may end it.
                    self.start += rest.len().saturating_sub(1);
                    self.fill()?;
                }
            }
        }
    }

    /// Reads a part of the file into the window. It at least doubles the rest, so that a long record is not
    /// scanned often.
    fn fill(&mut self) -> io::Result<()> {
        self.window.drain(..self.start);
        self.start = 0;
        let filled = self.window.len();
        let more = filled.max(BLOCK);
        self.window.resize(filled + more, 0);
        let mut end = filled;
        while end < self.window.len() {
            let free = self.window.get_mut(end..).unwrap_or_default();
            match self.input.read(free) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(read) => end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.window.truncate(end);
        Ok(())
    }
}

/// Finds the end of the record at the beginning of `bytes`.
fn frame(bytes: &[u8], ended: bool, syntax: Syntax) -> Frame {
    let Some(length) = line_end(bytes, ended) else {
        return Frame::Incomplete;
    };
    let line = bytes.get(..length).unwrap_or_default();
    if !syntax.quoting || memchr(b'"', line).is_none() {
        return Frame::Plain(length);
    }
    let mut spans = Vec::new();
    let mut at = 0;
    loop {
        let start = at;
        let rest = bytes.get(at..).unwrap_or_default();
        let quoted = rest.first() == Some(&b'"');
        if quoted {
            let Some(end) = closing_quote(bytes, at + 1) else {
                let is_unclosed = ended || rest.len() > MAX_RECORD;
                return if is_unclosed {
                    Frame::Malformed(start, true)
                } else {
                    Frame::Incomplete
                };
            };
            spans.push(Span {
                start: start + 1,
                end,
                quoted,
            });
            at = end + 1;
            // Some programs pad a quoted value.
            while syntax.separator != b' ' && bytes.get(at) == Some(&b' ') {
                at += 1;
            }
            if at == bytes.len() && !ended {
                return Frame::Incomplete;
            }
        } else {
            let length = memchr3(syntax.separator, b'\n', b'\r', rest);
            at += match length {
                Some(length) => length,
                None if ended => rest.len(),
                None => return Frame::Incomplete,
            };
            spans.push(Span {
                start,
                end: at,
                quoted,
            });
        }
        match bytes.get(at) {
            Some(byte) if *byte == syntax.separator => at += 1,
            Some(b'\n' | b'\r') | None => break,
            Some(_) => {
                let value = bytes.get(start..at).unwrap_or_default();
                let unclosed = memchr2(b'\n', b'\r', value).is_some();
                return Frame::Malformed(start, unclosed);
            }
        }
    }
    let after = bytes.get(at..).unwrap_or_default();
    let Some(line_break) = line_end(after, ended) else {
        return Frame::Incomplete;
    };
    if let Some(span) = spans
        .iter()
        .position(|span| span.quoted && spans_rows(bytes, span, &spans, syntax))
    {
        let start = spans.get(span).map_or(0, |span| span.start.saturating_sub(1));
        return Frame::Malformed(start, true);
    }
    Frame::Quoted(at + line_break, spans)
}

/// Returns whether a quoted value looks like the rest of one row, some whole rows, and the beginning of another
/// one.
fn spans_rows(bytes: &[u8], span: &Span, spans: &[Span], syntax: Syntax) -> bool {
    let content = bytes.get(span.start..span.end).unwrap_or_default();
    let mut lines: Vec<&[u8]> = content.split(|byte| *byte == b'\n').collect();
    if lines.len() < 2 {
        lines = content.split(|byte| *byte == b'\r').collect();
    }
    let separators = |line: &[u8]| memchr_iter(syntax.separator, line).count();
    let [first, middle @ .., last] = lines.as_slice() else {
        return false;
    };
    // A tab inside of a value is much rarer than a quote that means inches.
    if syntax.separator == b'\t' && memchr(b'\t', content).is_some() {
        return true;
    }
    let before = spans.iter().take_while(|other| other.start < span.start).count();
    let after = spans.len() - before - 1;
    let values = syntax.width.saturating_sub(1);
    values > 0
        && before + separators(first) == values
        && middle.iter().all(|line| separators(line) == values)
        && separators(last) + after == values
}

/// Returns the index of the quote that closes a value. Doubled quotes are part of the value.
fn closing_quote(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr(b'"', bytes.get(at..)?)?;
        if bytes.get(at + 1) != Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

/// Returns the length of the first line, with its line break: LF, CRLF or CR.
fn line_end(bytes: &[u8], ended: bool) -> Option<usize> {
    match memchr2(b'\n', b'\r', bytes) {
        Some(at) if bytes.get(at) == Some(&b'\n') => Some(at + 1),
        Some(at) => match bytes.get(at + 1) {
            Some(b'\n') => Some(at + 2),
            None if !ended => None,
            _ => Some(at + 1),
        },
        None => ended.then_some(bytes.len()),
    }
}

/// Counts line breaks: LF, CRLF or CR.
fn line_breaks(bytes: &[u8]) -> u64 {
    let ends = |at: &usize| bytes.get(*at) == Some(&b'\n') || bytes.get(*at + 1) != Some(&b'\n');
    memchr2_iter(b'\n', b'\r', bytes).filter(ends).count() as u64
}

fn trim_line_break(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

/// Decodes a record that begins at a line.
fn decode(bytes: &[u8], line: u64) -> Result<&str, RecordError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let start = memrchr2(b'\n', b'\r', valid).map_or(0, |at| at + 1);
        let before = valid.get(start..).unwrap_or_default();
        RecordError::InvalidByte {
            line: line + line_breaks(valid),
            column: String::from_utf8_lossy(before).chars().count() + 1,
        }
    })
}

fn split(text: &str, separator: u8) -> Vec<String> {
    let mut values = Vec::new();
    let mut start = 0;
    for at in memchr_iter(separator, text.as_bytes()) {
        values.push(text.get(start..at).unwrap_or_default().to_owned());
        start = at + 1;
    }
    values.push(text.get(start..).unwrap_or_default().to_owned());
    values
}

fn unquote(text: &str, spans: &[Span], separator: u8) -> Values {
    let separator = char::from(separator);
    let mut needs_quoting = false;
    let values = spans
        .iter()
        .map(|span| {
            let value = text.get(span.start..span.end).unwrap_or_default();
            if !span.quoted {
                return value.to_owned();
            }
            needs_quoting |= value.contains(['"', '\n', '\r', separator]);
            if value.contains('"') {
                value.replace("\"\"", "\"")
            } else {
                value.to_owned()
            }
        })
        .collect();
    Values {
        values,
        needs_quoting,
    }
}

#[cfg(test)]
mod tests;
