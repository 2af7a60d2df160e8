//! Debian's packages, unpacked into the cache: nothing is installed, and no service is started by it.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::program::{make_executable, on_path};
use mercato_wasm_toolchain::process::{clean, progress, run};

/// Downloads a package and those of its dependencies that are not installed, with apt's check of their signatures, and
/// unpacks them into a folder; its program can be run there by its name then.
///
/// # Errors
/// The machine is no Debian or Ubuntu, or its mirror can't be reached.
pub fn unpack(package: &str, program: &str, folder: &Path) -> Result<()> {
    for tool in ["apt-get", "dpkg-deb"] {
        on_path(tool).with_context(|| {
            format!("it is not installed, and there is no {tool} to get package {package} with")
        })?;
    }
    progress(format_args!("apt-get download {package} to the cache"));
    let work = tempfile::Builder::new().prefix("mercato-apt-").tempdir()?;
    for name in ["lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(work.path().join(name))?;
    }
    // Lists of its own: those of the machine may be missing, old, or another user's.
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
    .with_context(|| format!("apt-get can't get package {package}"))?;
    for entry in fs::read_dir(work.path().join("cache/archives"))? {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "deb") {
            run(clean("dpkg-deb").arg("-x").args([file.as_path(), folder]))?;
        }
    }
    runner(folder, program)
}

/// What runs an unpacked program with the libraries beside it, wherever the folder is.
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
echo "$program is not among what was unpacked" >&2
exit 127
"#;

/// Writes what runs the program `name` of an unpacked folder.
fn runner(folder: &Path, name: &str) -> Result<()> {
    let file = folder.join(name);
    fs::write(&file, RUN)?;
    make_executable(&file)
}
