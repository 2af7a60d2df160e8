//! A toolchain with the target of components.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::process::clean;

/// The target of components.
pub const TARGET: &str = "wasm32-wasip2";

/// The name by which rustup knows the toolchain that is built from Debian's packages.
pub const LINKED: &str = "mercato-wasm";

/// A toolchain that has the target.
#[derive(Debug, PartialEq, Eq)]
pub enum Toolchain {
    /// The toolchain that runs this program.
    Active,
    /// The toolchain that is built from Debian's packages.
    Linked {
        /// Changes with each build of the toolchain, whose products are useless for another build.
        build: String,
    },
}

impl Toolchain {
    /// Returns this toolchain's cargo.
    pub fn cargo(&self) -> Command {
        let mut cargo = clean("cargo");
        match self {
            // `clean` removes this variable, but `cargo +toolchain xtask` must use that toolchain here too.
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

    /// Distinguishes this toolchain's products from others, where cargo does not see the difference.
    pub fn identity(&self) -> &str {
        match self {
            Self::Active => "active",
            Self::Linked { build } => build,
        }
    }

    /// Describes the toolchain for people.
    pub fn description(&self) -> &'static str {
        match self {
            Self::Active => "the active toolchain has the target",
            Self::Linked { .. } => "the toolchain mercato-wasm (from Debian's packages) has the target",
        }
    }
}

/// Checks whether a folder of libraries holds a standard library.
pub fn has_std(folder: &Path) -> bool {
    let is_std = |name: std::ffi::OsString| name.to_string_lossy().starts_with("libstd-");
    fs::read_dir(folder)
        .is_ok_and(|mut entries| entries.any(|entry| entry.is_ok_and(|entry| is_std(entry.file_name()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_standard_library_in_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!has_std(&folder.path().join("missing")));
        fs::write(folder.path().join("libcore-1.rlib"), "").unwrap();
        assert!(!has_std(folder.path()));
        fs::write(folder.path().join("libstd-1.rlib"), "").unwrap();
        assert!(has_std(folder.path()));
    }

    #[test]
    fn calls_the_linked_toolchain_by_its_name() {
        let cargo = Toolchain::Linked { build: "1".into() }.cargo();
        assert_eq!(cargo.get_args().collect::<Vec<_>>(), ["+mercato-wasm"]);
        assert!(
            cargo
                .get_envs()
                .any(|(name, value)| name == "RUSTUP_TOOLCHAIN" && value.is_none())
        );
    }
}
