//! `cargo xtask wit`: checks the interfaces in `wit/`, and reads the worlds of the services.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use wit_parser::{InterfaceId, PackageName, Resolve, UnresolvedPackageGroup, WorldItem, WorldKey};

/// The interfaces with functions that a world imports and exports, such as `mercato:shop/orders`, without
/// versions.
#[derive(Debug, Default)]
pub struct World {
    /// The imports.
    pub imports: BTreeSet<String>,
    /// The exports.
    pub exports: BTreeSet<String>,
}

/// Checks every package in a folder and returns their names. Each package is a folder of its own.
///
/// # Errors
/// A package is not valid WIT, uses an unknown package or has no version, or there is no package.
pub fn validate(wit: &Path) -> Result<Vec<PackageName>> {
    let resolve = resolve(wit)?;
    let names = resolve.packages.iter().map(|(_, package)| &package.name);
    let names: Vec<_> = names.cloned().collect();
    if let Some(name) = names.iter().find(|name| name.version.is_none()) {
        bail!("package {name} has no version");
    }
    Ok(names)
}

/// Returns the worlds of all packages in a folder by their names.
///
/// # Errors
/// A package is not valid WIT or uses an unknown package, or there is no package.
pub fn worlds(wit: &Path) -> Result<BTreeMap<String, World>> {
    let resolve = resolve(wit)?;
    let interface = |(key, _): (&WorldKey, &WorldItem)| match key {
        WorldKey::Interface(id) => name_with_functions(&resolve, *id),
        WorldKey::Name(_) => None,
    };
    let worlds = resolve.worlds.iter().map(|(_, world)| {
        let found = World {
            imports: world.imports.iter().filter_map(interface).collect(),
            exports: world.exports.iter().filter_map(interface).collect(),
        };
        (world.name.clone(), found)
    });
    Ok(worlds.collect())
}

/// Returns the interfaces with functions of all packages in a folder, without versions.
///
/// # Errors
/// As [`worlds`].
pub fn interfaces(wit: &Path) -> Result<BTreeSet<String>> {
    let resolve = resolve(wit)?;
    let ids = resolve.interfaces.iter().map(|(id, _)| id);
    Ok(ids.filter_map(|id| name_with_functions(&resolve, id)).collect())
}

/// Removes the version from the name of an interface.
pub fn without_version(name: &str) -> &str {
    name.split('@').next().unwrap_or(name)
}

fn name_with_functions(resolve: &Resolve, id: InterfaceId) -> Option<String> {
    let has_functions = !resolve.interfaces.get(id)?.functions.is_empty();
    has_functions.then(|| Some(without_version(&resolve.id_of(id)?).to_owned()))?
}

fn resolve(wit: &Path) -> Result<Resolve> {
    let entries = std::fs::read_dir(wit).with_context(|| format!("can't read {}", wit.display()))?;
    let mut folders = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    folders.retain(|folder| folder.is_dir());
    folders.sort();
    let Some((first, others)) = folders.split_first() else {
        bail!("{} holds no packages", wit.display())
    };
    let parse = |folder: &PathBuf| {
        UnresolvedPackageGroup::parse_dir(folder)
            .with_context(|| format!("{} is not valid WIT", folder.display()))
    };
    let mut resolve = Resolve::default();
    let others = others.iter().map(parse).collect::<Result<Vec<_>>>()?;
    resolve
        .push_groups(parse(first)?, others)
        .context("the packages do not fit together")?;
    Ok(resolve)
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
    fn accepts_packages_that_use_each_other_in_any_order() {
        let one = "package x:a@0.1.0; interface one { use x:b/two@0.1.0.{t}; f: func() -> t; }";
        let two = "package x:b@0.1.0; interface two { type t = u32; }";
        let folder = wit(&[("a", one), ("b", two)]);
        assert_eq!(validate(folder.path()).unwrap().len(), 2);
    }

    #[test]
    fn rejects_the_use_of_an_unknown_package() {
        let folder = wit(&[("a", "package x:a@0.1.0; interface one { use x:b/two@0.1.0.{t}; }")]);
        assert!(validate(folder.path()).is_err());
    }

    #[test]
    fn rejects_a_package_without_a_version() {
        let folder = wit(&[("a", "package x:a; interface one { f: func(); }")]);
        assert!(format!("{:#}", validate(folder.path()).unwrap_err()).contains("x:a has no version"));
    }

    #[test]
    fn lists_interfaces_with_functions_only() {
        let text = "package x:a@0.1.0; interface types { type t = u32; } interface one { f: func(); }
            world all { import types; import one; export one; }";
        let worlds = worlds(wit(&[("a", text)]).path()).unwrap();
        let one: BTreeSet<_> = ["x:a/one".to_owned()].into();
        assert_eq!((&worlds["all"].imports, &worlds["all"].exports), (&one, &one));
    }

    #[test]
    fn accepts_the_interfaces_of_this_project() {
        let names = validate(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit")).unwrap();
        assert!(
            names
                .iter()
                .any(|name| name.to_string().starts_with("mercato:shop@"))
        );
    }
}
