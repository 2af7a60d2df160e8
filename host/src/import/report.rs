//! What became of the rows.

use std::fs::File;
use std::io;
use std::path::Path;

use super::client::Outcome;
use mercato_feeds::product::Refusal;

/// So many refused rows are printed; the others are counted, and listed in the report file.
const PRINTED: usize = 20;

/// The counts, the first refused rows, and the file that takes all of them.
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
    /// A report whose refused rows are written to a CSV file too, if there is a path.
    ///
    /// # Errors
    /// Where the file can't be made.
    pub fn new(path: Option<&Path>) -> io::Result<Self> {
        let mut report = Self::default();
        if let Some(path) = path {
            let mut file = csv::Writer::from_path(path)?;
            file.write_record(["line", "externalId", "code", "field", "message"])?;
            report.file = Some(file);
        }
        Ok(report)
    }

    /// Counts a row.
    ///
    /// # Errors
    /// Where the file can't be written.
    pub fn add(&mut self, line: u64, external_id: &str, outcome: &Outcome) -> io::Result<()> {
        match outcome {
            Outcome::Created => self.created += 1,
            Outcome::Updated => self.updated += 1,
            Outcome::Unchanged => self.unchanged += 1,
            Outcome::Refused(refusal) => return self.refuse(line, external_id, refusal),
        }
        Ok(())
    }

    fn refuse(&mut self, line: u64, external_id: &str, refusal: &Refusal) -> io::Result<()> {
        self.refused += 1;
        let Refusal { code, field, message } = refusal;
        if self.printed.len() < PRINTED {
            let place = if field.is_empty() {
                String::new()
            } else {
                format!("{field}: ")
            };
            self.printed
                .push(format!("line {line}: {place}{message} [{code}]"));
        }
        match &mut self.file {
            Some(file) => Ok(file.write_record([&line.to_string(), external_id, code, field, message])?),
            None => Ok(()),
        }
    }

    /// Writes out what is still buffered.
    ///
    /// # Errors
    /// Where the file can't be written.
    pub fn finish(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), csv::Writer::flush)
    }

    /// The report for a person.
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
            let where_to_look = if file.is_some() {
                ""
            } else {
                "; --report FILE lists them all"
            };
            lines.push(format!("and {others} other refused rows{where_to_look}"));
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
    fn every_refused_row_is_in_the_file_and_the_first_twenty_are_printed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut report = Report::new(Some(file.path())).unwrap();
        report.add(2, "a", &Outcome::Created).unwrap();
        for line in 3..28 {
            let refusal = Refusal::bad_input("price", "no, \"really\"");
            report.add(line, "b", &Outcome::Refused(refusal)).unwrap();
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
