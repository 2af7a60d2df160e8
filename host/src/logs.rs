//! Logs: structured lines on standard error, written by a thread of their own so that no request waits for a terminal.

use std::io::{IsTerminal, stderr};

use clap::ValueEnum;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use crate::exit::{Code, Failure};

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Starts logging. What is still to be written is written when the guard is dropped.
///
/// # Errors
/// Where the filter can't be parsed.
pub fn start(filter: &str, format: Format) -> Result<WorkerGuard, Failure> {
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        let form = "use a level such as `info`, or `TARGET=LEVEL,…`";
        Failure::new(
            Code::Config,
            format!("the log filter `{filter}` can't be read ({error}): {form}"),
        )
    })?;
    let (writer, guard) = NonBlockingBuilder::default().thread_name("logs").finish(stderr());
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(format == Format::Text && stderr().is_terminal());
    match format {
        Format::Text => lines.init(),
        Format::Json => lines.json().flatten_event(true).with_span_list(false).init(),
    }
    Ok(guard)
}
