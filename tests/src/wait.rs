//! Waiting for effects that come later than the response, such as those of events.

use std::fmt::{Debug, Display};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

/// The time limit for the effect of an event.
pub const SOON: Duration = Duration::from_secs(20);
/// The time limit for an effect that needs a timer or a second attempt.
pub const LATER: Duration = Duration::from_secs(60);
/// How long a test waits to be sure that nothing else comes.
pub const QUIET: Duration = Duration::from_secs(3);

/// Repeats a check until it succeeds, and returns what it saw.
///
/// The check returns whether it succeeded, and what it saw, for the failure message.
///
/// # Errors
/// The check fails, or does not succeed within the limit.
pub fn eventually<T: Debug>(
    limit: Duration,
    expectation: impl Display,
    mut check: impl FnMut() -> Result<(bool, T)>,
) -> Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        let (succeeded, seen) = check()?;
        if succeeded {
            return Ok(seen);
        }
        ensure!(
            Instant::now() < deadline,
            "{expectation} within {limit:?}, but this was seen: {seen:?}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Repeats a check until it succeeds. When the time is over, returns its last error.
pub fn retry<T>(limit: Duration, mut check: impl FnMut() -> Result<T>) -> Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        match check() {
            Err(_) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(500)),
            result => return result,
        }
    }
}
