//! Building the components.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::project::Project;
use mercato_wasm_toolchain::process::{progress, run};
use mercato_wasm_toolchain::{TARGET, Toolchain};

/// Cargo's profile for components.
const PROFILE: &str = "guest";

/// Builds all components.
///
/// # Errors
/// A component does not compile.
pub fn build(project: &Project, toolchain: &Toolchain) -> Result<()> {
    progress("building the components");
    let mut cargo = cargo(project, toolchain, "build")?;
    run(cargo.arg("--locked")).context("can't build the components")
}

/// Returns a command of cargo for all components. Cargo selects the features of shared crates for all
/// packages of a call, so a smaller selection could change a component's bytes. These must be the same in
/// every composition.
///
/// # Errors
/// The folder `components` can't be read, or products of another toolchain can't be removed.
pub fn cargo(project: &Project, toolchain: &Toolchain, command: &str) -> Result<Command> {
    let target = project.guest_target();
    remove_builds_of_other_toolchains(&target, toolchain.identity())?;
    let mut cargo = toolchain.cargo();
    cargo
        .current_dir(&project.root)
        .args([command, "--profile", PROFILE, "--target", TARGET]);
    cargo.arg("--target-dir").arg(&target);
    for part in parts(&project.root.join("components"))? {
        cargo.args(["-p", &format!("mercato-{}", name(&part))]);
    }
    Ok(cargo)
}

/// Lists all possible parts of compositions: the folders with a `service.toml`, here and in `adapters`.
fn parts(components: &Path) -> Result<Vec<String>> {
    let mut parts = Vec::new();
    for folder in ["", "adapters"] {
        let path = components.join(folder);
        let entries = fs::read_dir(&path).with_context(|| format!("can't read {}", path.display()))?;
        for entry in entries {
            let entry = entry?.path();
            if entry.join("service.toml").is_file()
                && let Ok(part) = entry.strip_prefix(components)
            {
                parts.push(part.to_string_lossy().into_owned());
            }
        }
    }
    parts.sort();
    Ok(parts)
}

/// Returns the name of a part. The name of `adapters/wasmcloud` is `adapters-wasmcloud`.
pub fn name(part: &str) -> String {
    part.replace('/', "-")
}

/// Returns the file of a built component.
pub fn component(project: &Project, part: &str) -> PathBuf {
    let file = format!("mercato_{}.wasm", name(part).replace('-', "_"));
    project.guest_target().join(TARGET).join(PROFILE).join(file)
}

/// Removes what another build of the toolchain compiled. Cargo notices a new compiler version, but not a
/// rebuilt standard library.
fn remove_builds_of_other_toolchains(target: &Path, identity: &str) -> Result<()> {
    let stamp = target.join("mercato-toolchain");
    // Without a stamp, a developer called cargo with the active toolchain.
    let earlier = fs::read_to_string(&stamp).unwrap_or_else(|_| Toolchain::Active.identity().to_owned());
    if earlier != identity && target.exists() {
        progress("the toolchain for components has changed: building them from scratch");
        fs::remove_dir_all(target).with_context(|| format!("can't remove {}", target.display()))?;
    }
    fs::create_dir_all(target).with_context(|| format!("can't create {}", target.display()))?;
    fs::write(stamp, identity)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_the_folders_with_a_manifest() {
        let folder = tempfile::tempdir().unwrap();
        for part in ["orders", "adapters/spin", "catalog"] {
            fs::create_dir_all(folder.path().join(part)).unwrap();
            fs::write(folder.path().join(part).join("service.toml"), "").unwrap();
        }
        fs::create_dir(folder.path().join("shared")).unwrap();
        assert_eq!(
            parts(folder.path()).unwrap(),
            ["adapters/spin", "catalog", "orders"]
        );
    }

    #[test]
    fn removes_builds_only_if_the_toolchain_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("guest");
        remove_builds_of_other_toolchains(&target, "1").unwrap();
        let product = target.join("product");
        fs::write(&product, "").unwrap();
        remove_builds_of_other_toolchains(&target, "1").unwrap();
        assert!(product.exists());
        remove_builds_of_other_toolchains(&target, "2").unwrap();
        assert!(!product.exists());
        fs::write(&product, "").unwrap();
        remove_builds_of_other_toolchains(&target, "2").unwrap();
        assert!(product.exists());
    }
}
