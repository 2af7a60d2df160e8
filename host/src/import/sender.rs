//! Sends products to the shop in batches, and reports their outcomes.

use std::io;

use super::client::{Client, Outcome};
use super::report::Report;
use crate::command_error::{Code, CommandError};

/// The maximum size of a batch, in bytes. A shop accepts requests of 1 MiB.
const MAX_BATCH_BYTES: usize = 512 * 1024;

/// Sends products in batches.
pub struct Sender {
    /// The client of the shop.
    pub client: Client,
    report: Report,
    batch: Batch,
    /// The maximum number of rows in a batch.
    max_rows: usize,
}

/// The rows of one request.
#[derive(Default)]
struct Batch {
    rows: Vec<(u64, String)>,
    products: Vec<String>,
    bytes: usize,
}

impl Sender {
    /// Creates a sender with a maximum number of rows in a batch.
    pub fn new(client: Client, report: Report, max_rows: u16) -> Self {
        Self {
            client,
            report,
            batch: Batch::default(),
            max_rows: usize::from(max_rows),
        }
    }

    /// Adds a product to the batch. If the batch is full, sends it first.
    ///
    /// # Errors
    /// Those of [`flush`](Self::flush).
    pub fn push(&mut self, line: u64, external_id: String, json: String) -> Result<(), CommandError> {
        let is_full =
            self.batch.products.len() == self.max_rows || self.batch.bytes + json.len() > MAX_BATCH_BYTES;
        if is_full {
            self.flush()?;
        }
        self.batch.bytes += json.len() + 1;
        self.batch.rows.push((line, external_id));
        self.batch.products.push(json);
        Ok(())
    }

    /// Sends the batch, and reports the outcomes of its rows.
    ///
    /// # Errors
    /// If the shop rejects the batch, or if the report cannot be written.
    pub fn flush(&mut self) -> Result<(), CommandError> {
        let batch = std::mem::take(&mut self.batch);
        let Some((first, _)) = batch.rows.first() else {
            return Ok(());
        };
        let outcomes = self
            .client
            .import(&batch.products)
            .map_err(|error| self.stop_error(Code::Unavailable, &error.to_string(), *first))?;
        for ((line, external_id), outcome) in batch.rows.iter().zip(&outcomes) {
            self.report(*line, external_id, outcome)?;
        }
        Ok(())
    }

    /// Reports the outcome of a row.
    ///
    /// # Errors
    /// If the report cannot be written.
    pub fn report(&mut self, line: u64, external_id: &str, outcome: &Outcome) -> Result<(), CommandError> {
        self.report.add(line, external_id, outcome).map_err(unwritable)
    }

    /// Returns the error of an import that stopped at a line. The rows of the current batch were not sent.
    pub fn stop_error(&self, code: Code, reason: &str, line: u64) -> CommandError {
        let line = self.batch.rows.first().map_or(line, |(first, _)| *first);
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
    /// If the report cannot be written.
    pub fn finish(&mut self) -> Result<(), CommandError> {
        let reported = self.report.finish().map_err(unwritable);
        eprintln!("{}", self.report.summary());
        reported
    }
}

/// Converts an error of writing the report.
pub fn unwritable(error: io::Error) -> CommandError {
    CommandError::new(
        Code::CantCreate,
        format!("cannot write the report ({error}): choose another file with --report"),
    )
}
