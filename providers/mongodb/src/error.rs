//! What can go wrong, in sentences that hold no secrets.

use mercato_ports::documents::{CommitFailure, Failure};
use mongodb::error::{Error, ErrorKind, WriteFailure};
use thiserror::Error as ThisError;

/// Codes of servers that refuse a document because of its size.
const TOO_LARGE: [i32; 2] = [10334, 17419];

/// Why a store could not be opened, or a service not be added to it; each says what to do.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum OpenError {
    /// The address is malformed. It is not shown, for it may hold a password.
    #[error(
        "the address of MongoDB can't be read: it looks like mongodb://user:password@host:27017/?replicaSet=rs0, where special \
         characters in the password are percent-encoded"
    )]
    Address,
    /// The prefix can't begin the name of a database.
    #[error(
        "the prefix `{0}` can't begin a database's name: use at most 24 lower-case letters, digits, hyphens and underscores"
    )]
    Prefix(String),
    /// No primary answered, or it did not let us in.
    #[error(
        "MongoDB at {hosts} can't be used: {reason}; check that it runs, and the user, password and TLS options of its address"
    )]
    Unreachable {
        /// The hosts of the address, without user and password.
        hosts: String,
        /// What the driver said.
        reason: String,
    },
    /// Transactions and change streams need a replica set.
    #[error(
        "MongoDB at {hosts} is no replica set: start it with --replSet, and initiate the set once, even of a single server"
    )]
    NoReplicaSet {
        /// The hosts of the address, without user and password.
        hosts: String,
    },
    /// The manifest declares what can't be kept.
    #[error("the manifest of the service `{service}` can't be used: {reason}")]
    Manifest {
        /// The service's name.
        service: String,
        /// What to change.
        reason: String,
    },
    /// Collections or indexes could not be made.
    #[error(
        "the database of the service `{service}` can't be prepared: {reason}; check that the user may create collections and indexes"
    )]
    Prepare {
        /// The service's name.
        service: String,
        /// What the driver said.
        reason: String,
    },
}

/// What callers are told of an error of the driver; the operator finds the same in the log.
pub(crate) fn failure(error: &Error) -> Failure {
    if code(error).is_some_and(|code| TOO_LARGE.contains(&code)) {
        return Failure::Invalid("a document is larger than MongoDB can keep".into());
    }
    tracing::error!(%error, "MongoDB failed");
    Failure::Unavailable(format!("MongoDB failed: {error}"))
}

pub(crate) fn failed(error: &Error) -> CommitFailure {
    CommitFailure::Failed(failure(error))
}

/// The server's number for an error.
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

/// The code of an insertion of a key that is taken.
pub(crate) const DUPLICATE: i32 = 11000;

/// Whether an insertion failed only because its key is taken.
pub(crate) fn is_duplicate(error: &Error) -> bool {
    code(error) == Some(DUPLICATE)
}
