//! Limits of time, and the failures beyond them.

use std::time::Duration;

use mercato_ports::documents::Failure;
use tokio::time::timeout;

/// How long a read may take.
pub(crate) const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// Limits the time of an operation.
pub(crate) async fn bounded<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, Failure> {
    timeout(limit, work).await.map_err(|_| {
        tracing::error!(seconds = limit.as_secs(), "MongoDB did not answer in time");
        Failure::Unavailable(format!("MongoDB did not answer within {} s", limit.as_secs()))
    })
}

pub(crate) fn stopped() -> Failure {
    Failure::Unavailable("the store has stopped".into())
}
