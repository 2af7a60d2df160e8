//! Errors of the services, and their conversion from failures of the ports.

use mercato_ports::documents::{CommitFailure, Failure};
use mercato_ports::passwords::PasswordFailure;

use crate::types::{Error, Violation};

/// A full queue of passwords is computed in less than this time.
const PASSWORD_RETRY_SECONDS: u32 = 1;

impl Error {
    /// Returns the error for a field that a client must correct.
    #[must_use]
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid(Violation {
            field: field.into(),
            message: message.into(),
        })
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            // The service used a collection or a field that its manifest does not declare. No client can
            // correct that.
            Failure::Invalid(reason) => Self::Internal(format!("the store rejected a request: {reason}")),
            Failure::Unavailable(_) => {
                Self::Unavailable("The store of the shop is unavailable. Try again in a moment.".into())
            }
        }
    }
}

impl From<CommitFailure> for Error {
    /// A refused commit is a conflict that the service did not handle.
    fn from(failure: CommitFailure) -> Self {
        match failure {
            CommitFailure::Failed(failure) => failure.into(),
            CommitFailure::Refused(_) => Self::Conflict(
                "Another request changed the same data at the same time. Read it again, and repeat the request."
                    .into(),
            ),
        }
    }
}

impl From<PasswordFailure> for Error {
    fn from(failure: PasswordFailure) -> Self {
        match failure {
            PasswordFailure::Busy => Self::RateLimited(PASSWORD_RETRY_SECONDS),
            PasswordFailure::Failed(reason) => Self::Internal(reason),
        }
    }
}
