//! The log: structured lines on standard error. A separate thread writes them, so that no request waits for a
//! terminal.

use std::io::{IsTerminal, stderr};

use clap::ValueEnum;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use crate::command_error::{Code, CommandError};

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text for people.
    Text,
    /// One JSON object a line, for programs.
    Json,
}

/// Starts the log. Dropping the guard writes the pending lines.
///
/// # Errors
/// If the filter is malformed.
pub fn start(filter: &str, format: Format) -> Result<WorkerGuard, CommandError> {
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        let advice = "write a level such as `info`, or `TARGET=LEVEL,…`";
        CommandError::new(
            Code::Config,
            format!("the log filter `{filter}` is malformed ({error}): {advice}"),
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
