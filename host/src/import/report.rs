//! The report of an import.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;

use mercato_feeds::RowError;
use mercato_feeds::product::Note;

use super::client::Outcome;

/// The maximum number of refused rows that are printed. The report file lists all of them.
const MAX_PRINTED: usize = 20;

/// The counts of rows, the first refused rows, and the file of all refused rows.
#[derive(Default)]
pub struct Report {
    created: u64,
    updated: u64,
    unchanged: u64,
    refused: u64,
    /// The products that a dry run would send.
    ready: u64,
    is_dry_run: bool,
    drafts: u64,
    kept_stock: u64,
    notes: BTreeMap<Note, u64>,
    /// The number of units that is assumed for products without a number.
    quantity: Option<i32>,
    printed: Vec<String>,
    file: Option<csv::Writer<File>>,
}

impl Report {
    /// Creates a report. With a path, it writes refused rows to this CSV file too. The quantity is the one that
    /// the user chose for products without a quantity.
    ///
    /// # Errors
    /// If the file cannot be created.
    pub fn new(path: Option<&Path>, quantity: Option<i32>, is_dry_run: bool) -> io::Result<Self> {
        let mut report = Self {
            quantity,
            is_dry_run,
            ..Self::default()
        };
        if let Some(path) = path {
            let mut file = csv::Writer::from_path(path)?;
            file.write_record(["line", "externalId", "code", "field", "message"])?;
            report.file = Some(file);
        }
        Ok(report)
    }

    /// Adds the outcome of a row.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn add(&mut self, line: u64, external_id: &str, outcome: &Outcome) -> io::Result<()> {
        match outcome {
            Outcome::Created => self.created += 1,
            Outcome::Updated => self.updated += 1,
            Outcome::Unchanged => self.unchanged += 1,
            Outcome::Ready => self.ready += 1,
            Outcome::Refused(error) => return self.add_refused(line, external_id, error),
        }
        Ok(())
    }

    /// Counts a product that is left out as a draft.
    pub fn add_draft(&mut self) {
        self.drafts += 1;
    }

    /// Counts a known product that kept its stock although the feed has it.
    pub fn keep_stock(&mut self) {
        self.kept_stock += 1;
    }

    /// Counts what was assumed about a product.
    pub fn add_notes(&mut self, notes: &[Note]) {
        for note in notes {
            *self.notes.entry(*note).or_default() += 1;
        }
    }

    /// Returns the number of refused rows.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    fn add_refused(&mut self, line: u64, external_id: &str, error: &RowError) -> io::Result<()> {
        self.refused += 1;
        let RowError { code, field, message } = error;
        if self.printed.len() < MAX_PRINTED {
            let prefix = if field.is_empty() {
                String::new()
            } else {
                format!("{field}: ")
            };
            self.printed
                .push(format!("line {line}: {prefix}{message} [{code}]"));
        }
        match &mut self.file {
            Some(file) => Ok(file.write_record([&line.to_string(), external_id, code, field, message])?),
            None => Ok(()),
        }
    }

    /// Writes the buffered rows to the file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn finish(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), csv::Writer::flush)
    }

    /// Returns the summary for a person.
    pub fn summary(&self) -> String {
        let mut lines = self.printed.clone();
        let others = self.refused - self.printed.len() as u64;
        if others > 0 {
            let advice = if self.file.is_some() {
                ""
            } else {
                "; list all with --report FILE"
            };
            let rows = counted(others, "other refused row");
            lines.push(format!("and {rows}{advice}"));
        }
        lines.extend(self.notes.iter().map(|(note, count)| self.note(*note, *count)));
        if self.drafts > 0 {
            let drafts = products(self.drafts);
            lines.push(format!(
                "{drafts} left out as draft, archived or private: import them with --include-drafts"
            ));
        }
        if self.kept_stock > 0 {
            let (kept, their) = (
                counted(self.kept_stock, "known product"),
                if self.kept_stock == 1 { "its" } else { "their" },
            );
            lines.push(format!(
                "{kept} kept {their} stock: set it from the feed with --stock set"
            ));
        }
        lines.push(self.counts());
        lines.join("\n")
    }

    fn counts(&self) -> String {
        let Self {
            created,
            updated,
            unchanged,
            refused,
            ready,
            ..
        } = self;
        if self.is_dry_run {
            return format!(
                "dry run: {} ready, {refused} refused, nothing sent",
                products(*ready)
            );
        }
        let total = counted(created + updated + unchanged + refused, "row");
        format!("{total}: {created} created, {updated} updated, {unchanged} unchanged, {refused} refused")
    }

    fn note(&self, note: Note, count: u64) -> String {
        let found = products(count);
        match note {
            Note::InStockWithoutNumber => {
                let units = self.quantity.unwrap_or(1);
                format!(
                    "{found} in stock without a number: new ones get {units} (set with --quantity), known ones keep \
                     their stock"
                )
            }
            Note::NoStock => {
                let units = self.quantity.unwrap_or(0);
                format!(
                    "{found} without a stock: new ones get {units} (set with --quantity), known ones keep their stock"
                )
            }
            Note::NegativeStock => format!("{found} with a negative stock: it is read as 0"),
            Note::FurtherImages => format!("{found} with more than 20 images: the others are left out"),
            Note::LongAttribute => {
                format!("{found} with an attribute of more than 500 characters: it is left out")
            }
        }
    }
}

fn products(count: u64) -> String {
    counted(count, "product")
}

/// Returns a count with its noun, such as `1 row` or `2 rows`.
fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_all_refused_rows_to_the_file_and_prints_the_first_twenty() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut report = Report::new(Some(file.path()), None, false).unwrap();
        report.add(2, "a", &Outcome::Created).unwrap();
        for line in 3..28 {
            let error = RowError::bad_input("price", "no, \"really\"");
            report.add(line, "b", &Outcome::Refused(error)).unwrap();
        }
        report.finish().unwrap();
        let summary = report.summary();
        assert_eq!(summary.lines().count(), 22);
        assert!(
            summary.contains("line 3: price: no, \"really\" [BAD_USER_INPUT]\n")
                && summary.contains("and 5 other")
        );
        assert!(
            summary.ends_with("26 rows: 1 created, 0 updated, 0 unchanged, 25 refused"),
            "{summary}"
        );
        let rows = csv::Reader::from_path(file.path())
            .unwrap()
            .into_records()
            .count();
        assert_eq!(rows, 25);
    }

    #[test]
    fn says_what_was_assumed_and_left_out() {
        let mut report = Report::new(None, None, false).unwrap();
        report.add_notes(&[Note::InStockWithoutNumber]);
        report.add_draft();
        report.keep_stock();
        let summary = report.summary();
        for words in [
            "new ones get 1",
            "--quantity",
            "--include-drafts",
            "1 known product kept its stock",
            "--stock set",
        ] {
            assert!(summary.contains(words), "{summary}");
        }
    }
}
