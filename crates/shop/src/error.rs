//! Errors of the domain: how they are made, and what becomes of a store's failures.

use mercato_ports::documents::{CommitFailure, Failure};

use crate::types::{Error, Violation};

impl Error {
    /// A value that a client sent and that can't be taken: which field, and what would be right.
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
            // A service that asks for what it never declared is wrong itself: no client can mend that.
            Failure::Invalid(reason) => {
                Self::Internal(format!("the store refused a request as invalid: {reason}"))
            }
            Failure::Unavailable(_) => {
                Self::Unavailable("The shop's store does not answer. Try again in a moment.".into())
            }
        }
    }
}

impl From<CommitFailure> for Error {
    /// For commits whose races were handled before: what is left is a race that nobody expected.
    fn from(failure: CommitFailure) -> Self {
        match failure {
            CommitFailure::Failed(failure) => failure.into(),
            CommitFailure::Refused(_) => Self::Conflict(
                "Somebody else changed the same thing at the same time. Look again, and repeat.".into(),
            ),
        }
    }
}
