//! The import of a feed: reads it row by row, and sends it batch by batch.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

use super::client::{Client, Outcome};
use super::export;
use super::options::Options;
use super::report::Report;
use super::sender::{Sender, unwritable};
use crate::command_error::{Code, CommandError};
use crate::secret;
use mercato_feeds::columns::{Columns, Field};
use mercato_feeds::product::{self, Product, RowError, RowParser};
use mercato_feeds::source::{Feed, Row};

/// Imports a feed.
///
/// # Errors
/// If the feed cannot be read, or if the shop cannot be reached. A refused row is not an error.
pub fn run(options: &Options) -> Result<(), CommandError> {
    let unreadable = |error: io::Error| {
        let code = if error.kind() == io::ErrorKind::NotFound {
            Code::NoInput
        } else {
            Code::Data
        };
        CommandError::new(
            code,
            format!("cannot read the feed {}: {error}", options.file.display()),
        )
    };
    let sender = || {
        let report = Report::new(options.report.as_deref()).map_err(unwritable)?;
        let client = Client::new(&options.url, key(options)?);
        Ok(Sender::new(client, report, options.batch))
    };
    if export::is_export(options).map_err(unreadable)? {
        let mut sender = sender()?;
        let interrupted = watch_for_interrupt()?;
        let imported = export::import(options, &mut sender, &interrupted, &unreadable);
        let reported = sender.finish();
        return imported.and(reported);
    }
    let feed = Feed::open(&options.file, options.format, options.encoding).map_err(unreadable)?;
    let columns = Columns::find(&feed.columns, &options.map).map_err(|reason| {
        CommandError::new(
            Code::Data,
            format!("cannot import the feed {}: {reason}", options.file.display()),
        )
    })?;
    let parser = RowParser {
        default_currency: options.currency,
        default_quantity: options.quantity,
        allow_zero_price: options.allow_zero_price,
    };
    let mut import = Import {
        sender: sender()?,
        columns,
        parser,
        progress: progress(feed.length),
        seen: HashMap::new(),
        from_line: options.from_line,
    };
    let interrupted = watch_for_interrupt()?;
    let imported = import.feed(feed, &interrupted, &unreadable);
    import.progress.finish_and_clear();
    let reported = import.sender.finish();
    imported.and(reported)
}

/// Returns the API key of the shop.
fn key(options: &Options) -> Result<String, CommandError> {
    if let Some(key) = options.key.clone().filter(|key| !key.is_empty()) {
        return Ok(key);
    }
    let file = secret::file(&options.data);
    secret::read(&file)?.ok_or_else(|| {
        let advice = "set --key or API_SECRET, or name the data folder of the shop with --data";
        CommandError::new(
            Code::Config,
            format!(
                "no API key is set, and {} does not exist: {advice}",
                file.display()
            ),
        )
    })
}

/// The import of one feed.
struct Import {
    sender: Sender,
    columns: Columns,
    parser: RowParser,
    progress: ProgressBar,
    /// The first line of each external id.
    seen: HashMap<String, u64>,
    from_line: u64,
}

impl Import {
    fn feed(
        &mut self,
        feed: Feed,
        interrupted: &AtomicBool,
        unreadable: &dyn Fn(io::Error) -> CommandError,
    ) -> Result<(), CommandError> {
        for row in feed {
            let row = row.map_err(unreadable)?;
            if interrupted.load(Ordering::Relaxed) {
                return Err(self.sender.stop_error(Code::Unavailable, "interrupted", row.line));
            }
            let end = row.end;
            self.row(row)?;
            self.progress.set_position(end);
        }
        self.sender.flush()
    }

    fn row(&mut self, row: Row) -> Result<(), CommandError> {
        if row
            .values
            .as_ref()
            .is_ok_and(|values| values.iter().all(|value| value.trim().is_empty()))
        {
            return Ok(());
        }
        let product = match &row.values {
            Ok(values) => self.parser.parse(&self.columns, values),
            Err(reason) => Err(RowError::bad_input("", reason.as_str())),
        };
        let product = product.and_then(|product| self.reject_repeated_id(product, row.line));
        if row.line < self.from_line {
            return Ok(());
        }
        match product.and_then(|product| Ok((product::to_json(&product)?, product.external_id))) {
            Ok((json, external_id)) => self.sender.push(row.line, external_id, json),
            Err(error) => {
                let values = row.values.as_deref().unwrap_or_default();
                let id = self
                    .columns
                    .value(values, Field::ExternalId)
                    .unwrap_or_default()
                    .to_owned();
                self.sender.report(row.line, &id, &Outcome::Refused(error))
            }
        }
    }

    fn reject_repeated_id(&mut self, product: Product, line: u64) -> Result<Product, RowError> {
        if let Some(first) = self.seen.get(&product.external_id) {
            let message = format!("line {first} has the same external id");
            return Err(RowError {
                code: "DUPLICATE".into(),
                field: "externalId".into(),
                message,
            });
        }
        self.seen.insert(product.external_id.clone(), line);
        Ok(product)
    }
}

/// Creates a progress bar on standard error. It is visible only if that is a terminal.
fn progress(length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_bar} {percent}% {bytes}/{total_bytes}, {eta} left");
    ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Returns a flag that becomes true on Ctrl-C. A second Ctrl-C exits at once.
fn watch_for_interrupt() -> Result<Arc<AtomicBool>, CommandError> {
    let failure =
        |error: io::Error| CommandError::new(Code::Software, format!("cannot wait for signals: {error}"));
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
