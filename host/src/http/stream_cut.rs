//! The end of one stream of an HTTP/2 connection.

use std::sync::Arc;

use hyper::rt::Executor;
use tokio::sync::Notify;

tokio::task_local! {
    /// Ends the HTTP/2 stream whose task runs.
    static STREAM: Arc<Notify>;
}

/// Returns what ends the HTTP/2 stream whose task runs, or `None` with HTTP/1.
pub fn current() -> Option<Arc<Notify>> {
    STREAM.try_with(Arc::clone).ok()
}

/// Runs the streams of HTTP/2 connections, each in a task.
#[derive(Clone, Copy, Debug)]
pub struct StreamExecutor;

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for StreamExecutor {
    fn execute(&self, stream: F) {
        let cut = Arc::new(Notify::new());
        tokio::spawn(STREAM.scope(Arc::clone(&cut), async move {
            // Dropping the stream resets it.
            tokio::select! {
                () = stream => {}
                () = cut.notified() => {}
            }
        }));
    }
}
