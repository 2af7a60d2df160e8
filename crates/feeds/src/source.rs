//! Feeds: CSV or JSON Lines, UTF-8 or Latin-1, read as they stream by.

mod csv;
mod encoding;
mod jsonl;

use std::fs::File;
use std::io;
use std::path::Path;

use clap::ValueEnum;

pub use encoding::Encoding;

/// The form of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Values separated by commas, semicolons or tabs, with a header line.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// An export of products as lines of JSON: prices in minor units, with categories and variants.
    Export,
}

/// One row, or what was found in its place.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// The line it begins in, from 1.
    pub line: u64,
    /// Where it ends in the file, in bytes.
    pub end: u64,
    /// Its values in the order of the feed's columns, or why it can't be read.
    pub values: Result<Vec<String>, String>,
}

/// An open feed.
pub struct Feed {
    /// The names of its columns.
    pub columns: Vec<String>,
    /// Its length in bytes.
    pub length: u64,
    rows: Rows,
}

/// What goes through a feed.
type Rows = Box<dyn Iterator<Item = io::Result<Row>>>;

impl Feed {
    /// Opens a feed. What is not given about its form is guessed: from its first character, and from whether all of
    /// it is valid UTF-8.
    ///
    /// # Errors
    /// Where it can't be read.
    pub fn open(path: &Path, format: Option<Format>, encoding: Option<Encoding>) -> io::Result<Self> {
        let length = path.metadata()?.len();
        let encoding = match encoding {
            Some(encoding) => encoding,
            None => encoding::guess(File::open(path)?)?,
        };
        let format = match format {
            Some(format) => format,
            None => guess(path)?,
        };
        let (columns, rows): (_, Rows) = match format {
            Format::Csv => {
                let (columns, rows) = csv::open(path, encoding)?;
                (columns, Box::new(rows))
            }
            Format::Jsonl | Format::Export => {
                let (columns, rows) = jsonl::open(path, encoding)?;
                (columns, Box::new(rows))
            }
        };
        Ok(Self {
            columns,
            length,
            rows,
        })
    }
}

impl Iterator for Feed {
    type Item = io::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rows.next()
    }
}

/// JSON Lines begin with a brace, as no header line does.
fn guess(path: &Path) -> io::Result<Format> {
    let start = beginning(path)?;
    let start = start.strip_prefix(encoding::BYTE_ORDER_MARK).unwrap_or(&start);
    let first = start.iter().find(|byte| !byte.is_ascii_whitespace());
    Ok(if first == Some(&b'{') {
        Format::Jsonl
    } else {
        Format::Csv
    })
}

/// The first bytes of a file.
fn beginning(path: &Path) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(File::open(path)?, 64 * 1024), &mut start)?;
    Ok(start)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn open(content: &[u8]) -> Feed {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        Feed::open(file.path(), None, None).unwrap()
    }

    fn rows(content: &[u8]) -> Vec<(u64, Result<Vec<String>, String>)> {
        open(content)
            .map(|row| row.unwrap())
            .map(|row| (row.line, row.values))
            .collect()
    }

    fn strings(values: &[&str]) -> Result<Vec<String>, String> {
        Ok(values.iter().map(|value| (*value).to_owned()).collect())
    }

    #[test]
    fn a_csv_feed_keeps_quoted_line_feeds_and_tells_the_lines_of_rows() {
        let content = b"id,name\r\n1,\"two\nlines\"\r\n2,\"say \"\"hi\"\"\"\r\n";
        assert_eq!(open(content).columns, ["id", "name"]);
        assert_eq!(
            rows(content),
            [
                (2, strings(&["1", "two\nlines"])),
                (4, strings(&["2", "say \"hi\""]))
            ]
        );
    }

    #[test]
    fn semicolons_and_tabs_separate_too() {
        assert_eq!(
            open(b"id;name;price\n1;a,b;2,50\n").columns,
            ["id", "name", "price"]
        );
        assert_eq!(rows(b"id\tname\n1\ta,b\n"), [(2, strings(&["1", "a,b"]))]);
    }

    #[test]
    fn utf_8_is_recognised_and_all_else_is_latin_1() {
        assert_eq!(
            rows("id,name\n1,Café\n".as_bytes()),
            [(2, strings(&["1", "Café"]))]
        );
        assert_eq!(rows(b"id,name\n1,Caf\xe9\n"), [(2, strings(&["1", "Café"]))]);
    }

    #[test]
    fn a_character_split_between_two_blocks_is_still_utf_8() {
        let mut content = b"id,name\n1,".to_vec();
        content.resize(64 * 1024 - 1, b'x');
        content.extend_from_slice("é\n".as_bytes());
        assert!(rows(&content)[0].1.as_ref().unwrap()[1].ends_with("xé"));
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_column() {
        assert_eq!(open("\u{feff}id,name\n1,a\n".as_bytes()).columns, ["id", "name"]);
        assert_eq!(rows("\u{feff}{\"id\": 1}\n".as_bytes()), [(1, strings(&["1"]))]);
    }

    #[test]
    fn json_lines_may_lack_fields_and_a_broken_line_spoils_no_other() {
        let content = b"{\"id\": 1, \"name\": \"a\"}\n\nnot json\n[1]\n{\"price\": 12.50, \"id\": \"2\", \"name\": null}\n";
        assert_eq!(open(content).columns, ["id", "name", "price"]);
        let rows = rows(content);
        assert_eq!(rows[0], (1, strings(&["1", "a", ""])));
        assert!(rows[1].0 == 3 && rows[1].1.is_err() && rows[2].0 == 4 && rows[2].1.is_err());
        assert_eq!(rows[3], (5, strings(&["2", "", "12.50"])));
    }

    #[test]
    fn an_empty_file_has_no_columns_and_no_rows() {
        assert!(open(b"").columns.is_empty() && rows(b"").is_empty());
    }
}
