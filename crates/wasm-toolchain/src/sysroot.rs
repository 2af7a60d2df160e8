//! The folder that rustup takes for a toolchain: a compiler of Debian's, with the guests' standard library beside it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use super::TARGET;
use crate::process::{clean, output, run};

/// Counts the changes of what [`build_std`] and [`lay_out`] make; a toolchain of another layout is made anew.
pub const LAYOUT: u32 = 1;

/// What is linked against; the rest of wasi-libc is empty archives or not used by Rust.
const LIBC_FILES: [&str; 3] = ["crt1-command.o", "crt1-reactor.o", "libc.a"];

const LINKER: &str = "wasm-component-ld";

/// The name of the empty crate for whose sake std is built.
const CARRIER: &str = "carrier";

/// What a toolchain is made of.
pub struct Parts<'a> {
    /// Debian's compiler; its cargo is beside it.
    pub rustc: &'a Path,
    /// The folder of linkers in a rustup toolchain.
    pub tools: &'a Path,
    /// The folder of the built standard library.
    pub std: &'a Path,
    /// The folder of wasi-libc.
    pub libc: &'a Path,
}

/// Where a toolchain keeps the guests' libraries.
pub fn target_libs(sysroot: &Path) -> PathBuf {
    sysroot.join("lib/rustlib").join(TARGET).join("lib")
}

/// The linker of components, by a link of a fixed name.
pub fn linker(sysroot: &Path) -> PathBuf {
    sysroot.join("tools").join(LINKER)
}

/// When the toolchain was built, which tells it from an earlier one in the same place.
///
/// # Errors
/// The folder is no toolchain that [`lay_out`] made.
pub fn build_id(sysroot: &Path) -> Result<String> {
    Ok(fs::read_to_string(sysroot.join("mercato-build"))?)
}

/// The folder of linkers in the active rustup toolchain.
///
/// # Errors
/// There is no rustup, or its active toolchain has no linker of components.
pub fn rustup_tools() -> Result<PathBuf> {
    output(clean("rustup").arg("--version")).context("rustup is not installed")?;
    let sysroot = output(std::process::Command::new("rustc").args(["--print", "sysroot"]))?;
    let rustlib = Path::new(&sysroot).join("lib/rustlib");
    for entry in fs::read_dir(&rustlib).with_context(|| format!("{} can't be read", rustlib.display()))? {
        let folder = entry?.path().join("bin");
        if folder.join(LINKER).exists() {
            return Ok(folder);
        }
    }
    bail!("the active toolchain ({sysroot}) has no {LINKER}")
}

/// Builds the standard library from the compiler's own sources; returns the folder of the libraries.
///
/// # Errors
/// The build fails.
pub fn build_std(work: &Path, rustc: &Path) -> Result<PathBuf> {
    let source = work.join(CARRIER);
    fs::create_dir_all(source.join("src"))?;
    let manifest = format!("[package]\nname = \"{CARRIER}\"\nedition = \"2024\"\n[workspace]\n");
    fs::write(source.join("Cargo.toml"), manifest)?;
    fs::write(source.join("src/lib.rs"), "")?;
    let target = work.join("target");
    let mut cargo = clean(rustc.with_file_name("cargo"));
    cargo
        .current_dir(&source)
        .env("RUSTC", rustc)
        // -Zbuild-std is for nightly compilers otherwise.
        .env("RUSTC_BOOTSTRAP", "1")
        // Guests are linked with LTO, which needs the bitcode.
        .env("RUSTFLAGS", "-C embed-bitcode=yes")
        .args([
            "build",
            "--release",
            "--target",
            TARGET,
            "-Zbuild-std=std,panic_abort,proc_macro",
        ])
        .arg("--target-dir")
        .arg(&target);
    run(&mut cargo).context("Rust's standard library can't be built for the guests")?;
    Ok(target.join(TARGET).join("release/deps"))
}

/// Makes the toolchain in the folder `made`, for use in the place `home` that it is moved to.
///
/// # Errors
/// A part is missing, or can't be written.
pub fn lay_out(made: &Path, home: &Path, parts: &Parts) -> Result<()> {
    let bin = made.join("bin");
    fs::create_dir_all(&bin)?;
    let script = format!(
        "#!/bin/sh\nexec {} --sysroot {} \"$@\"\n",
        quoted(parts.rustc),
        quoted(home)
    );
    fs::write(bin.join("rustc"), script)?;
    fs::set_permissions(bin.join("rustc"), fs::Permissions::from_mode(0o755))?;
    symlink(parts.rustc.with_file_name("cargo"), bin.join("cargo"))?;

    // For build scripts and macros, which run on this machine.
    let own_libs = output(clean(parts.rustc).args(["--print", "target-libdir"]))?;
    let own = Path::new(&own_libs)
        .parent()
        .and_then(Path::file_name)
        .context("rustc has no folder of libraries")?;
    let own = made.join("lib/rustlib").join(own);
    fs::create_dir_all(&own)?;
    symlink(&own_libs, own.join("lib"))?;
    symlink(parts.tools, own.join("bin"))?;
    symlink(parts.tools, made.join("tools"))?;

    let libs = target_libs(made);
    fs::create_dir_all(libs.join("self-contained"))?;
    for entry in fs::read_dir(parts.std)? {
        let file = entry?.path();
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name.ends_with(".rlib") && !name.starts_with(&format!("lib{CARRIER}-")) {
            fs::copy(&file, libs.join(name))?;
        }
    }
    for name in LIBC_FILES {
        let file = parts.libc.join(name);
        fs::copy(&file, libs.join("self-contained").join(name))
            .with_context(|| format!("{} is missing: this wasi-libc lacks WASI 0.2", file.display()))?;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    fs::write(made.join("mercato-build"), now.to_string())?;
    Ok(())
}

/// A path as one word of a shell script.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_a_quote_stays_one_word() {
        assert_eq!(quoted(Path::new("/a b/it's")), r"'/a b/it'\''s'");
    }
}
