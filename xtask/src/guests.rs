//! Building the guests.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::process::{progress, run};
use crate::project::Project;
use crate::toolchain::{TARGET, Toolchain};

/// Cargo's profile for guests.
const PROFILE: &str = "guest";

/// Builds the services' components with one call of cargo, which does again only what changed.
///
/// # Errors
/// One of them does not compile.
pub fn build(project: &Project, toolchain: &Toolchain, services: &[String]) -> Result<()> {
    let target = project.guest_target();
    forget_other_toolchains(&target, toolchain.identity())?;
    progress(format_args!("building the components: {}", services.join(", ")));
    let mut cargo = toolchain.cargo();
    cargo
        .current_dir(&project.root)
        .args(["build", "--locked", "--profile", PROFILE, "--target", TARGET]);
    cargo.arg("--target-dir").arg(&target);
    for service in services {
        cargo.args(["-p", &format!("mercato-{service}")]);
    }
    run(&mut cargo).context("the components can't be built")
}

/// Where a service's component is once it is built.
pub fn component(project: &Project, service: &str) -> PathBuf {
    let file = format!("mercato_{}.wasm", service.replace('-', "_"));
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
