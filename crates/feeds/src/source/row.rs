//! The rows of a feed.

/// One row of a feed.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// The number of its first line, from 1.
    pub line: u64,
    /// The position of its end in the file, in bytes.
    pub end: u64,
    /// Its values in the order of the columns, or why the row is malformed.
    pub values: Result<Vec<String>, String>,
}
