//! `cargo xtask wit`: checks the interfaces.

use std::path::Path;

use anyhow::{Context, Result, bail};
use wit_parser::{PackageName, Resolve, UnresolvedPackageGroup};

/// Reads every package in a folder (one folder each) and resolves what they use of each other; returns their names.
///
/// # Errors
/// A package is not valid WIT, uses what is not there, or is not versioned; or there is none.
pub fn validate(wit: &Path) -> Result<Vec<PackageName>> {
    let entries = std::fs::read_dir(wit).with_context(|| format!("{} can't be read", wit.display()))?;
    let mut folders = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    folders.retain(|folder| folder.is_dir());
    folders.sort();
    let Some((first, others)) = folders.split_first() else {
        bail!("{} holds no packages", wit.display())
    };
    let parse = |folder: &std::path::PathBuf| {
        UnresolvedPackageGroup::parse_dir(folder)
            .with_context(|| format!("{} is not valid WIT", folder.display()))
    };
    let mut resolve = Resolve::default();
    let others = others.iter().map(parse).collect::<Result<Vec<_>>>()?;
    resolve
        .push_groups(parse(first)?, others)
        .context("the packages do not fit together")?;
    let mut names = Vec::new();
    for (_, package) in &resolve.packages {
        if package.name.version.is_none() {
            bail!("package {} has no version", package.name);
        }
        names.push(package.name.clone());
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wit(packages: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in packages {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            std::fs::write(folder.path().join(name).join("package.wit"), text).unwrap();
        }
        folder
    }

    #[test]
    fn packages_that_use_each_other_are_valid_in_any_order() {
        let folder = wit(&[
            (
                "a",
                "package x:a@0.1.0; interface one { use x:b/two@0.1.0.{t}; f: func() -> t; }",
            ),
            ("b", "package x:b@0.1.0; interface two { type t = u32; }"),
        ]);
        assert_eq!(validate(folder.path()).unwrap().len(), 2);
    }

    #[test]
    fn a_use_of_what_is_not_there_is_refused() {
        let folder = wit(&[("a", "package x:a@0.1.0; interface one { use x:b/two@0.1.0.{t}; }")]);
        assert!(validate(folder.path()).is_err());
    }

    #[test]
    fn a_package_without_a_version_is_refused() {
        let folder = wit(&[("a", "package x:a; interface one { f: func(); }")]);
        assert!(format!("{:#}", validate(folder.path()).unwrap_err()).contains("x:a has no version"));
    }

    #[test]
    fn the_products_own_interfaces_are_valid() {
        let names = validate(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit")).unwrap();
        assert!(
            names
                .iter()
                .any(|name| name.to_string().starts_with("mercato:shop@"))
        );
    }
}
