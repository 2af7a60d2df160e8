//! Finds cycles in the imports of files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The imports of each file: the files that it imports from, with the names.
pub type Imports = BTreeMap<PathBuf, BTreeMap<PathBuf, BTreeSet<String>>>;

/// Returns the largest sets of files in which each file imports all others, directly or through others.
pub fn find(imports: &Imports) -> Vec<BTreeSet<&PathBuf>> {
    let mut cycles = Vec::<BTreeSet<&PathBuf>>::new();
    for file in imports.keys() {
        if cycles.iter().any(|cycle| cycle.contains(file)) {
            continue;
        }
        let ahead = reachable(file, imports);
        let cycle: BTreeSet<_> = ahead
            .into_iter()
            .filter(|other| reachable(other, imports).contains(file))
            .collect();
        if !cycle.is_empty() {
            cycles.push(cycle);
        }
    }
    cycles
}

/// The files that a file imports, directly or through others.
fn reachable<'a>(file: &'a PathBuf, imports: &'a Imports) -> BTreeSet<&'a PathBuf> {
    let mut found = BTreeSet::new();
    let mut next = vec![file];
    while let Some(file) = next.pop() {
        for target in imports.get(file).into_iter().flat_map(|targets| targets.keys()) {
            if found.insert(target) {
                next.push(target);
            }
        }
    }
    found
}
