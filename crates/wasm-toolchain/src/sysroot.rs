//! The folder of a toolchain: Debian's compiler, and the standard library of the components' target.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use crate::process::{clean, output, run};
use crate::toolchain::TARGET;

/// The version of the layout. Raise it with each change of [`build_std`] or [`create`], so that toolchains
/// are rebuilt.
pub const LAYOUT: u32 = 1;

/// The files of wasi-libc that Rust links. The other files are empty or unused.
const LIBC_FILES: [&str; 3] = ["crt1-command.o", "crt1-reactor.o", "libc.a"];

const LINKER: &str = "wasm-component-ld";

/// The name of the empty crate that std is built for.
const EMPTY_CRATE: &str = "empty";

/// The parts of a toolchain.
pub struct Parts<'a> {
    /// Debian's compiler. Its cargo is in the same folder.
    pub rustc: &'a Path,
    /// The folder of linkers of a rustup toolchain.
    pub tools: &'a Path,
    /// The folder of the built standard library.
    pub std: &'a Path,
    /// The folder of wasi-libc.
    pub libc: &'a Path,
}

/// Returns the folder of the target's libraries.
pub fn target_libs(sysroot: &Path) -> PathBuf {
    sysroot.join("lib/rustlib").join(TARGET).join("lib")
}

/// Returns the linker of components.
pub fn linker(sysroot: &Path) -> PathBuf {
    sysroot.join("tools").join(LINKER)
}

/// Returns the time of the build, which distinguishes a toolchain from an earlier one in the same folder.
///
/// # Errors
/// [`create`] did not make the folder.
pub fn build_id(sysroot: &Path) -> Result<String> {
    Ok(fs::read_to_string(sysroot.join("mercato-build"))?)
}

/// Returns the folder of linkers of the active rustup toolchain.
///
/// # Errors
/// rustup is not installed, or its active toolchain has no linker of components.
pub fn rustup_tools() -> Result<PathBuf> {
    output(clean("rustup").arg("--version")).context("rustup is not installed")?;
    let sysroot = output(std::process::Command::new("rustc").args(["--print", "sysroot"]))?;
    let rustlib = Path::new(&sysroot).join("lib/rustlib");
    for entry in fs::read_dir(&rustlib).with_context(|| format!("can't read {}", rustlib.display()))? {
        let folder = entry?.path().join("bin");
        if folder.join(LINKER).exists() {
            return Ok(folder);
        }
    }
    bail!("the active toolchain ({sysroot}) has no {LINKER}")
}

/// Builds the standard library from the compiler's sources, and returns the folder of the libraries.
///
/// # Errors
/// The build fails.
pub fn build_std(work: &Path, rustc: &Path) -> Result<PathBuf> {
    let source = work.join(EMPTY_CRATE);
    fs::create_dir_all(source.join("src"))?;
    let manifest = format!("[package]\nname = \"{EMPTY_CRATE}\"\nedition = \"2024\"\n[workspace]\n");
    fs::write(source.join("Cargo.toml"), manifest)?;
    fs::write(source.join("src/lib.rs"), "")?;
    let target = work.join("target");
    let mut cargo = clean(rustc.with_file_name("cargo"));
    cargo
        .current_dir(&source)
        .env("RUSTC", rustc)
        // Permits -Zbuild-std, which is for nightly compilers otherwise.
        .env("RUSTC_BOOTSTRAP", "1")
        // Components are linked with LTO, which needs the bitcode.
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
    run(&mut cargo).context("can't build Rust's standard library for the components")?;
    Ok(target.join(TARGET).join("release/deps"))
}

/// Creates the toolchain in the folder `made`, for use in the folder `home`, to which the caller moves it.
///
/// # Errors
/// A part is missing, or a file can't be written.
pub fn create(made: &Path, home: &Path, parts: &Parts) -> Result<()> {
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

    // Build scripts and macros run on this machine.
    let host_libs = output(clean(parts.rustc).args(["--print", "target-libdir"]))?;
    let host = Path::new(&host_libs)
        .parent()
        .and_then(Path::file_name)
        .context("rustc has no folder of libraries")?;
    let host = made.join("lib/rustlib").join(host);
    fs::create_dir_all(&host)?;
    symlink(&host_libs, host.join("lib"))?;
    symlink(parts.tools, host.join("bin"))?;
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
        if name.ends_with(".rlib") && !name.starts_with(&format!("lib{EMPTY_CRATE}-")) {
            fs::copy(&file, libs.join(name))?;
        }
    }
    for name in LIBC_FILES {
        let file = parts.libc.join(name);
        fs::copy(&file, libs.join("self-contained").join(name)).with_context(|| {
            format!(
                "{} is missing: this wasi-libc does not support WASI 0.2",
                file.display()
            )
        })?;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    fs::write(made.join("mercato-build"), now.to_string())?;
    Ok(())
}

/// Quotes a path as one word of a shell script.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_a_path_that_has_a_quote() {
        assert_eq!(quoted(Path::new("/a b/it's")), r"'/a b/it'\''s'");
    }
}
