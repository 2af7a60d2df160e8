//! Counts the results of test runs.

use std::fmt;

/// The results of tests; the last lines of `cargo xtask test` show them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Tests that passed.
    pub passed: usize,
    /// Tests that failed, and runs that failed without a failed test.
    pub failed: usize,
    /// Tests that were not run.
    pub skipped: usize,
    /// What could not be installed, each with the reason.
    pub missing: Vec<String>,
}

impl Tally {
    /// Notes what is missing, and why. Its tests count themselves as skipped.
    pub fn note_missing(&mut self, name: &str, reason: &anyhow::Error) {
        self.missing.push(format!("{name}: {reason:#}"));
    }

    /// Notes what is missing, and counts it as one skipped test.
    pub fn skip(&mut self, name: &str, reason: &anyhow::Error) {
        self.skipped += 1;
        self.note_missing(name, reason);
    }

    /// Adds the counts in a line of a test harness: `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    pub fn add_line(&mut self, line: &str) {
        let Some((_, counts)) = line
            .strip_prefix("test result: ")
            .and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for count in counts.split("; ") {
            if let Some((number, outcome)) = count.split_once(' ')
                && let Ok(number) = number.parse::<usize>()
            {
                match outcome {
                    "passed" => self.passed += number,
                    "failed" => self.failed += number,
                    "ignored" => self.skipped += number,
                    _ => {}
                }
            }
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for missing in &self.missing {
            writeln!(f, "skipped, because of {missing}")?;
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
    fn adds_the_results_of_several_harnesses() {
        let mut tally = Tally::default();
        for line in [
            "running 4 tests",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.01s",
            "test some::test ... ok",
            "test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.50s",
        ] {
            tally.add_line(line);
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
    fn names_what_is_missing_before_the_counts() {
        let mut tally = Tally::default();
        tally.skip("Kafka", &anyhow::anyhow!("no mvn").context("not installed"));
        assert_eq!(
            tally.to_string(),
            "skipped, because of Kafka: not installed: no mvn\n0 passed, 0 failed, 1 skipped"
        );
    }
}
