//! `cargo xtask modules`: checks that no modules of a crate import each other.

mod cycles;
mod names;
mod resolve;
mod roots;
mod tree;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use self::cycles::Imports;
use self::resolve::Resolver;
use self::tree::Crate;
use crate::project::Project;

/// Checks all crates of both workspaces.
///
/// # Errors
/// A file can't be read or parsed, or files import each other; the error lists the cycles.
pub fn check(project: &Project) -> Result<()> {
    let mut errors = Vec::new();
    let mut files = 0;
    for root in roots::of(project)? {
        let imports = imports(&root)?;
        files += imports.len();
        errors.extend(
            cycles::find(&imports)
                .iter()
                .map(|cycle| describe(cycle, &imports, &project.root)),
        );
    }
    if !errors.is_empty() {
        bail!(
            "these files import each other. Move what both need to a third file.\n{}",
            errors.join("\n")
        );
    }
    println!("{files} files: no modules import each other");
    Ok(())
}

/// Reads the crate with this root file, and finds its imports. Code for tests does not count.
fn imports(root: &Path) -> Result<Imports> {
    let tree = Crate::read(root).with_context(|| format!("can't read the crate of {}", root.display()))?;
    let resolver = Resolver::new(&tree);
    let mut imports = Imports::new();
    for (id, module) in tree.modules().enumerate() {
        let from = imports.entry(module.file.clone()).or_default();
        let named = module.paths.iter().filter_map(|path| {
            let target = resolver.item(id, path)?;
            Some((target, path.last()?.clone()))
        });
        let globs = module.globs.iter().filter_map(|path| {
            let target = resolver.module(id, path)?;
            Some((target, "*".to_owned()))
        });
        for (target, name) in named.chain(globs) {
            if target.file != module.file {
                from.entry(target.file.clone()).or_default().insert(name);
            }
        }
    }
    Ok(imports)
}

/// Lists the imports of a cycle, a line each.
fn describe(cycle: &BTreeSet<&PathBuf>, imports: &Imports, root: &Path) -> String {
    let shown = |file: &Path| file.strip_prefix(root).unwrap_or(file).display().to_string();
    let mut lines = vec![format!("a cycle of {} files:", cycle.len())];
    for &file in cycle {
        for (target, names) in imports.get(file).into_iter().flatten() {
            if cycle.contains(target) {
                let names: Vec<_> = names.iter().map(String::as_str).collect();
                lines.push(format!(
                    "  {} -> {}: {}",
                    shown(file),
                    shown(target),
                    names.join(", ")
                ));
            }
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Writes a crate and returns its cycles, as the names of the files.
    fn cycles(files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = folder.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let imports = imports(&folder.path().join("lib.rs")).unwrap();
        let names = |cycle: BTreeSet<&PathBuf>| {
            let names = cycle.into_iter().map(|file| file.strip_prefix(&folder).unwrap());
            names.map(|name| name.display().to_string()).collect()
        };
        cycles::find(&imports).into_iter().map(names).collect()
    }

    const ROOT: (&str, &str) = ("lib.rs", "mod a;\nmod b;\nmod c;\npub use a::A;");

    #[test]
    fn accepts_imports_in_one_direction() {
        let files = [
            ROOT,
            (
                "a.rs",
                "use crate::b::{B, self as other}; pub struct A(B, other::B);",
            ),
            ("b.rs", "use super::c::C; pub struct B(C);"),
            ("c.rs", "pub struct C;"),
        ];
        assert_eq!(cycles(&files), [[""; 0]; 0]);
    }

    #[test]
    fn finds_a_cycle_of_several_files() {
        let files = [
            ROOT,
            ("a.rs", "use crate::b::B; pub struct A(B);"),
            ("b.rs", "pub struct B; fn f() { super::c::g::<u8>() }"),
            ("c.rs", "use crate::{A as Other}; pub fn g<T>() {}"),
        ];
        assert_eq!(cycles(&files), [["a.rs", "b.rs", "c.rs"]]);
    }

    #[test]
    fn finds_a_cycle_of_a_module_and_its_folder() {
        let files = [
            ("lib.rs", "mod a;"),
            (
                "a/mod.rs",
                "mod b; pub const LIMIT: u32 = 1; fn f() { vec![b::g()]; }",
            ),
            ("a/b.rs", "use super::LIMIT; pub fn g() -> u32 { LIMIT }"),
        ];
        assert_eq!(cycles(&files), [["a/b.rs", "a/mod.rs"]]);
    }

    #[test]
    fn follows_re_exports_and_globs_to_the_defining_file() {
        let files = [
            ("lib.rs", "mod a; mod b; mod c; pub use b::*;"),
            ("a.rs", "use crate::B; pub struct A(B);"),
            ("b.rs", "pub use crate::c::C as B;"),
            ("c.rs", "pub struct C;"),
        ];
        assert_eq!(cycles(&files), [[""; 0]; 0]);
    }

    #[test]
    fn ignores_tests() {
        let files = [
            ROOT,
            ("a.rs", "use crate::b::B; pub struct A(B);"),
            (
                "b.rs",
                "pub struct B; #[cfg(test)] mod tests { use crate::a::A; }",
            ),
            ("c.rs", ""),
        ];
        assert_eq!(cycles(&files), [[""; 0]; 0]);
    }
}
