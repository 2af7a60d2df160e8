//! When an attempt is made again, and when an endpoint is given up.

/// How long to wait after each failed attempt, in milliseconds: 10 seconds, 1, 5 and 30 minutes, 2 and 12 hours.
const WAITS: [u64; 6] = [10_000, 60_000, 300_000, 1_800_000, 7_200_000, 43_200_000];

/// How long an endpoint may only fail, in milliseconds: three days.
const PATIENCE: u64 = 3 * 24 * 3_600_000;

/// When to try again after so many attempts in vain; none where it was the last.
pub fn next(now: u64, tries: u32) -> Option<u64> {
    let index = usize::try_from(tries.checked_sub(1)?).ok()?;
    WAITS.get(index).map(|wait| now.saturating_add(*wait))
}

/// Whether an endpoint that has only failed since then is to be disabled.
pub const fn is_over(failing_since: u64, now: u64) -> bool {
    now.saturating_sub(failing_since) >= PATIENCE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_from_seconds_to_half_a_day_and_end() {
        let waits: Vec<_> = (1..=8)
            .map(|tries| next(1_000, tries).map(|at| (at - 1_000) / 1_000))
            .collect();
        let expected = [10, 60, 300, 1_800, 7_200, 43_200].map(Some);
        assert_eq!(waits, [expected.as_slice(), &[None, None]].concat());
        assert_eq!(next(0, 0), None);
    }

    #[test]
    fn an_endpoint_is_over_after_three_days() {
        let day = 86_400_000;
        assert!(!is_over(1, 3 * day));
        assert!(is_over(1, 3 * day + 1));
        assert!(!is_over(5, 0), "a clock that went back ends nothing");
    }
}
