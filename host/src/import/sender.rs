//! Sends products to the shop in batches, and reports their outcomes.

use std::io;

use mercato_feeds::RowError;

use super::client::{Client, Outcome};
use super::options::Stock;
use super::report::Report;
use crate::command_error::{Code, CommandError};

/// The maximum size of a batch, in bytes. A shop accepts requests of 1 MiB.
const MAX_BATCH_BYTES: usize = 512 * 1024;

/// The number of products that a dry run prints.
const SAMPLE: usize = 5;

/// Sends products in batches.
pub struct Sender {
    /// The client of the shop. A dry run has none.
    pub client: Option<Client>,
    /// The report.
    pub report: Report,
    stock: Stock,
    batch: Batch,
    /// The maximum number of rows in a batch.
    max_rows: usize,
    /// The number of products that were printed.
    printed: usize,
}

/// A product to send.
pub struct Row {
    /// Its line.
    pub line: u64,
    /// The line from which an import continues if this row was not sent.
    pub at: u64,
    /// Its external id.
    pub external_id: String,
    /// Whether the feed has its stock.
    pub has_stock: bool,
}

/// The rows of one request, and the refused rows between them.
#[derive(Default)]
struct Batch {
    rows: Vec<(Row, Option<RowError>)>,
    products: Vec<String>,
    bytes: usize,
}

impl Sender {
    /// Creates a sender with a maximum number of rows in a batch. Without a client it sends nothing.
    pub fn new(client: Option<Client>, report: Report, stock: Stock, max_rows: u16) -> Self {
        Self {
            client,
            report,
            stock,
            batch: Batch::default(),
            max_rows: usize::from(max_rows),
            printed: 0,
        }
    }

    /// Adds a product to the batch. If the batch is full, sends it first.
    ///
    /// # Errors
    /// Those of [`flush`](Self::flush).
    pub fn push(&mut self, row: Row, json: String) -> Result<(), CommandError> {
        if self.batch.bytes + json.len() > MAX_BATCH_BYTES {
            self.flush()?;
        }
        self.batch.bytes += json.len() + 1;
        self.batch.products.push(json);
        self.add(row, None)
    }

    /// Adds a refused row to the batch, so that it is reported in the order of the lines.
    ///
    /// # Errors
    /// Those of [`flush`](Self::flush).
    pub fn refuse(&mut self, row: Row, error: RowError) -> Result<(), CommandError> {
        self.add(row, Some(error))
    }

    fn add(&mut self, row: Row, error: Option<RowError>) -> Result<(), CommandError> {
        self.batch.rows.push((row, error));
        if self.batch.rows.len() < self.max_rows {
            return Ok(());
        }
        self.flush()
    }

    /// Sends the batch, and reports the outcomes of its rows.
    ///
    /// # Errors
    /// If the shop rejects the batch, or if the report cannot be written.
    pub fn flush(&mut self) -> Result<(), CommandError> {
        let outcomes = match &self.client {
            Some(client) if !self.batch.products.is_empty() => client
                .import(&self.batch.products, self.stock)
                .map_err(|error| self.stop_error(Code::Unavailable, &error.to_string(), 0))?,
            _ => {
                self.print_sample();
                vec![Outcome::Ready; self.batch.products.len()]
            }
        };
        let mut outcomes = outcomes.into_iter();
        let batch = std::mem::take(&mut self.batch);
        let mut rows: Vec<(Row, Option<Outcome>)> = batch
            .rows
            .into_iter()
            .map(|(row, error)| (row, error.map(Outcome::Refused).or_else(|| outcomes.next())))
            .collect();
        rows.sort_by_key(|(row, _)| row.line);
        for (row, outcome) in rows {
            let Some(outcome) = outcome else {
                continue;
            };
            let is_known = matches!(outcome, Outcome::Updated | Outcome::Unchanged);
            if is_known && row.has_stock && self.stock == Stock::Keep {
                self.report.keep_stock();
            }
            self.report
                .add(row.line, &row.external_id, &outcome)
                .map_err(unwritable)?;
        }
        Ok(())
    }

    /// Prints the first products of a dry run.
    fn print_sample(&mut self) {
        let rest = SAMPLE.saturating_sub(self.printed);
        for product in self.batch.products.iter().take(rest) {
            println!("{product}");
            self.printed += 1;
        }
    }

    /// Returns the error of an import that stopped at a line. The rows of the current batch were not sent.
    pub fn stop_error(&self, code: Code, reason: &str, line: u64) -> CommandError {
        let line = self.batch.rows.first().map_or(line, |(row, _)| row.at);
        CommandError::new(
            code,
            format!(
                "{reason}; the import stopped before line {line}. Run the same command again, \
                 or continue with --from-line {line}: imported products are not created twice"
            ),
        )
    }

    /// Completes the report, and prints the summary.
    ///
    /// # Errors
    /// If the report cannot be written, or if rows are refused.
    pub fn finish(&mut self) -> Result<(), CommandError> {
        let reported = self.report.finish().map_err(unwritable);
        eprintln!("{}", self.report.summary());
        reported?;
        match self.report.refused() {
            0 => Ok(()),
            1 => Err(CommandError::new(
                Code::Data,
                "1 row is refused: correct it and import the feed again",
            )),
            refused => Err(CommandError::new(
                Code::Data,
                format!("{refused} rows are refused: correct them and import the feed again"),
            )),
        }
    }
}

/// Converts an error of writing the report.
pub fn unwritable(error: io::Error) -> CommandError {
    CommandError::new(
        Code::CantCreate,
        format!("cannot write the report ({error}): choose another file with --report"),
    )
}
