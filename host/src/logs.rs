//! The log: structured lines on standard error.

use std::io::{IsTerminal, stderr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

use crate::command_error::{Code, CommandError};
use crate::log_writer::{LogGuard, LogWriter};

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
/// If the filter is malformed, or if the system can't start a thread.
pub fn start(filter: &str, format: Format) -> Result<LogGuard, CommandError> {
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        let advice = "write a level such as `info`, or `TARGET=LEVEL,…`";
        CommandError::new(
            Code::Config,
            format!("the log filter `{filter}` is malformed ({error}): {advice}"),
        )
    })?;
    let (writer, guard) = LogWriter::start(stderr())
        .map_err(|error| CommandError::new(Code::Software, format!("cannot start the log: {error}")))?;
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

/// A limit of log lines of one kind, so that clients cannot fill the disk.
pub struct LineLimit {
    lines: u32,
    time: Duration,
    window: Mutex<Window>,
}

/// The lines since a moment.
struct Window {
    begun: Instant,
    written: u32,
    omitted: u64,
}

impl LineLimit {
    /// Allows this number of lines in this time.
    pub fn new(lines: u32, time: Duration) -> Self {
        Self {
            lines,
            time,
            window: Mutex::new(Window {
                begun: Instant::now(),
                written: 0,
                omitted: 0,
            }),
        }
    }

    /// Returns the number of lines that were omitted since the last one, or `None` to omit this line too.
    pub fn permit(&self) -> Option<u64> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.begun.elapsed() >= self.time {
            window.begun = Instant::now();
            window.written = 0;
        }
        if window.written < self.lines {
            window.written += 1;
            return Some(std::mem::take(&mut window.omitted));
        }
        window.omitted += 1;
        None
    }

    /// Returns the number of lines that were omitted, after their time has passed.
    pub fn take_omitted(&self) -> Option<u64> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.omitted == 0 || window.begun.elapsed() < self.time {
            return None;
        }
        Some(std::mem::take(&mut window.omitted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lines_beyond_the_limit() {
        let limit = LineLimit::new(2, Duration::from_secs(600));
        let permits: Vec<_> = (0..5).map(|_| limit.permit()).collect();
        assert_eq!(permits, [Some(0), Some(0), None, None, None]);
        assert_eq!(limit.take_omitted(), None, "the time has not passed");
        limit.window.lock().unwrap().begun -= Duration::from_secs(601);
        assert_eq!(limit.take_omitted(), Some(3));
        assert_eq!(limit.take_omitted(), None);
        assert_eq!(limit.permit(), Some(0));
    }
}
