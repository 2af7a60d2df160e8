//! Errors of operations.

use mercato_shop::types::Error;

use crate::http::problem::Problem;

/// Why an operation was refused.
#[derive(Debug)]
pub enum OperationError {
    /// An error about the caller is explained with the reason why the credential was rejected.
    Error(Error),
    Problem(Problem),
}

impl From<Error> for OperationError {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<Problem> for OperationError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}
