//! The rows of a feed.

/// One row of a feed.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// The number of its first line, from 1.
    pub line: u64,
    /// The number of bytes of the file that were read so far.
    pub end: u64,
    /// Its values in the order of the columns, or why the row is malformed.
    pub values: Result<Vec<Value>, String>,
}

/// A value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// The row ends before this column, or the object has no such member.
    Missing,
    /// A text. It may be empty.
    Text(String),
    /// A number of JSON, whose decimals follow a point.
    Number(String),
    /// A truth value of JSON.
    Boolean(bool),
    /// A list of texts of JSON.
    List(Vec<String>),
    /// Why the value is no text, no number and no list of texts.
    Invalid(String),
}

impl Value {
    /// Returns whether it is missing or blank.
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Missing => true,
            Self::Text(text) => text.trim().is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Number(_) | Self::Boolean(_) | Self::Invalid(_) => false,
        }
    }
}

/// Rejects a row with a NUL character, which no shop stores.
///
/// # Errors
/// If a text has a NUL character.
pub fn reject_nul(values: Vec<Value>) -> Result<Vec<Value>, String> {
    let has_nul = |value: &Value| match value {
        Value::Text(text) => text.contains('\0'),
        Value::List(items) => items.iter().any(|item| item.contains('\0')),
        _ => false,
    };
    if values.iter().any(has_nul) {
        return Err(
            "the row has a NUL character: remove it, or name an encoding such as utf-16le with --encoding"
                .into(),
        );
    }
    Ok(values)
}
