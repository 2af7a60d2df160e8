//! Checks the threat model in `docs/security.md` against the code.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::capabilities::FILE;
use crate::project::Project;

/// The folders with tests.
const FOLDERS: [&str; 7] = [
    "components",
    "crates",
    "host",
    "lattice",
    "providers",
    "tests",
    "xtask",
];

/// Adds the names of all functions that are tests or may be one: those without parameters, or with a parameter
/// for a shop, a host or the binary.
fn functions(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            functions(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(path).unwrap();
            let names_in = text.split("fn ").skip(1).filter_map(|rest| rest.split_once('('));
            names.extend(names_in.map(|(name, _)| name.to_owned()));
        }
    }
}

/// Returns the rows of the tables that name threats, by their cells.
fn threats(text: &str) -> Vec<Vec<&str>> {
    let tables = text.split("| threat |").skip(1);
    let rows = tables.flat_map(|table| table.lines().skip(2).take_while(|line| line.starts_with('|')));
    rows.map(|row| row.split('|').map(str::trim).collect()).collect()
}

#[test]
fn every_threat_has_a_defence_and_a_test_that_exist() {
    let project = Project::find().unwrap();
    let text = fs::read_to_string(project.root.join(FILE)).unwrap();
    let mut names = BTreeSet::new();
    for folder in FOLDERS {
        functions(&project.root.join(folder), &mut names);
    }
    let threats = threats(&text);
    assert!(threats.len() > 30, "only {} rows are found", threats.len());
    for row in threats {
        let [_, threat, defence, tests, _] = row.as_slice() else {
            panic!("a row should have three cells: {row:?}");
        };
        let files: Vec<_> = defence
            .split("](../")
            .skip(1)
            .filter_map(|rest| rest.split_once(')'))
            .collect();
        assert!(!files.is_empty(), "a defence should name a file: {threat}");
        for (file, _) in files {
            assert!(
                project.root.join(file).exists(),
                "{file} does not exist: {threat}"
            );
        }
        let tests: Vec<_> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "a threat should have a test: {threat}");
        for test in tests.into_iter().filter(|test| !test.starts_with("cargo xtask ")) {
            assert!(names.contains(test), "no test is named {test}: {threat}");
        }
    }
}
