//! Building the guests.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::project::Project;
use mercato_wasm_toolchain::process::{progress, run};
use mercato_wasm_toolchain::{TARGET, Toolchain};

/// Cargo's profile for guests.
const PROFILE: &str = "guest";

/// Builds all components with one call of cargo, which does again only what changed. Always all of them: what others are built at the
/// same time decides on the features of shared crates, and so on a component's bytes, which are to be the same in every composition.
///
/// # Errors
/// One of them does not compile.
pub fn build(project: &Project, toolchain: &Toolchain) -> Result<()> {
    let target = project.guest_target();
    forget_other_toolchains(&target, toolchain.identity())?;
    let parts = parts(&project.root.join("components"))?;
    progress(format_args!("building the components: {}", parts.join(", ")));
    let mut cargo = toolchain.cargo();
    cargo
        .current_dir(&project.root)
        .args(["build", "--locked", "--profile", PROFILE, "--target", TARGET]);
    cargo.arg("--target-dir").arg(&target);
    for part in &parts {
        cargo.args(["-p", &format!("mercato-{}", name(part))]);
    }
    run(&mut cargo).context("the components can't be built")
}

/// All that can be a part of a composition: the folders that have a manifest, here and in `adapters`.
fn parts(components: &Path) -> Result<Vec<String>> {
    let mut parts = Vec::new();
    for folder in ["", "adapters"] {
        let path = components.join(folder);
        let entries = fs::read_dir(&path).with_context(|| format!("{} can't be read", path.display()))?;
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

/// The name of a part, whose folder in `components` may be in another: that of `adapters/wasmcloud` is `adapters-wasmcloud`.
pub fn name(part: &str) -> String {
    part.replace('/', "-")
}

/// Where a service's component is once it is built.
pub fn component(project: &Project, service: &str) -> PathBuf {
    let file = format!("mercato_{}.wasm", name(service).replace('-', "_"));
    project.guest_target().join(TARGET).join(PROFILE).join(file)
}

/// Removes what another build of the toolchain compiled: cargo sees the compiler's version, but not that its standard
/// library was built anew.
fn forget_other_toolchains(target: &Path, identity: &str) -> Result<()> {
    let stamp = target.join("mercato-toolchain");
    // Without a stamp, somebody called cargo by hand, as the active toolchain's.
    let earlier = fs::read_to_string(&stamp).unwrap_or_else(|_| Toolchain::Active.identity().to_owned());
    if earlier != identity && target.exists() {
        progress("the compiler for the components is another: building them from scratch");
        fs::remove_dir_all(target).with_context(|| format!("{} can't be removed", target.display()))?;
    }
    fs::create_dir_all(target).with_context(|| format!("{} can't be made", target.display()))?;
    fs::write(stamp, identity)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_the_folders_with_a_manifest() {
        let folder = tempfile::tempdir().unwrap();
        for part in ["orders", "adapters/spin", "catalog"] {
            fs::create_dir_all(folder.path().join(part)).unwrap();
            fs::write(folder.path().join(part).join("service.toml"), "").unwrap();
        }
        fs::create_dir(folder.path().join("common")).unwrap();
        assert_eq!(
            parts(folder.path()).unwrap(),
            ["adapters/spin", "catalog", "orders"]
        );
    }

    #[test]
    fn only_another_toolchain_makes_the_products_stale() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("guest");
        forget_other_toolchains(&target, "1").unwrap();
        let product = target.join("product");
        fs::write(&product, "").unwrap();
        forget_other_toolchains(&target, "1").unwrap();
        assert!(product.exists());
        forget_other_toolchains(&target, "2").unwrap();
        assert!(!product.exists());
        fs::write(&product, "").unwrap();
        forget_other_toolchains(&target, "2").unwrap();
        assert!(product.exists());
    }
}
