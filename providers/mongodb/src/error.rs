//! Errors. No message contains a secret.

use mercato_ports::documents::{CommitFailure, Failure};
use mongodb::error::{Error, ErrorKind, WriteFailure};
use thiserror::Error as ThisError;

/// The error codes of a document that is too large.
const TOO_LARGE: [i32; 2] = [10334, 17419];

/// Why a store could not be opened, or a service could not be added. Each message says what to do.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum OpenError {
    /// The address is malformed. The message does not show it, because it may contain a password.
    #[error(
        "the address of MongoDB is malformed: write it as mongodb://user:password@host:27017/?replicaSet=rs0 \
         with special characters in the password percent-encoded"
    )]
    Address,
    /// The prefix cannot begin the name of a database.
    #[error(
        "the prefix `{0}` is not allowed in the name of a database: use at most 24 lower-case letters, \
         digits, hyphens and underscores"
    )]
    Prefix(String),
    /// No primary answered, or it rejected the credentials.
    #[error(
        "MongoDB at {hosts} cannot be used: {reason}; check that it runs, and check the user, password \
         and TLS options of its address"
    )]
    Unreachable {
        /// The hosts in the address, without user and password.
        hosts: String,
        /// The error of the driver.
        reason: String,
    },
    /// Transactions and change streams need a replica set.
    #[error(
        "MongoDB at {hosts} is not a replica set: start it with --replSet and initiate the set, which may \
         have a single member"
    )]
    NoReplicaSet {
        /// The hosts in the address, without user and password.
        hosts: String,
    },
    /// The manifest is invalid.
    #[error("the manifest of the service `{service}` is invalid: {reason}")]
    Manifest {
        /// The name of the service.
        service: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Collections or indexes could not be created.
    #[error(
        "the database of the service `{service}` cannot be prepared: {reason}; \
         check that the user may create collections and indexes"
    )]
    Prepare {
        /// The name of the service.
        service: String,
        /// The error of the driver.
        reason: String,
    },
}

/// Logs an error of the driver, and converts it for the caller.
pub(crate) fn failure(error: &Error) -> Failure {
    if code(error).is_some_and(|code| TOO_LARGE.contains(&code)) {
        return Failure::Invalid("a document is larger than MongoDB allows".into());
    }
    tracing::error!(%error, "MongoDB failed");
    Failure::Unavailable(format!("MongoDB failed: {error}"))
}

pub(crate) fn failed(error: &Error) -> CommitFailure {
    CommitFailure::Failed(failure(error))
}

/// Returns the server's code of an error.
pub(crate) fn code(error: &Error) -> Option<i32> {
    match error.kind.as_ref() {
        ErrorKind::Command(error) => Some(error.code),
        ErrorKind::Write(WriteFailure::WriteError(error)) => Some(error.code),
        ErrorKind::Write(WriteFailure::WriteConcernError(error)) => Some(error.code),
        ErrorKind::InsertMany(error) => error
            .write_errors
            .iter()
            .flatten()
            .map(|error| error.code)
            .find(|code| *code != DUPLICATE)
            .or_else(|| error.write_errors.iter().flatten().map(|error| error.code).next()),
        _ => None,
    }
}

/// The error code of an insertion with a duplicate key.
pub(crate) const DUPLICATE: i32 = 11000;

/// Returns whether an insertion failed only because of duplicate keys.
pub(crate) fn is_duplicate(error: &Error) -> bool {
    code(error) == Some(DUPLICATE)
}
