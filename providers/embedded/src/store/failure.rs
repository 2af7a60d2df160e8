//! The failures of a store.

use mercato_ports::documents::{CommitFailure, Failure};

/// Logs an error of SQLite, and converts it for the caller.
pub(super) fn unavailable(error: rusqlite::Error) -> Failure {
    tracing::error!(%error, "the store failed");
    Failure::Unavailable(format!("the store failed: {error}"))
}

/// Logs an error of SQLite, and converts it to the failure of a commit.
pub(super) fn failed(error: rusqlite::Error) -> CommitFailure {
    CommitFailure::Failed(unavailable(error))
}

/// Converts the failure of a job that cannot be refused.
pub(super) fn into_failure(failure: CommitFailure) -> Failure {
    match failure {
        CommitFailure::Failed(failure) => failure,
        CommitFailure::Refused(_) => Failure::Unavailable("an internal write was refused".into()),
    }
}

/// Returns the message of a failure.
pub(super) fn message(failure: Failure) -> String {
    match failure {
        Failure::Invalid(reason) | Failure::Unavailable(reason) => reason,
    }
}
