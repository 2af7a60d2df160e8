//! The compiler for guests: makes sure that there is one for `wasm32-wasip2`.
//!
//! The ordinary way is rustup's target. Where it can't be downloaded, the target is made once from Debian's packages
//! and linked to rustup as a toolchain of its own; see [`debian`].

mod debian;
pub mod process;
mod sources;
mod sysroot;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, anyhow};

use crate::process::{clean, output, progress, run_within};

/// The target that guests are compiled for.
pub const TARGET: &str = "wasm32-wasip2";

/// The name by which rustup knows the toolchain that is made from Debian's packages.
const LINKED: &str = "mercato-wasm";

/// How long rustup may try to download the target (about 20 MiB).
const DOWNLOAD_LIMIT: Duration = Duration::from_secs(180);

/// A toolchain that has the guests' target.
#[derive(Debug, PartialEq, Eq)]
pub enum Toolchain {
    /// The one that runs xtask.
    Active,
    /// The one made from Debian's packages.
    Linked {
        /// Changes whenever the toolchain is built anew: what was compiled with another build of it can't be used.
        build: String,
    },
}

impl Toolchain {
    /// This toolchain's cargo, for the guests' target.
    pub fn cargo(&self) -> Command {
        let mut cargo = clean("cargo");
        match self {
            // Removed with the rest of cargo's variables; without it a `cargo +toolchain xtask` would be forgotten.
            Self::Active => {
                if let Some(active) = std::env::var_os("RUSTUP_TOOLCHAIN") {
                    cargo.env("RUSTUP_TOOLCHAIN", active);
                }
            }
            Self::Linked { .. } => {
                cargo.arg(format!("+{LINKED}"));
            }
        }
        cargo
    }

    /// What tells this toolchain's products from another's, where cargo itself does not see the difference.
    pub fn identity(&self) -> &str {
        match self {
            Self::Active => "active",
            Self::Linked { build } => build,
        }
    }

    /// How the toolchain is shown to people.
    pub fn description(&self) -> &'static str {
        match self {
            Self::Active => "the active toolchain has it",
            Self::Linked { .. } => "toolchain mercato-wasm (made from Debian's packages) has it",
        }
    }
}

/// Finds a toolchain with the guests' target, or gets one.
///
/// # Errors
/// None of the ways works; the error tells of each why, and what can be done.
pub fn ensure(cache: &Path) -> Result<Toolchain> {
    if active_has_target() {
        return Ok(Toolchain::Active);
    }
    if let Some(toolchain) = debian::ready(cache) {
        return Ok(toolchain);
    }
    progress(format_args!(
        "the active toolchain lacks {TARGET}: rustup target add {TARGET}"
    ));
    let mut add = Command::new("rustup");
    add.args(["target", "add", TARGET]).env("RUST_BACKTRACE", "0");
    let refused = match run_within(&mut add, DOWNLOAD_LIMIT) {
        Ok(()) if active_has_target() => return Ok(Toolchain::Active),
        Ok(()) => anyhow!("rustup says that it added the target, but the compiler does not have it"),
        Err(error) => error,
    };
    progress(format_args!("{refused:#}; trying Debian's packages"));
    debian::make(cache).map_err(|error| {
        anyhow!(
            "there is no compiler for {TARGET}, which the shop's components need, and it could not be got:\n\
             - by `rustup target add {TARGET}`: {refused:#}\n\
             - from Debian's packages: {error:#}\n\
             Make one of the two work (the first needs rustup and its download server, the second Debian, root and \
             a package mirror), then run this again."
        )
    })
}

fn active_has_target() -> bool {
    let printed = output(Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]));
    printed.is_ok_and(|folder| has_std(Path::new(&folder)))
}

fn has_std(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| {
        entries
            .any(|entry| entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("libstd-")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_std_is_no_installed_target() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!has_std(&folder.path().join("missing")));
        std::fs::write(folder.path().join("libcore-1.rlib"), "").unwrap();
        assert!(!has_std(folder.path()));
        std::fs::write(folder.path().join("libstd-1.rlib"), "").unwrap();
        assert!(has_std(folder.path()));
    }

    #[test]
    fn the_linked_toolchain_is_asked_for_by_name() {
        let cargo = Toolchain::Linked { build: "1".into() }.cargo();
        assert_eq!(cargo.get_args().collect::<Vec<_>>(), ["+mercato-wasm"]);
        assert!(
            cargo
                .get_envs()
                .any(|(name, value)| name == "RUSTUP_TOOLCHAIN" && value.is_none())
        );
    }
}
