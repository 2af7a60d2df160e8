//! Requests that run at the same moment.

use std::sync::Barrier;

use anyhow::{Result, anyhow};

use crate::graphql::GraphqlResponse;

/// Runs an action this many times at the same moment, and returns all results.
pub fn at_once<'a, T: Send>(
    count: usize,
    action: impl Fn(usize) -> Result<T> + Send + Sync + 'a,
) -> Result<Vec<T>> {
    let barrier = Barrier::new(count);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..count)
            .map(|number| {
                let (barrier, action) = (&barrier, &action);
                scope.spawn(move || {
                    barrier.wait();
                    action(number)
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().map_err(|_| anyhow!("a worker panicked"))?)
            .collect()
    })
}

/// Returns the responses without an error. All others must have this code.
pub fn winners<'a>(answers: &'a [GraphqlResponse], code: &str) -> Result<Vec<&'a GraphqlResponse>> {
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.errors().is_empty());
    for answer in lost {
        answer.refused(code)?;
    }
    Ok(won)
}

/// Returns the one response without an error. All others must have this code.
pub fn winner<'a>(answers: &'a [GraphqlResponse], code: &str) -> Result<&'a GraphqlResponse> {
    let won = winners(answers, code)?;
    let [winner] = won.as_slice() else {
        anyhow::bail!("one request should succeed, not {}", won.len());
    };
    Ok(winner)
}
