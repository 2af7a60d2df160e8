//! Optimistic concurrency: a change reads documents and commits new versions of them. If another request
//! changes one of them in between, the store refuses the commit, and the change starts again.

use mercato_ports::documents::{CommitFailure, Failure};

use crate::types::Error;

/// The maximum number of attempts.
///
/// A commit is refused only if another one succeeded, so this many concurrent changes of one document all
/// succeed. Attempts follow each other without a pause: a refused commit already waited for the other one.
const MAX_ATTEMPTS: usize = 50;

/// Why an attempt did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptError {
    /// The store refused the commit because of a concurrent change. The next attempt may succeed.
    Conflict,
    /// Another attempt would fail, too.
    Failed(Error),
}

impl From<Error> for AttemptError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Failure> for AttemptError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure.into())
    }
}

impl From<CommitFailure> for AttemptError {
    fn from(failure: CommitFailure) -> Self {
        match failure {
            CommitFailure::Refused(_) => Self::Conflict,
            CommitFailure::Failed(failure) => failure.into(),
        }
    }
}

impl From<AttemptError> for Error {
    /// A conflict that nobody retried is the caller's to repeat.
    fn from(error: AttemptError) -> Self {
        match error {
            AttemptError::Conflict => CommitFailure::Refused(Vec::new()).into(),
            AttemptError::Failed(error) => error,
        }
    }
}

/// Runs `attempt` until its commit is not refused. An attempt reads the documents anew, and applies `?` to
/// its commit.
///
/// ```
/// # use mercato_shop::{collection::Collection, ports::Ports, types::Error};
/// use mercato_shop::retry::retry_on_conflict;
///
/// # const COUNTERS: Collection<u64> = Collection::new("example.counters");
/// # fn busy() -> Error { Error::Unavailable(String::new()) }
/// fn increment(ports: &impl Ports) -> Result<u64, Error> {
///     retry_on_conflict(busy, || {
///         let mut counter = COUNTERS.get(ports, "1")?.ok_or_else(busy)?;
///         counter.body += 1;
///         ports.commit(&[COUNTERS.replace(&counter)?], &[])?;
///         Ok(counter.body)
///     })
/// }
/// ```
///
/// # Errors
/// The error of the attempt, or `busy` if other requests came first on every attempt.
pub fn retry_on_conflict<T>(
    busy: impl FnOnce() -> Error,
    mut attempt: impl FnMut() -> Result<T, AttemptError>,
) -> Result<T, Error> {
    for _ in 0..MAX_ATTEMPTS {
        match attempt() {
            Ok(done) => return Ok(done),
            Err(AttemptError::Conflict) => {}
            Err(AttemptError::Failed(error)) => return Err(error),
        }
    }
    Err(busy())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy() -> Error {
        Error::Unavailable("busy".into())
    }

    #[test]
    fn retries_after_conflicts_only() {
        let mut attempts = 0;
        let done = retry_on_conflict(busy, || {
            attempts += 1;
            if attempts < 3 {
                return Err(CommitFailure::Refused(Vec::new()).into());
            }
            Ok(attempts)
        });
        assert_eq!(done, Ok(3));
        let mut attempts = 0;
        let failed: Result<(), _> = retry_on_conflict(busy, || {
            attempts += 1;
            Err(Error::StaleVersion(7).into())
        });
        assert_eq!((failed, attempts), (Err(Error::StaleVersion(7)), 1));
    }

    #[test]
    fn gives_up_if_every_attempt_meets_a_conflict() {
        let mut attempts = 0;
        let failed: Result<(), _> = retry_on_conflict(busy, || {
            attempts += 1;
            Err(AttemptError::Conflict)
        });
        assert_eq!((failed, attempts), (Err(busy()), MAX_ATTEMPTS));
    }
}
