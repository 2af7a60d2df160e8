//! The import itself: row by row from the feed, batch by batch to the shop.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

use super::Options;
use super::client::{Client, Outcome};
use super::export;
use super::report::Report;
use super::sender::{Sender, unwritable};
use crate::exit::{Code, Failure};
use crate::secret;
use mercato_feeds::columns::{Columns, Field};
use mercato_feeds::product::{self, Product, Refusal, Rules};
use mercato_feeds::source::{Feed, Row};

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
    let sender = || {
        let report = Report::new(options.report.as_deref()).map_err(unwritable)?;
        let client = Client::new(&options.url, key(options)?);
        Ok(Sender::new(client, report, options.batch))
    };
    if export::is_one(options).map_err(unreadable)? {
        let mut sender = sender()?;
        let interrupted = interruption()?;
        let ended = export::restore(options, &mut sender, &interrupted, &unreadable);
        let reported = sender.finish();
        return ended.and(reported);
    }
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
    let mut import = Import {
        sender: sender()?,
        columns,
        rules,
        progress: progress(feed.length),
        seen: HashMap::new(),
        from_line: options.from_line,
    };
    let interrupted = interruption()?;
    let ended = import.all(feed, &interrupted, &unreadable);
    import.progress.finish_and_clear();
    let reported = import.sender.finish();
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
    sender: Sender,
    columns: Columns,
    rules: Rules,
    progress: ProgressBar,
    /// The line in which an external id was first seen.
    seen: HashMap<String, u64>,
    from_line: u64,
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
                return Err(self.sender.stopped(Code::Unavailable, "interrupted", row.line));
            }
            let end = row.end;
            self.row(row)?;
            self.progress.set_position(end);
        }
        self.sender.send()
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
            Ok((json, external_id)) => self.sender.put(row.line, external_id, json),
            Err(refusal) => {
                let values = row.values.as_deref().unwrap_or_default();
                let id = self
                    .columns
                    .value(values, Field::ExternalId)
                    .unwrap_or_default()
                    .to_owned();
                self.sender.tell(row.line, &id, &Outcome::Refused(refusal))
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
