//! What a guest writes to its standard output and error: lines of the log.
//!
//! They are written while the guest runs for a request, so they carry the request id of the current span.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use tracing::{info, warn};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// A longer line is logged in pieces of so many bytes.
const LONGEST_LINE: usize = 8 * 1024;

/// Both streams of one instance.
#[derive(Default)]
pub struct Output {
    stdout: Line,
    stderr: Line,
}

impl Output {
    /// The guest's standard output, logged at level info.
    pub fn stdout(&self) -> Stream {
        Stream {
            line: self.stdout.clone(),
            log: |line| info!(target: "guest", "{line}"),
        }
    }

    /// The guest's standard error, logged at level warn.
    pub fn stderr(&self) -> Stream {
        Stream {
            line: self.stderr.clone(),
            log: |line| warn!(target: "guest", "{line}"),
        }
    }

    /// Logs what was begun and not ended by a line feed, so that it does not appear under the next request.
    pub fn finish(&self) {
        self.stdout().log_rest();
        self.stderr().log_rest();
    }
}

/// The bytes of a line that has not ended yet.
type Line = Arc<Mutex<Vec<u8>>>;

/// One stream, cut into lines.
#[derive(Clone)]
pub struct Stream {
    line: Line,
    log: fn(&str),
}

impl Stream {
    fn append(&self, bytes: &[u8]) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            line.extend_from_slice(piece);
            if line.last() == Some(&b'\n') || line.len() >= LONGEST_LINE {
                self.log_line(&mut line);
            }
        }
    }

    fn log_rest(&self) {
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
