//! Debian packages, unpacked into the cache. Nothing is installed on the machine.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::program::{make_executable, on_path};
use mercato_wasm_toolchain::process::{clean, progress, run};

/// Downloads a package and its dependencies that are not installed, and unpacks them into a folder. apt
/// checks the signatures. The folder then has a script by the program's name that runs the program.
///
/// # Errors
/// The machine is not Debian or Ubuntu, or its mirror can't be reached.
pub fn unpack(package: &str, program: &str, folder: &Path) -> Result<()> {
    for tool in ["apt-get", "dpkg-deb"] {
        on_path(tool).with_context(|| {
            format!("{program} is not installed, and {tool} is missing to download package {package}")
        })?;
    }
    progress(format_args!("apt-get download {package} to the cache"));
    let work = tempfile::Builder::new().prefix("mercato-apt-").tempdir()?;
    for name in ["lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(work.path().join(name))?;
    }
    // The machine's own package lists may be missing, outdated or not readable.
    let apt = || {
        let mut apt = clean("apt-get");
        apt.arg("-q").env("DEBIAN_FRONTEND", "noninteractive");
        for (option, value) in [
            ("Dir::State::lists", work.path().join("lists").into_os_string()),
            ("Dir::Cache", work.path().join("cache").into_os_string()),
            ("APT::Sandbox::User", OsString::new()),
            ("Acquire::Languages", OsString::from("none")),
            ("Debug::NoLocking", OsString::from("true")),
        ] {
            let mut setting = OsString::from(format!("{option}="));
            setting.push(value);
            apt.arg("-o").arg(setting);
        }
        apt
    };
    run(apt().arg("update")).context("apt-get can't reach a mirror")?;
    run(apt().args([
        "-y",
        "--no-install-recommends",
        "--download-only",
        "install",
        package,
    ]))
    .with_context(|| format!("apt-get can't download package {package}"))?;
    for entry in fs::read_dir(work.path().join("cache/archives"))? {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "deb") {
            run(clean("dpkg-deb").arg("-x").args([file.as_path(), folder]))?;
        }
    }
    write_script(folder, program)
}

/// Runs an unpacked program with the libraries beside it, in whatever folder they are.
const RUN: &str = r#"#!/bin/sh
here=$(dirname "$0")
for folder in "$here"/usr/lib/*/; do
    LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$folder"
done
export LD_LIBRARY_PATH
program=$(basename "$0")
for folder in usr/bin usr/sbin; do
    [ ! -x "$here/$folder/$program" ] || exec "$here/$folder/$program" "$@"
done
echo "the package has no program $program" >&2
exit 127
"#;

fn write_script(folder: &Path, program: &str) -> Result<()> {
    let file = folder.join(program);
    fs::write(&file, RUN)?;
    make_executable(&file)
}
