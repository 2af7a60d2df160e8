//! `tests/mutants.toml`: the files to mutate, and the judged mutants.

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::project::Project;

/// What `tests/mutants.toml` says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    group: Vec<Group>,
    /// The mutants that no test must detect.
    #[serde(default)]
    pub judged: Vec<Judged>,
}

/// Files whose mutants are tested by the same packages.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The files, as paths in the checkout.
    pub files: Vec<String>,
    /// The packages whose tests are run: by default, only the package of the file.
    #[serde(default)]
    pub tests: Vec<String>,
}

/// A mutant that no test must detect.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judged {
    /// The file.
    pub file: String,
    /// What cargo-mutants replaces, as it prints it after the position.
    pub mutant: String,
    /// The first line of the replaced code, if the function has several such mutants.
    pub line: Option<String>,
    /// Why no test must detect the mutant. It stands in the file for its readers.
    #[serde(rename = "reason")]
    _reason: String,
}

impl Plan {
    /// Reads the file.
    ///
    /// # Errors
    /// The file can't be read or is invalid.
    pub fn read(project: &Project) -> Result<Self> {
        let path = project.root.join("tests/mutants.toml");
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("{} is invalid", path.display()))
    }

    /// Returns the groups of some files, or all groups if there are none.
    pub fn groups(&self, files: &[String]) -> Vec<Group> {
        if files.is_empty() {
            return self.group.clone();
        }
        let tests = |file: &String| {
            let group = self.group.iter().find(|group| group.files.contains(file));
            group.map(|group| group.tests.clone()).unwrap_or_default()
        };
        let alone = |file: &String| Group {
            files: vec![file.clone()],
            tests: tests(file),
        };
        files.iter().map(alone).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_keeps_the_tests_of_its_group() {
        let plan: Plan = toml::from_str(
            r#"
            group = [{ files = ["a.rs", "b.rs"] }, { files = ["c.rs"], tests = ["x"] }]
            "#,
        )
        .unwrap();
        assert_eq!(plan.groups(&[]).len(), 2);
        let some = plan.groups(&["c.rs".to_owned(), "other.rs".to_owned()]);
        let found: Vec<_> = some
            .iter()
            .map(|group| (group.files[0].as_str(), group.tests.len()))
            .collect();
        assert_eq!(found, [("c.rs", 1), ("other.rs", 0)]);
    }
}
