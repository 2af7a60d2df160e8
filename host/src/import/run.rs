//! The import itself: row by row from the feed, batch by batch to the shop.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

use super::Options;
use super::client::{Client, Outcome};
use super::columns::{Columns, Field};
use super::product::{self, Product, Refusal, Rules};
use super::report::Report;
use super::source::{Feed, Row};
use crate::exit::{Code, Failure};
use crate::secret;

/// A request is sent when its products have so many bytes, whatever their number: shops take 1 MiB.
const LARGEST: usize = 512 * 1024;

/// Imports a feed.
///
/// # Errors
/// Where the feed can't be read, or the shop can't be talked to. Refused rows are no error.
pub fn run(options: &Options) -> Result<(), Failure> {
    let unreadable = |error: io::Error| {
        let code = if error.kind() == io::ErrorKind::NotFound {
            Code::NoInput
        } else {
            Code::Data
        };
        Failure::new(
            code,
            format!("can't read the feed {}: {error}", options.file.display()),
        )
    };
    let feed = Feed::open(&options.file, options.format, options.encoding).map_err(unreadable)?;
    let columns = Columns::find(&feed.columns, &options.map).map_err(|why| {
        Failure::new(
            Code::Data,
            format!("the feed {} can't be imported: {why}", options.file.display()),
        )
    })?;
    let rules = Rules {
        currency: options.currency,
        quantity: options.quantity,
        allow_zero_price: options.allow_zero_price,
    };
    let report = Report::new(options.report.as_deref()).map_err(unwritable)?;
    let mut import = Import {
        client: Client::new(&options.url, key(options)?),
        columns,
        rules,
        report,
        progress: progress(feed.length),
        batch: Batch::default(),
        most: usize::from(options.batch),
        seen: HashMap::new(),
        from_line: options.from_line,
    };
    let interrupted = interruption()?;
    let ended = import.all(feed, &interrupted, &unreadable);
    import.progress.finish_and_clear();
    let reported = import.report.finish().map_err(unwritable);
    eprintln!("{}", import.report.summary());
    ended.and(reported)
}

/// The shop's API key.
fn key(options: &Options) -> Result<String, Failure> {
    if let Some(key) = options.key.clone().filter(|key| !key.is_empty()) {
        return Ok(key);
    }
    let file = secret::file(&options.data);
    secret::read(&file)?.ok_or_else(|| {
        let advice = "give the key with --key, set API_SECRET, or name the shop's data folder with --data";
        Failure::new(
            Code::Config,
            format!("there is no API key, and no file {}: {advice}", file.display()),
        )
    })
}

/// One run.
struct Import {
    client: Client,
    columns: Columns,
    rules: Rules,
    report: Report,
    progress: ProgressBar,
    batch: Batch,
    /// The most rows of a batch.
    most: usize,
    /// The line in which an external id was first seen.
    seen: HashMap<String, u64>,
    from_line: u64,
}

/// Rows that go to the shop together.
#[derive(Default)]
struct Batch {
    rows: Vec<(u64, String)>,
    products: Vec<String>,
    bytes: usize,
}

impl Import {
    fn all(
        &mut self,
        feed: Feed,
        interrupted: &AtomicBool,
        unreadable: &dyn Fn(io::Error) -> Failure,
    ) -> Result<(), Failure> {
        for row in feed {
            let row = row.map_err(unreadable)?;
            if interrupted.load(Ordering::Relaxed) {
                return Err(self.stopped(Code::Unavailable, "interrupted", row.line));
            }
            let end = row.end;
            self.row(row)?;
            self.progress.set_position(end);
        }
        self.send()
    }

    fn row(&mut self, row: Row) -> Result<(), Failure> {
        if row
            .values
            .as_ref()
            .is_ok_and(|values| values.iter().all(|value| value.trim().is_empty()))
        {
            return Ok(());
        }
        let product = match &row.values {
            Ok(values) => self.rules.product(&self.columns, values),
            Err(why) => Err(Refusal::bad_input("", why.as_str())),
        };
        let product = product.and_then(|product| self.first_with_its_id(product, row.line));
        if row.line < self.from_line {
            return Ok(());
        }
        match product.and_then(|product| Ok((product::to_json(&product)?, product.external_id))) {
            Ok((json, external_id)) => self.put(row.line, external_id, json),
            Err(refusal) => {
                let values = row.values.as_deref().unwrap_or_default();
                let id = self
                    .columns
                    .value(values, Field::ExternalId)
                    .unwrap_or_default()
                    .to_owned();
                self.report
                    .add(row.line, &id, &Outcome::Refused(refusal))
                    .map_err(unwritable)
            }
        }
    }

    fn first_with_its_id(&mut self, product: Product, line: u64) -> Result<Product, Refusal> {
        if let Some(first) = self.seen.get(&product.external_id) {
            let message = format!("line {first} has the same external id");
            return Err(Refusal {
                code: "DUPLICATE".into(),
                field: "externalId".into(),
                message,
            });
        }
        self.seen.insert(product.external_id.clone(), line);
        Ok(product)
    }

    fn put(&mut self, line: u64, external_id: String, json: String) -> Result<(), Failure> {
        if self.batch.products.len() == self.most || self.batch.bytes + json.len() > LARGEST {
            self.send()?;
        }
        self.batch.bytes += json.len() + 1;
        self.batch.rows.push((line, external_id));
        self.batch.products.push(json);
        Ok(())
    }

    fn send(&mut self) -> Result<(), Failure> {
        let batch = std::mem::take(&mut self.batch);
        let Some((first, _)) = batch.rows.first() else {
            return Ok(());
        };
        let outcomes = self
            .client
            .import(&batch.products)
            .map_err(|error| self.stopped(Code::Unavailable, &error.to_string(), *first))?;
        for ((line, external_id), outcome) in batch.rows.iter().zip(&outcomes) {
            self.report.add(*line, external_id, outcome).map_err(unwritable)?;
        }
        Ok(())
    }

    /// Why the import stopped, and how to go on. What waits in the batch was not sent.
    fn stopped(&self, code: Code, why: &str, line: u64) -> Failure {
        let line = self.batch.rows.first().map_or(line, |(first, _)| *first);
        let advice = "what was imported is kept: run the same command again, or go on from here with";
        Failure::new(
            code,
            format!("{why}; the import stopped before line {line}; {advice} --from-line {line}"),
        )
    }
}

fn unwritable(error: io::Error) -> Failure {
    Failure::new(
        Code::CantCreate,
        format!("can't write the report ({error}): choose another file with --report"),
    )
}

/// A bar on standard error, where that is a terminal.
fn progress(length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_bar} {percent}% {bytes}/{total_bytes}, {eta} left");
    ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Becomes true with Ctrl-C; a second one ends the process at once.
fn interruption() -> Result<Arc<AtomicBool>, Failure> {
    let failure = |error: io::Error| Failure::new(Code::Software, format!("can't wait for signals: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failure)?;
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = interrupted.clone();
    std::thread::spawn(move || {
        runtime.block_on(async {
            while tokio::signal::ctrl_c().await.is_ok() {
                if flag.swap(true, Ordering::Relaxed) {
                    std::process::exit(130);
                }
            }
        });
    });
    Ok(interrupted)
}
