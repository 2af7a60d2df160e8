//! Detects how a feed is written, and reads it row by row.

mod container;
mod encoding;
mod json;
mod records;
mod row;
mod table;
mod utf8;

use std::io;
use std::path::{Path, PathBuf};

pub use container::Container;
pub use encoding::{DetectedEncoding, Encoding};
pub use row::{Row, Value};
pub use table::{Dialect, Separator};

/// How the user says that the feed is written. What is not set is detected.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// The container.
    pub container: Option<Container>,
    /// The encoding.
    pub encoding: Option<Encoding>,
    /// The separator of the values of a table.
    pub separator: Option<Separator>,
}

/// A feed, and how it is written.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    /// Its length in bytes.
    pub length: u64,
    /// Whether it is a table or JSON.
    pub container: Container,
    /// Its encoding.
    pub encoding: DetectedEncoding,
    /// The dialect of a table.
    pub dialect: Option<Dialect>,
    /// The names of its columns.
    pub columns: Vec<String>,
}

/// The rows of a feed, in any container.
pub type Rows = Box<dyn Iterator<Item = io::Result<Row>>>;

impl Source {
    /// Detects how a feed is written. `recognised` counts the columns that have known names: it decides between
    /// separators.
    ///
    /// # Errors
    /// If the file cannot be read, or if it is not a text. The message says how to convert it.
    pub fn detect(
        path: &Path,
        choices: &Choices,
        recognised: &dyn Fn(&[String]) -> usize,
    ) -> io::Result<Self> {
        let length = path.metadata()?.len();
        let encoding = encoding::detect(path, choices.encoding)?;
        let container = match choices.container {
            Some(container) => container,
            None => container::detect(path, &encoding)?,
        };
        let (dialect, columns) = match container {
            Container::Table => {
                let (dialect, columns) = table::detect(path, &encoding, choices.separator, recognised)?;
                (Some(dialect), columns)
            }
            Container::JsonLines => (None, json::columns(json::lines(path, &encoding)?)?),
            Container::JsonArray => (None, json::columns(json::array(path, &encoding)?)?),
        };
        if container == Container::JsonLines
            && let Some(reason) = json::wrong_shape(path, &encoding, recognised(&columns) > 0)?
        {
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        let source = Self {
            path: path.to_owned(),
            length,
            container,
            encoding,
            dialect,
            columns,
        };
        if source.is_empty()? {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the feed is empty"));
        }
        Ok(source)
    }

    /// Returns whether no column has a name and no row has a value.
    fn is_empty(&self) -> io::Result<bool> {
        if self.columns.iter().any(|name| !name.trim().is_empty()) {
            return Ok(false);
        }
        for row in self.rows()? {
            let is_blank = |values: Vec<Value>| values.iter().all(Value::is_blank);
            if !row?.values.is_ok_and(is_blank) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads all rows from the beginning.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn rows(&self) -> io::Result<Rows> {
        let columns = self.columns.clone();
        Ok(match (&self.dialect, self.container) {
            (Some(dialect), _) => Box::new(table::rows(&self.path, &self.encoding, dialect, columns.len())?),
            (None, Container::JsonArray) => {
                Box::new(json::rows(json::array(&self.path, &self.encoding)?, columns))
            }
            (None, _) => Box::new(json::rows(json::lines(&self.path, &self.encoding)?, columns)),
        })
    }
}
