//! The times of attempts.

/// How long to wait after each failed attempt, in milliseconds: 10 seconds, 1, 5 and 30 minutes, 2 and 12
/// hours.
const WAITS: [u64; 6] = [10_000, 60_000, 300_000, 1_800_000, 7_200_000, 43_200_000];

/// Returns when to try again after a number of failed attempts, or `None` after the last one.
pub fn next(now: u64, tries: u32) -> Option<u64> {
    let index = usize::try_from(tries.checked_sub(1)?).ok()?;
    WAITS.get(index).map(|wait| now.saturating_add(*wait))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_longer_after_each_failure_until_the_last_one() {
        let waits: Vec<_> = (1..=8)
            .map(|tries| next(1_000, tries).map(|at| (at - 1_000) / 1_000))
            .collect();
        let expected = [10, 60, 300, 1_800, 7_200, 43_200].map(Some);
        assert_eq!(waits, [expected.as_slice(), &[None, None]].concat());
        assert_eq!(next(0, 0), None);
    }
}
