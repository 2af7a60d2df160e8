//! JSON: one object a line, or an array of objects.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::rc::Rc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::encoding::DetectedEncoding;
use super::row::{Row, Value, reject_nul};
use super::utf8::Utf8Reader;

/// The members of one object. Values stay text, so that no price becomes a floating-point number.
type Object = BTreeMap<String, Box<RawValue>>;

/// The maximum number of columns.
const MAX_COLUMNS: usize = 10_000;

/// The maximum length of a line in bytes. A longer product does not fit into a request.
const MAX_LINE: u64 = 1024 * 1024;

/// The usual names of a list of products in one object.
const LISTS: [&str; 7] = [
    "products", "items", "data", "results", "records", "rows", "entries",
];

/// An object of a feed, or why it is malformed.
pub struct Element {
    line: u64,
    end: u64,
    object: Result<Object, String>,
}

/// Returns the names of all members.
///
/// # Errors
/// If the file cannot be read.
pub fn columns(elements: impl Iterator<Item = io::Result<Element>>) -> io::Result<Vec<String>> {
    let mut columns = Vec::new();
    let mut known = std::collections::HashSet::new();
    for element in elements {
        for name in element?.object.into_iter().flat_map(Object::into_keys) {
            if columns.len() < MAX_COLUMNS && known.insert(name.clone()) {
                columns.push(name);
            }
        }
    }
    Ok(columns)
}

/// Returns the rows with these columns.
pub fn rows(
    elements: impl Iterator<Item = io::Result<Element>>,
    columns: Vec<String>,
) -> impl Iterator<Item = io::Result<Row>> {
    elements.map(move |element| {
        let element = element?;
        let values = element.object.and_then(|object| {
            let member = |name| object.get(name).map_or(Value::Missing, |raw| value(raw));
            reject_nul(columns.iter().map(member).collect())
        });
        Ok(Row {
            line: element.line,
            end: element.end,
            values,
        })
    })
}

/// Reads one object a line. Ignores blank lines.
///
/// # Errors
/// If the file cannot be read.
pub fn lines(
    path: &Path,
    encoding: &DetectedEncoding,
) -> io::Result<impl Iterator<Item = io::Result<Element>> + use<>> {
    let input = Utf8Reader::open(path, encoding)?;
    let position = input.position();
    let mut reader = BufReader::with_capacity(64 * 1024, input);
    let mut line = 0;
    let mut buffer = Vec::new();
    Ok(std::iter::from_fn(move || {
        loop {
            buffer.clear();
            let read = reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut buffer);
            match read {
                Ok(0) => return None,
                Ok(_) => line += 1,
                Err(error) => return Some(Err(error)),
            }
            let is_long = buffer.len() as u64 == MAX_LINE && !buffer.ends_with(b"\n");
            if is_long && let Err(error) = reader.skip_until(b'\n') {
                return Some(Err(error));
            }
            if buffer.trim_ascii().is_empty() {
                continue;
            }
            let object = if is_long {
                Err(format!("the line is longer than {} KiB", MAX_LINE / 1024))
            } else {
                object(&buffer)
            };
            let end = position.get();
            return Some(Ok(Element { line, end, object }));
        }
    }))
}

/// Returns why a file of JSON is not one object a line: an object spans several lines, or the only object has
/// the list of products. `has_known` says whether a member has the name of a field.
///
/// # Errors
/// If the file cannot be read.
pub fn wrong_shape(path: &Path, encoding: &DetectedEncoding, has_known: bool) -> io::Result<Option<String>> {
    let mut start = Vec::new();
    Utf8Reader::open(path, encoding)?
        .take(MAX_LINE)
        .read_to_end(&mut start)?;
    let is_whole = (start.len() as u64) < MAX_LINE;
    let text = String::from_utf8_lossy(&start);
    let mut rows = text.lines().filter(|line| !line.trim().is_empty());
    let (first, second) = (rows.next().unwrap_or_default(), rows.next());
    let wrapped = |name: &str| {
        format!(
            "the list of products is in `{name}`: save this list alone as a file, for example with `jq .{name}`"
        )
    };
    match (serde_json::from_str::<Object>(first), second) {
        (Ok(object), None) if is_whole => {
            let list = object.iter().find(|(name, raw)| {
                begins_list_of_objects(raw.get()) && (!has_known || LISTS.contains(&name.as_str()))
            });
            Ok(list.map(|(name, _)| wrapped(name)))
        }
        (Err(error), Some(second)) if error.is_eof() && !second.trim_start().starts_with('{') => {
            let list = LISTS.iter().find(|name| {
                let values = text.split_once(&format!("\"{name}\""));
                let value = values.and_then(|(_, after)| after.trim_start().strip_prefix(':'));
                value.is_some_and(begins_list_of_objects)
            });
            let reason = "each line must be one JSON object, and the first object spans several lines: write one \
                          object a line, for example with `jq -c .`, or put all objects into one array";
            Ok(Some(list.map_or_else(|| reason.to_owned(), |name| wrapped(name))))
        }
        (Err(_), None) if !is_whole => {
            let list = LISTS.iter().find(|name| {
                let key = text.trim_start().strip_prefix('{').map(str::trim_start);
                let value = key.and_then(|key| key.strip_prefix(&format!("\"{name}\"")));
                let value = value.and_then(|value| value.trim_start().strip_prefix(':'));
                value.is_some_and(begins_list_of_objects)
            });
            Ok(list.map(|name| wrapped(name)))
        }
        _ => Ok(None),
    }
}

fn begins_list_of_objects(json: &str) -> bool {
    let items = json.trim_start().strip_prefix('[');
    items.is_some_and(|items| items.trim_start().starts_with('{'))
}

fn object(bytes: &[u8]) -> Result<Object, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let column = String::from_utf8_lossy(valid).chars().count() + 1;
        format!("invalid byte at column {column}: correct it, or choose another encoding with --encoding")
    })?;
    serde_json::from_str(text).map_err(|error| format!("not a JSON object: {error}"))
}

/// Reads the objects of one array.
///
/// # Errors
/// If the file cannot be read.
pub fn array(
    path: &Path,
    encoding: &DetectedEncoding,
) -> io::Result<impl Iterator<Item = io::Result<Element>> + use<>> {
    let input = Utf8Reader::open(path, encoding)?;
    let position = input.position();
    let line = Rc::new(Cell::new(1));
    let mut reader = LineCounter {
        inner: BufReader::with_capacity(64 * 1024, input),
        line: Rc::clone(&line),
    };
    let mut finished = false;
    Ok(std::iter::from_fn(move || {
        if finished {
            return None;
        }
        let is_object = match reader.skip_to_object() {
            Ok(is_object) => is_object,
            Err(error) => return Some(Err(error)),
        };
        if !is_object {
            return None;
        }
        let first = line.get();
        let object = Object::deserialize(&mut serde_json::Deserializer::from_reader(&mut reader));
        finished = object.is_err();
        Some(Ok(Element {
            line: first,
            end: position.get(),
            object: object
                .map_err(|error| format!("not a JSON object: {error}; the rest of the file cannot be read")),
        }))
    }))
}

/// Counts the lines that are read.
struct LineCounter {
    inner: BufReader<Utf8Reader>,
    line: Rc<Cell<u64>>,
}

impl LineCounter {
    /// Skips spaces, brackets and commas. Returns whether a value follows.
    fn skip_to_object(&mut self) -> io::Result<bool> {
        loop {
            match self.inner.fill_buf()?.first() {
                None => return Ok(false),
                Some(b'[' | b']' | b',' | b' ' | b'\t' | b'\r' | b'\n') => {
                    self.read_exact(&mut [0])?;
                }
                Some(_) => return Ok(true),
            }
        }
    }
}

impl Read for LineCounter {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let breaks = memchr::memchr_iter(b'\n', buffer.get(..read).unwrap_or_default()).count();
        self.line.set(self.line.get() + breaks as u64);
        Ok(read)
    }
}

/// Returns a value. Null is an empty text.
fn value(raw: &RawValue) -> Value {
    let json = raw.get();
    let text = |json: &str| serde_json::from_str::<String>(json);
    match json.as_bytes().first() {
        Some(b'"') => match text(json) {
            Ok(text) => Value::Text(text),
            Err(_) => Value::Invalid(
                "it is not a valid text: an escape such as \\ud83d is half of a character".into(),
            ),
        },
        Some(b'n') => Value::Text(String::new()),
        Some(b't') => Value::Boolean(true),
        Some(b'f') => Value::Boolean(false),
        Some(b'[') => match serde_json::from_str(json) {
            Ok(items) => Value::List(items),
            Err(_) => Value::Invalid("it is a list of other values than texts".into()),
        },
        Some(b'{') => Value::Invalid("it is an object, and not a text".into()),
        _ => Value::Number(json.to_owned()),
    }
}
