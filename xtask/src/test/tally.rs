//! Counting the results of test runs.

use std::fmt;

/// What came of tests; shown as the summary line of `cargo xtask test`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Tests that passed.
    pub passed: usize,
    /// Tests that failed, and runs that failed without telling of a test.
    pub failed: usize,
    /// Tests that were not run.
    pub skipped: usize,
    /// What could not be tested, each with the reason.
    pub missing: Vec<String>,
}

impl Tally {
    /// Notes what can't be tested here, and why. Its tests count themselves as skipped.
    pub fn miss(&mut self, what: &str, reason: &anyhow::Error) {
        self.missing.push(format!("{what}: {reason:#}"));
    }

    /// Adds what a line of a test harness tells: `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    pub fn read(&mut self, line: &str) {
        let Some((_, counts)) = line
            .strip_prefix("test result: ")
            .and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for count in counts.split("; ") {
            if let Some((number, what)) = count.split_once(' ')
                && let Ok(number) = number.parse::<usize>()
            {
                match what {
                    "passed" => self.passed += number,
                    "failed" => self.failed += number,
                    "ignored" => self.skipped += number,
                    _ => {}
                }
            }
        }
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.missing.extend(other.missing);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for missing in &self.missing {
            writeln!(f, "skipped for want of {missing}")?;
        }
        write!(
            f,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_several_harnesses_add_up() {
        let mut tally = Tally::default();
        for line in [
            "running 4 tests",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.01s",
            "test some::test ... ok",
            "test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.50s",
        ] {
            tally.read(line);
        }
        assert_eq!(
            tally,
            Tally {
                passed: 13,
                failed: 2,
                skipped: 1,
                missing: Vec::new(),
            }
        );
        assert_eq!(tally.to_string(), "13 passed, 2 failed, 1 skipped");
    }
    #[test]
    fn what_is_missing_is_named_before_the_counts() {
        let mut total = Tally::default();
        let mut tally = Tally {
            skipped: 2,
            ..Tally::default()
        };
        tally.miss("Kafka", &anyhow::anyhow!("no mvn").context("it can't be had"));
        total += tally;
        assert_eq!(
            total.to_string(),
            "skipped for want of Kafka: it can't be had: no mvn\n0 passed, 0 failed, 2 skipped"
        );
    }
}
