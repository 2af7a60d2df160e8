//! The report of an import.

use std::fs::File;
use std::io;
use std::path::Path;

use super::client::Outcome;
use mercato_feeds::product::RowError;

/// The maximum number of refused rows that are printed. The report file lists all of them.
const MAX_PRINTED: usize = 20;

/// The counts of rows, the first refused rows, and the file of all refused rows.
#[derive(Default)]
pub struct Report {
    created: u64,
    updated: u64,
    unchanged: u64,
    refused: u64,
    printed: Vec<String>,
    file: Option<csv::Writer<File>>,
}

impl Report {
    /// Creates a report. With a path, it writes refused rows to this CSV file too.
    ///
    /// # Errors
    /// If the file cannot be created.
    pub fn new(path: Option<&Path>) -> io::Result<Self> {
        let mut report = Self::default();
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
            Outcome::Refused(error) => return self.add_refused(line, external_id, error),
        }
        Ok(())
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
        let Self {
            created,
            updated,
            unchanged,
            refused,
            printed,
            file,
        } = self;
        let mut lines = printed.clone();
        let others = refused - printed.len() as u64;
        if others > 0 {
            let advice = if file.is_some() {
                ""
            } else {
                "; list all with --report FILE"
            };
            lines.push(format!("and {others} other refused rows{advice}"));
        }
        let total = created + updated + unchanged + refused;
        lines.push(format!(
            "{total} rows: {created} created, {updated} updated, {unchanged} unchanged, {refused} refused"
        ));
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_all_refused_rows_to_the_file_and_prints_the_first_twenty() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut report = Report::new(Some(file.path())).unwrap();
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
}
