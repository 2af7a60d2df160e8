//! Writes log lines in batches, on a separate thread.
//!
//! A channel would wake that thread for each line. At 10,000 requests a second, this would take a quarter of
//! the processor time.

use std::io::{self, Write};
use std::mem;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How long lines are gathered after a write.
const PAUSE: Duration = Duration::from_millis(5);

/// The maximum number of bytes that wait. Further lines are dropped, so that a blocked terminal stops no
/// request.
const MAX_PENDING: usize = 16 << 20;

/// The memory that the thread keeps for the next lines, in bytes.
const KEPT: usize = 64 << 10;

/// How long the end of the program waits for the last lines.
const END_TIMEOUT: Duration = Duration::from_secs(1);

/// Accepts lines from any thread.
#[derive(Default)]
pub struct LogWriter {
    pending: Mutex<Pending>,
    changed: Condvar,
}

/// The lines that wait for the thread.
#[derive(Default)]
struct Pending {
    lines: Vec<u8>,
    ending: bool,
}

/// Writes the pending lines when it is dropped.
pub struct LogGuard {
    writer: Arc<LogWriter>,
    /// Disconnects when the thread has ended.
    ended: Receiver<()>,
}

impl LogWriter {
    /// Starts a thread that writes to this output.
    ///
    /// # Errors
    /// The system can't start a thread.
    pub fn start(output: impl Write + Send + 'static) -> io::Result<(Arc<Self>, LogGuard)> {
        let writer = Arc::new(Self::default());
        let (running, ended) = channel();
        let for_thread = Arc::clone(&writer);
        thread::Builder::new().name("logs".into()).spawn(move || {
            for_thread.run(output);
            drop(running);
        })?;
        let guard = LogGuard {
            writer: Arc::clone(&writer),
            ended,
        };
        Ok((writer, guard))
    }

    fn run(&self, mut output: impl Write) {
        let mut lines = Vec::new();
        while self.take(&mut lines) {
            // Nobody can be told that the log fails.
            let _ = output.write_all(&lines);
            lines.clear();
            lines.shrink_to(KEPT);
            let pending = self.pending();
            // Only the end of the program shortens the pause.
            let _ = self
                .changed
                .wait_timeout_while(pending, PAUSE, |pending| !pending.ending);
        }
    }

    /// Waits for lines and takes them. Returns false at the end of the program.
    fn take(&self, lines: &mut Vec<u8>) -> bool {
        let is_idle = |pending: &mut Pending| pending.lines.is_empty() && !pending.ending;
        let waited = self.changed.wait_while(self.pending(), is_idle);
        let mut pending = waited.unwrap_or_else(PoisonError::into_inner);
        mem::swap(lines, &mut pending.lines);
        !lines.is_empty()
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for &LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut pending = self.pending();
        if pending.lines.is_empty() {
            self.changed.notify_one();
        }
        if pending.lines.len() + line.len() <= MAX_PENDING {
            pending.lines.extend_from_slice(line);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        self.writer.pending().ending = true;
        self.writer.changed.notify_one();
        let _ = self.ended.recv_timeout(END_TIMEOUT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An output whose content a test reads.
    #[derive(Clone, Default)]
    struct Output(Arc<Mutex<Vec<u8>>>);

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn writes_all_lines_before_it_ends() {
        let output = Output::default();
        let (writer, guard) = LogWriter::start(output.clone()).unwrap();
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let writer = Arc::clone(&writer);
                thread::spawn(move || (0..1000).for_each(|_| (&*writer).write_all(b"a line\n").unwrap()))
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        drop(guard);
        assert_eq!(*output.0.lock().unwrap(), b"a line\n".repeat(4000));
    }

    #[test]
    fn writes_a_line_at_once_and_further_ones_later() {
        let output = Output::default();
        let (writer, _guard) = LogWriter::start(output.clone()).unwrap();
        for number in 1..4 {
            (&*writer).write_all(b"a line\n").unwrap();
            while output.0.lock().unwrap().len() < number * 7 {
                thread::yield_now();
            }
        }
    }

    #[test]
    fn drops_lines_of_a_blocked_output() {
        let output = Output::default();
        let blocked = output.0.lock().unwrap();
        let (writer, guard) = LogWriter::start(output.clone()).unwrap();
        let line = vec![b'a'; 1 << 20];
        for _ in 0..40 {
            (&*writer).write_all(&line).unwrap();
        }
        assert!(writer.pending().lines.len() <= MAX_PENDING);
        drop(blocked);
        drop(guard);
        let written = output.0.lock().unwrap().len();
        assert!((MAX_PENDING..40 << 20).contains(&written), "{written}");
    }
}
