//! The import of a feed: surveys it, prints what is detected, and sends it batch by batch.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressStyle};
use iso_currency::Currency;
use mercato_feeds::columns::Columns;
use mercato_feeds::layout::Layout;
use mercato_feeds::product::{self, RowParser};
use mercato_feeds::products::{Entry, Omission, Products};
use mercato_feeds::source::{Choices, Source};
use mercato_feeds::survey::Survey;

use super::client::Client;
use super::detected::{DefaultCurrency, describe};
use super::export;
use super::options::{Options, Stock};
use super::report::Report;
use super::sender::{Row, Sender, unwritable};
use crate::command_error::{Code, CommandError};
use crate::secret;

/// Imports a feed.
///
/// # Errors
/// If the feed cannot be read, if the shop cannot be reached, or if rows are refused.
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
    let interrupted = watch_for_interrupt()?;
    if export::is_export(options).map_err(unreadable)? {
        let mut sender = sender(options)?;
        let imported = export::import(options, &mut sender, &interrupted, &unreadable);
        return finish(&mut sender, imported);
    }
    let (source, mut parser) = detect(options, &unreadable)?;
    let currency = default_currency(options, &parser)?;
    parser.shop_currency = currency.currency();
    let reading = progress(source.length);
    let survey = Survey::read(&source, &parser, |position| {
        reading.set_position(position);
        if interrupted.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        Ok(())
    });
    reading.finish_and_clear();
    let survey = survey.map_err(|error| match error.kind() {
        io::ErrorKind::Interrupted => CommandError::new(Code::Unavailable, "interrupted; nothing was sent"),
        _ => unreadable(error),
    })?;
    let form = survey.numbers.form(options.decimal, parser.layout);
    parser.form = form.mark();
    let mut sender = sender(options)?;
    eprintln!(
        "{}",
        describe(options, &source, &parser, currency, &survey, &form)
    );
    let products =
        Products::open(&source, parser, survey.groups, options.include_drafts).map_err(unreadable)?;
    let progress = progress(source.length);
    let sent = send(
        options,
        products,
        &mut sender,
        &progress,
        &interrupted,
        &unreadable,
    );
    progress.finish_and_clear();
    finish(&mut sender, sent)
}

/// Prints the summary. The error of the import comes before that of refused rows.
fn finish(sender: &mut Sender, imported: Result<(), CommandError>) -> Result<(), CommandError> {
    let reported = sender.finish();
    imported.and(reported)
}

/// Detects how the feed is written, and its columns.
fn detect(
    options: &Options,
    unreadable: &dyn Fn(io::Error) -> CommandError,
) -> Result<(Source, RowParser), CommandError> {
    let choices = Choices {
        container: options.format.and_then(|format| format.container()),
        encoding: options.encoding,
        separator: options.separator,
    };
    let recognised = |names: &[String]| Columns::count_known(names, &options.map);
    let source = Source::detect(&options.file, &choices, &recognised).map_err(unreadable)?;
    let layout = match options.format {
        Some(format) => format.layout(),
        None => Layout::detect(&source.columns),
    };
    let columns = Columns::find(&source.columns, layout, &options.map).map_err(|reason| {
        CommandError::new(
            Code::Data,
            format!("cannot import the feed {}: {reason}", options.file.display()),
        )
    })?;
    let parser = RowParser {
        columns,
        layout,
        form: options.decimal,
        shop_currency: Currency::USD,
        currency: options.currency,
        quantity: options.quantity,
        sets_stock: options.stock == Stock::Set,
        allow_zero_price: options.allow_zero_price,
        now: std::time::SystemTime::now().into(),
    };
    Ok((source, parser))
}

/// Returns the currency of prices without a currency. Asks the shop, unless the user or the feed names one.
fn default_currency(options: &Options, parser: &RowParser) -> Result<DefaultCurrency, CommandError> {
    if let Some(currency) = options.currency.or(parser.columns.price_currency) {
        return Ok(DefaultCurrency::Chosen(currency));
    }
    let key = if options.dry_run {
        key(options).ok()
    } else {
        Some(key(options)?)
    };
    let client = Client::new(&options.url, key.unwrap_or_default());
    let code = if options.dry_run {
        client.currency_once()
    } else {
        client.currency()
    };
    match code {
        Ok(code) => mercato_feeds::currency_from_code(&code)
            .map(DefaultCurrency::OfShop)
            .ok_or_else(|| {
                let message = format!("the currency of the shop, {code}, is unknown: set --currency");
                CommandError::new(Code::Data, message)
            }),
        Err(_) if options.dry_run => Ok(DefaultCurrency::Assumed(Currency::USD)),
        Err(error) => Err(CommandError::new(Code::Unavailable, error.to_string())),
    }
}

fn sender(options: &Options) -> Result<Sender, CommandError> {
    let report =
        Report::new(options.report.as_deref(), options.quantity, options.dry_run).map_err(unwritable)?;
    let client = if options.dry_run {
        None
    } else {
        Some(Client::new(&options.url, key(options)?))
    };
    Ok(Sender::new(client, report, options.stock, options.batch))
}

fn key(options: &Options) -> Result<String, CommandError> {
    secret::of_shop(options.key.as_deref(), &options.data)
}

/// Sends the products of a feed.
fn send(
    options: &Options,
    products: Products,
    sender: &mut Sender,
    progress: &ProgressBar,
    interrupted: &AtomicBool,
    unreadable: &dyn Fn(io::Error) -> CommandError,
) -> Result<(), CommandError> {
    let mut last_line = 0;
    for entry in products {
        let entry = entry.map_err(unreadable)?;
        last_line = entry.at;
        if interrupted.load(Ordering::Relaxed) {
            return Err(sender.stop_error(Code::Unavailable, "interrupted", entry.at));
        }
        progress.set_position(entry.end);
        if entry.at >= options.from_line {
            send_entry(entry, sender)?;
        }
    }
    if options.from_line > last_line.max(1) {
        let from_line = options.from_line;
        let message = format!(
            "--from-line {from_line} is past the end of the feed: its last row is on line {last_line}"
        );
        return Err(CommandError::new(Code::Data, message));
    }
    sender.flush()
}

fn send_entry(entry: Entry, sender: &mut Sender) -> Result<(), CommandError> {
    let mut row = Row {
        line: entry.line,
        at: entry.at,
        external_id: entry.external_id,
        has_stock: false,
    };
    let product = match entry.outcome {
        Ok(product) => product,
        Err(Omission::Draft) => {
            sender.report.add_draft();
            return Ok(());
        }
        Err(Omission::Refused(error)) => return sender.refuse(row, error),
    };
    match product::to_json(&product) {
        Ok(json) => {
            sender.report.add_notes(&product.notes);
            row.has_stock = product.has_stock();
            sender.push(row, json)
        }
        Err(error) => sender.refuse(row, error),
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
