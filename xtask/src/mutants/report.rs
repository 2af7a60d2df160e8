//! The report: what cargo-mutants writes to `outcomes.json`, compared with the judged mutants.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::plan::Judged;

/// The percentage of the mutants that tests must detect, without the judged ones.
const REQUIRED: usize = 95;

#[derive(Deserialize)]
struct Outcomes {
    outcomes: Vec<Outcome>,
}

#[derive(Deserialize)]
struct Outcome {
    scenario: Scenario,
    summary: Summary,
}

#[derive(Deserialize)]
enum Scenario {
    Baseline,
    Mutant(Mutant),
}

#[derive(Deserialize)]
struct Mutant {
    file: String,
    name: String,
    span: Span,
}

#[derive(Deserialize)]
struct Span {
    start: Position,
}

#[derive(Deserialize)]
struct Position {
    line: usize,
    column: usize,
}

#[derive(Deserialize)]
enum Summary {
    Success,
    CaughtMutant,
    MissedMutant,
    /// The mutant does not compile.
    Unviable,
    Failure,
    Timeout,
}

/// The mutants of one file that compile.
#[derive(Default)]
struct Counts {
    caught: usize,
    /// Mutants that made a test hang, which is a way to be detected.
    timeouts: usize,
    missed: usize,
    judged: usize,
}

impl Counts {
    const fn detected(&self) -> usize {
        self.caught + self.timeouts
    }

    /// Returns the number of mutants that tests must detect.
    const fn relevant(&self) -> usize {
        self.detected() + self.missed
    }

    fn add(&mut self, other: &Self) {
        self.caught += other.caught;
        self.timeouts += other.timeouts;
        self.missed += other.missed;
        self.judged += other.judged;
    }

    fn row(&self, name: &str) -> String {
        let Self {
            caught,
            timeouts,
            missed,
            judged,
        } = self;
        let viable = self.relevant() + judged;
        let rate = 100.0 * self.detected() as f64 / self.relevant().max(1) as f64;
        format!("{name:<55}{viable:>8}{caught:>8}{timeouts:>10}{missed:>8}{judged:>8}{rate:>8.1} %")
    }
}

/// The outcomes of all files.
pub struct Report<'a> {
    judged: &'a [Judged],
    files: BTreeMap<String, Counts>,
    missed: Vec<String>,
    /// Judged mutants that tests detect.
    needless: Vec<String>,
    /// Whether all mutants were tested.
    pub is_complete: bool,
}

impl<'a> Report<'a> {
    /// Creates an empty report.
    pub fn new(judged: &'a [Judged]) -> Self {
        Self {
            judged,
            files: BTreeMap::new(),
            missed: Vec::new(),
            needless: Vec::new(),
            is_complete: true,
        }
    }

    /// Adds the outcomes that a run of cargo-mutants has written.
    ///
    /// # Errors
    /// The outcomes or a mutated file can't be read.
    pub fn add(&mut self, root: &Path, outcomes: &Path) -> Result<()> {
        // cargo-mutants writes the file with its first outcome.
        if !outcomes.exists() {
            return Ok(());
        }
        let read = |path: &Path| {
            std::fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))
        };
        let found: Outcomes = serde_json::from_str(&read(outcomes)?).context("outcomes.json is invalid")?;
        for Outcome { scenario, summary } in found.outcomes {
            if let Scenario::Mutant(mutant) = scenario {
                let source = read(&root.join(&mutant.file))?;
                self.add_mutant(mutant, &summary, &source);
            }
        }
        Ok(())
    }

    fn add_mutant(&mut self, mutant: Mutant, summary: &Summary, source: &str) {
        let Position { line, column } = mutant.span.start;
        let text = source
            .lines()
            .nth(line.saturating_sub(1))
            .unwrap_or_default()
            .trim();
        let replaced = mutant
            .name
            .strip_prefix(&format!("{}:{line}:{column}: ", mutant.file));
        let is_judged = self.judged.iter().any(|judged| {
            judged.file == mutant.file
                && Some(judged.mutant.as_str()) == replaced
                && judged.line.as_ref().is_none_or(|line| line == text)
        });
        let counts = self.files.entry(mutant.file).or_default();
        match summary {
            Summary::Unviable => return,
            Summary::CaughtMutant => counts.caught += 1,
            Summary::Timeout => counts.timeouts += 1,
            Summary::MissedMutant | Summary::Success | Summary::Failure => {
                if is_judged {
                    counts.judged += 1;
                } else {
                    counts.missed += 1;
                    self.missed.push(format!("{}\n    {text}", mutant.name));
                }
                return;
            }
        }
        if is_judged {
            self.needless.push(mutant.name);
        }
    }

    fn total(&self) -> Counts {
        let mut total = Counts::default();
        self.files.values().for_each(|counts| total.add(counts));
        total
    }

    /// Returns whether the tests detect as many mutants as they must.
    pub fn is_sufficient(&self) -> bool {
        let total = self.total();
        100 * total.detected() >= REQUIRED * total.relevant()
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for name in &self.missed {
            writeln!(f, "not detected: {name}")?;
        }
        for name in &self.needless {
            writeln!(
                f,
                "judged, but detected: {name}\n    Remove it from tests/mutants.toml."
            )?;
        }
        let [file, viable, caught, timeouts, missed, judged, rate] =
            ["file", "viable", "caught", "timeouts", "missed", "judged", "rate"];
        writeln!(
            f,
            "{file:<55}{viable:>8}{caught:>8}{timeouts:>10}{missed:>8}{judged:>8}{rate:>10}"
        )?;
        for (file, counts) in &self.files {
            writeln!(f, "{}", counts.row(file))?;
        }
        write!(f, "{}", self.total().row("all"))?;
        if !self.is_complete {
            write!(
                f,
                "\nNot all mutants were tested: use more `--minutes`, or a `--shard`."
            )?;
        }
        if !self.is_sufficient() {
            write!(
                f,
                "\nLess than {REQUIRED} % are detected. Write tests, or judge mutants in tests/mutants.toml."
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "fn f() {\n    a < b\n    c < d\n}\n";

    fn judged(line: Option<&str>) -> Judged {
        let text = format!(
            "file = 'a.rs'\nmutant = 'replace < with > in f'\nreason = 'r'\n{}",
            line.map(|line| format!("line = '{line}'")).unwrap_or_default()
        );
        toml::from_str(&text).unwrap()
    }

    fn report<'a>(judged: &'a [Judged], summaries: [Summary; 2]) -> Report<'a> {
        let mut report = Report::new(judged);
        for (line, summary) in [2, 3].into_iter().zip(summaries) {
            let mutant = Mutant {
                file: "a.rs".into(),
                name: format!("a.rs:{line}:7: replace < with > in f"),
                span: Span {
                    start: Position { line, column: 7 },
                },
            };
            report.add_mutant(mutant, &summary, SOURCE);
        }
        report
    }

    #[test]
    fn tells_judged_mutants_apart_by_the_replaced_line() {
        let missed = || [Summary::MissedMutant, Summary::MissedMutant];
        assert_eq!(report(&[judged(None)], missed()).total().judged, 2);
        let one = [judged(Some("c < d"))];
        let report = report(&one, missed());
        assert_eq!((report.total().judged, report.total().missed), (1, 1));
        assert_eq!(report.missed, ["a.rs:2:7: replace < with > in f\n    a < b"]);
    }

    #[test]
    fn counts_hanging_tests_as_detected_and_leaves_out_judged_mutants() {
        assert!(report(&[], [Summary::Timeout, Summary::CaughtMutant]).is_sufficient());
        assert!(report(&[], [Summary::Timeout, Summary::Unviable]).is_sufficient());
        assert!(!report(&[], [Summary::CaughtMutant, Summary::MissedMutant]).is_sufficient());
        let second = [judged(Some("c < d"))];
        assert!(report(&second, [Summary::CaughtMutant, Summary::MissedMutant]).is_sufficient());
        let detected = report(&second, [Summary::CaughtMutant, Summary::CaughtMutant]);
        assert_eq!(detected.needless, ["a.rs:3:7: replace < with > in f"]);
    }
}
