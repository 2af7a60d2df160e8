//! Products on their way to the shop: batch by batch, and what became of them in the report.

use std::io;

use super::client::{Client, Outcome};
use super::report::Report;
use crate::exit::{Code, Failure};

/// A request is sent when its products have so many bytes, whatever their number: shops take 1 MiB.
const LARGEST: usize = 512 * 1024;

/// What sends products, and reports.
pub struct Sender {
    /// The shop.
    pub client: Client,
    report: Report,
    batch: Batch,
    /// The most rows of a batch.
    most: usize,
}

/// Rows that go to the shop together.
#[derive(Default)]
struct Batch {
    rows: Vec<(u64, String)>,
    products: Vec<String>,
    bytes: usize,
}

impl Sender {
    /// Sends so many rows at once, at the most.
    pub fn new(client: Client, report: Report, most: u16) -> Self {
        Self {
            client,
            report,
            batch: Batch::default(),
            most: usize::from(most),
        }
    }

    /// Has a product sent, known by its external id and given as JSON, which is in this line.
    ///
    /// # Errors
    /// As of [`send`](Self::send), of the batch before.
    pub fn put(&mut self, line: u64, external_id: String, json: String) -> Result<(), Failure> {
        if self.batch.products.len() == self.most || self.batch.bytes + json.len() > LARGEST {
            self.send()?;
        }
        self.batch.bytes += json.len() + 1;
        self.batch.rows.push((line, external_id));
        self.batch.products.push(json);
        Ok(())
    }

    /// Sends what waits.
    ///
    /// # Errors
    /// Where the shop does not take it, or the report can't be written.
    pub fn send(&mut self) -> Result<(), Failure> {
        let batch = std::mem::take(&mut self.batch);
        let Some((first, _)) = batch.rows.first() else {
            return Ok(());
        };
        let outcomes = self
            .client
            .import(&batch.products)
            .map_err(|error| self.stopped(Code::Unavailable, &error.to_string(), *first))?;
        for ((line, external_id), outcome) in batch.rows.iter().zip(&outcomes) {
            self.tell(*line, external_id, outcome)?;
        }
        Ok(())
    }

    /// Reports what became of a row.
    ///
    /// # Errors
    /// Where the report can't be written.
    pub fn tell(&mut self, line: u64, external_id: &str, outcome: &Outcome) -> Result<(), Failure> {
        self.report.add(line, external_id, outcome).map_err(unwritable)
    }

    /// Why the import stopped, and how to go on. What waits in the batch was not sent.
    pub fn stopped(&self, code: Code, why: &str, line: u64) -> Failure {
        let line = self.batch.rows.first().map_or(line, |(first, _)| *first);
        let advice = "what was imported is kept: run the same command again, or go on from here with";
        Failure::new(
            code,
            format!("{why}; the import stopped before line {line}; {advice} --from-line {line}"),
        )
    }

    /// Writes out the report, and prints what became of all.
    ///
    /// # Errors
    /// Where the report can't be written.
    pub fn finish(&mut self) -> Result<(), Failure> {
        let reported = self.report.finish().map_err(unwritable);
        eprintln!("{}", self.report.summary());
        reported
    }
}

/// Why there is no report.
pub fn unwritable(error: io::Error) -> Failure {
    Failure::new(
        Code::CantCreate,
        format!("can't write the report ({error}): choose another file with --report"),
    )
}
