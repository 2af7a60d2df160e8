//! Refusals of operations.

use mercato_shop::types::Error;

use crate::http::problem::Problem;

/// Why an operation was refused.
#[derive(Debug)]
pub enum Refusal {
    /// An error about the caller is explained with the reason why the credential was rejected.
    Error(Error),
    Problem(Problem),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}
