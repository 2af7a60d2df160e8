//! Programs that cargo installs, for tasks that need them.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::project::Project;
use mercato_wasm_toolchain::Toolchain;
use mercato_wasm_toolchain::process::{clean, output, progress, run};

/// A program in a crate of the same name.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    /// The name.
    pub name: &'static str,
    /// The version to install if the program is missing.
    pub version: &'static str,
}

impl Tool {
    /// Finds the program on the PATH or in the cache, or installs it into the cache.
    ///
    /// # Errors
    /// The program can't be installed.
    pub fn find(self, project: &Project) -> Result<PathBuf> {
        let Self { name, version } = self;
        let root = project.cache.join("tools");
        let installed = root.join("bin").join(name);
        for program in [PathBuf::from(name), installed.clone()] {
            // Not `--version`: subcommands of cargo have none.
            if output(clean(&program).arg("--help")).is_ok() {
                return Ok(program);
            }
        }
        progress(format_args!(
            "installing {name} {version} into {} (once, some minutes)",
            root.display()
        ));
        let mut cargo = Toolchain::Active.cargo();
        cargo.args(["install", name, "--locked", "--version", version, "--root"]);
        cargo.arg(&root);
        // Without whole-program optimisation, the build takes half the time.
        cargo
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
        run(&mut cargo).with_context(|| format!("can't install {name}: put it on the PATH"))?;
        Ok(installed)
    }
}
