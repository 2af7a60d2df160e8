//! `cargo xtask dependencies`: checks the dependencies of both workspaces with cargo-deny and `deny.toml`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::project::Project;
use crate::tool::Tool;
use mercato_wasm_toolchain::process::{clean, output, progress, run};

const DENY: Tool = Tool {
    name: "cargo-deny",
    version: "0.20.2",
};

/// The folders of the workspaces, each with a lock of its own.
const WORKSPACES: [&str; 2] = ["", "lattice"];

/// Checks licenses, sources and banned crates. Also checks advisories, if their database can be downloaded.
///
/// # Errors
/// cargo-deny can't be installed, or a dependency is not allowed.
pub fn check(project: &Project) -> Result<()> {
    let deny = DENY.find(project)?;
    let config = project.root.join("deny.toml");
    let has_advisories = match output(command(&deny, &project.root, &config).args(["fetch", "db"])) {
        Ok(_) => true,
        Err(error) => {
            progress(format_args!(
                "skipped advisories: their database can't be downloaded ({error:#})"
            ));
            false
        }
    };
    for workspace in WORKSPACES {
        let folder = project.root.join(workspace);
        progress(format_args!("checking {}", folder.join("Cargo.lock").display()));
        let mut check = command(&deny, &folder, &config);
        check.args(["check", "bans", "licenses", "sources"]);
        check.args(has_advisories.then_some("advisories"));
        run(&mut check).with_context(|| format!("see {}", config.display()))?;
    }
    Ok(())
}

fn command(deny: &PathBuf, folder: &Path, config: &Path) -> Command {
    let mut command = clean(deny);
    command
        .current_dir(folder)
        .args(["--locked", "--workspace", "--config"]);
    command.arg(config);
    command
}
