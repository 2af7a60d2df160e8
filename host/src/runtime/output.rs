//! Writes a guest's standard output and standard error to the log, line by line.
//!
//! The guest writes while it handles a request, so the lines have the request id of the current span.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use tracing::{info, warn};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// The maximum length of a log line in bytes. Longer lines are split.
const MAX_LINE: usize = 8 * 1024;

/// The output streams of one instance.
#[derive(Default)]
pub struct Output {
    stdout: Line,
    stderr: Line,
}

impl Output {
    /// Returns the guest's standard output, which is logged at level info.
    pub fn stdout(&self) -> Stream {
        Stream {
            line: self.stdout.clone(),
            log: |line| info!(target: "guest", "{line}"),
        }
    }

    /// Returns the guest's standard error, which is logged at level warn.
    pub fn stderr(&self) -> Stream {
        Stream {
            line: self.stderr.clone(),
            log: |line| warn!(target: "guest", "{line}"),
        }
    }

    /// Logs an unfinished last line, so that it does not become part of the next request's output.
    pub fn finish(&self) {
        self.stdout().log_unfinished();
        self.stderr().log_unfinished();
    }
}

/// The bytes of an unfinished line.
type Line = Arc<Mutex<Vec<u8>>>;

/// An output stream that is split into lines.
#[derive(Clone)]
pub struct Stream {
    line: Line,
    log: fn(&str),
}

impl Stream {
    fn append(&self, bytes: &[u8]) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in bytes.split_inclusive(|byte| *byte == b'\n') {
            line.extend_from_slice(chunk);
            if line.last() == Some(&b'\n') || line.len() >= MAX_LINE {
                self.log_line(&mut line);
            }
        }
    }

    fn log_unfinished(&self) {
        self.log_line(&mut self.line.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn log_line(&self, line: &mut Vec<u8>) {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end();
        if !text.is_empty() {
            (self.log)(text);
        }
        line.clear();
    }
}

impl IsTerminal for Stream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait::async_trait]
impl Pollable for Stream {
    async fn ready(&mut self) {}
}

impl OutputStream for Stream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.append(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 * 1024)
    }
}
