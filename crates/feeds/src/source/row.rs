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
            Self::Number(_) | Self::Invalid(_) => false,
        }
    }
}
