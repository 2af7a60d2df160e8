//! Reads feeds row by row: CSV or JSON Lines, in UTF-8 or Latin-1.

mod csv;
mod encoding;
mod format;
mod jsonl;
mod row;

use std::fs::File;
use std::io;
use std::path::Path;

pub use encoding::Encoding;
pub use format::Format;
pub use row::Row;

/// An open feed.
pub struct Feed {
    /// The names of its columns.
    pub columns: Vec<String>,
    /// Its length in bytes.
    pub length: u64,
    rows: Rows,
}

/// The rows of a feed, in any format.
type Rows = Box<dyn Iterator<Item = io::Result<Row>>>;

impl Feed {
    /// Opens a feed. Without a format, guesses it from the first character. Without an encoding, checks
    /// whether the whole file is valid UTF-8.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn open(path: &Path, format: Option<Format>, encoding: Option<Encoding>) -> io::Result<Self> {
        let length = path.metadata()?.len();
        let encoding = match encoding {
            Some(encoding) => encoding,
            None => encoding::guess(File::open(path)?)?,
        };
        let format = match format {
            Some(format) => format,
            None => format::guess(path)?,
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
    fn reads_quoted_line_feeds_and_the_line_numbers_of_csv_rows() {
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
    fn reads_values_separated_by_semicolons_or_tabs() {
        assert_eq!(
            open(b"id;name;price\n1;a,b;2,50\n").columns,
            ["id", "name", "price"]
        );
        assert_eq!(rows(b"id\tname\n1\ta,b\n"), [(2, strings(&["1", "a,b"]))]);
    }

    #[test]
    fn recognises_utf_8_and_reads_any_other_text_as_latin_1() {
        assert_eq!(
            rows("id,name\n1,Café\n".as_bytes()),
            [(2, strings(&["1", "Café"]))]
        );
        assert_eq!(rows(b"id,name\n1,Caf\xe9\n"), [(2, strings(&["1", "Café"]))]);
    }

    #[test]
    fn recognises_utf_8_with_a_character_split_between_two_blocks() {
        let mut content = b"id,name\n1,".to_vec();
        content.resize(64 * 1024 - 1, b'x');
        content.extend_from_slice("é\n".as_bytes());
        assert!(rows(&content)[0].1.as_ref().unwrap()[1].ends_with("xé"));
    }

    #[test]
    fn ignores_a_byte_order_mark() {
        assert_eq!(open("\u{feff}id,name\n1,a\n".as_bytes()).columns, ["id", "name"]);
        assert_eq!(rows("\u{feff}{\"id\": 1}\n".as_bytes()), [(1, strings(&["1"]))]);
    }

    #[test]
    fn reads_json_lines_with_missing_fields_and_reports_malformed_lines() {
        let content = b"{\"id\": 1, \"name\": \"a\"}\n\nnot json\n[1]\n\
            {\"price\": 12.50, \"id\": \"2\", \"name\": null}\n";
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
