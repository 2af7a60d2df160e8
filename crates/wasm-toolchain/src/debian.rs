//! Builds the target from Debian's packages: `rustc-web`, a recent compiler with the sources of std for
//! Debian's stable releases, and the `wasi-libc` of the first suite that supports WASI 0.2.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use super::sources::{SourceList, with_suite};
use super::sysroot::{self, Parts};
use crate::process::{clean, output, progress, run};
use crate::toolchain::{LINKED, TARGET, Toolchain, has_std};

const PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];
const RUSTC: &str = "/usr/bin/rustc";
/// The first suite whose wasi-libc supports WASI 0.2.
const SUITE: &str = "forky";

/// Returns the toolchain, if it was built with the installed compiler and is linked to rustup.
pub fn find(cache: &Path) -> Option<Toolchain> {
    let sysroot = sysroot_folder(cache).ok()?;
    let complete = has_std(&sysroot::target_libs(&sysroot)) && sysroot.join("bin/rustc").exists();
    let linked = fs::canonicalize(rustup_home()?.join("toolchains").join(LINKED)).ok()?;
    let linker = sysroot::linker(&sysroot).exists();
    if !(complete && linker && linked == fs::canonicalize(&sysroot).ok()?) {
        return None;
    }
    Some(Toolchain::Linked {
        build: sysroot::build_id(&sysroot).ok()?,
    })
}

/// Builds the toolchain and links it to rustup.
///
/// # Errors
/// The machine is not Debian with rustup, packages are missing and the user is not root, or a step fails.
pub fn build(cache: &Path) -> Result<Toolchain> {
    let codename = debian_codename(&fs::read_to_string("/etc/os-release").unwrap_or_default())
        .context("this machine is not Debian")?;
    let tools = sysroot::rustup_tools().context(
        "a rustup toolchain with wasm-component-ld is needed: run `rustup toolchain install stable`",
    )?;
    install_packages()?;

    let folder = toolchains(cache);
    fs::create_dir_all(&folder).with_context(|| format!("can't create {}", folder.display()))?;
    let _lock = lock(&folder)?;
    if let Some(toolchain) = find(cache) {
        return Ok(toolchain);
    }
    let sysroot = sysroot_folder(cache)?;
    if !has_std(&sysroot::target_libs(&sysroot)) {
        remove_others(&folder, None)?;
        let work = tempfile::Builder::new().prefix("building-").tempdir_in(&folder)?;
        let libc = wasi_libc(work.path(), &codename)?;
        progress("building Rust's standard library for the components (once, one or two minutes)");
        let std = sysroot::build_std(work.path(), Path::new(RUSTC))?;
        let made = work.path().join("sysroot");
        sysroot::create(
            &made,
            &sysroot,
            &Parts {
                rustc: Path::new(RUSTC),
                tools: &tools,
                std: &std,
                libc: &libc,
            },
        )?;
        fs::rename(&made, &sysroot)?;
    }
    progress(format_args!(
        "rustup toolchain link {LINKED} {}",
        sysroot.display()
    ));
    run(clean("rustup").args(["toolchain", "link", LINKED]).arg(&sysroot))?;
    remove_others(&folder, Some(&sysroot))?;
    find(cache).context("the toolchain was built, but is not complete: please report this")
}

fn toolchains(cache: &Path) -> PathBuf {
    cache.join("toolchain")
}

/// Returns the folder of the toolchain for the installed compiler.
fn sysroot_folder(cache: &Path) -> Result<PathBuf> {
    let version = output(clean(RUSTC).arg("-vV"))?;
    let digest = Sha256::digest(format!("{version}\nlayout {}\n{SUITE}", sysroot::LAYOUT));
    let tag = digest
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>();
    Ok(toolchains(cache).join(format!("wasm-{tag}")))
}

fn rustup_home() -> Option<PathBuf> {
    match std::env::var_os("RUSTUP_HOME").filter(|folder| !folder.is_empty()) {
        Some(folder) => Some(folder.into()),
        None => Some(std::env::home_dir()?.join(".rustup")),
    }
}

fn debian_codename(os_release: &str) -> Option<String> {
    let value = |key: &str| {
        let line = os_release
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.map(|value| value.trim_matches('"').to_owned())
    };
    (value("ID")? == "debian").then(|| value("VERSION_CODENAME").unwrap_or_default())
}

fn lock(folder: &Path) -> Result<File> {
    let file = File::create(folder.join("lock"))?;
    if file.try_lock().is_err() {
        progress("waiting for another xtask that builds the toolchain");
        file.lock()?;
    }
    Ok(file)
}

/// Removes toolchains of earlier compilers, and unfinished ones.
fn remove_others(folder: &Path, keep: Option<&Path>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() && Some(entry.path().as_path()) != keep {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

fn install_packages() -> Result<()> {
    let installed = |package: &&str| {
        output(clean("dpkg-query").args(["-W", "-f", "${db:Status-Status}", package]))
            .is_ok_and(|status| status == "installed")
    };
    let missing: Vec<_> = PACKAGES
        .iter()
        .copied()
        .filter(|package| !installed(package))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    if output(clean("id").arg("-u"))? != "0" {
        bail!("packages are missing: run `sudo apt-get update && sudo apt-get install {names}`");
    }
    progress(format_args!("apt-get update; apt-get install {names}"));
    // An update fails if one source is broken, but the others may be enough.
    if let Err(error) = run(clean("apt-get").args(["-q", "update"])) {
        progress(format_args!("{error:#}; using the present package lists"));
    }
    let mut install = clean("apt-get");
    install
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["-q", "-y", "--no-install-recommends", "install"]);
    run(install.args(missing)).with_context(|| format!("can't install Debian's packages {names}"))
}

/// Downloads and unpacks the newer suite's wasi-libc. apt checks the signature. The machine's package lists
/// do not change.
fn wasi_libc(work: &Path, codename: &str) -> Result<PathBuf> {
    progress(format_args!("downloading wasi-libc of Debian's suite {SUITE}"));
    let source = newer_suite(Path::new("/etc/apt"), codename)?;
    let list = work.join(source.file_name);
    fs::write(&list, source.text)?;
    for folder in ["lists/partial", "cache/archives/partial", "download"] {
        fs::create_dir_all(work.join(folder))?;
    }
    let apt = || {
        let mut apt = clean("apt-get");
        apt.arg("-q").current_dir(work.join("download"));
        for (option, value) in [
            ("Dir::Etc::sourcelist", list.as_path()),
            ("Dir::Etc::sourceparts", Path::new("-")),
            ("Dir::State::lists", &work.join("lists")),
            ("Dir::Cache", &work.join("cache")),
            ("APT::Sandbox::User", Path::new("")),
            ("Acquire::Languages", Path::new("none")),
            (
                "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled",
                Path::new("false"),
            ),
        ] {
            apt.arg("-o").arg(format!("{option}={}", value.display()));
        }
        apt
    };
    let failed = || format!("can't download wasi-libc of Debian's suite {SUITE} from this machine's mirror");
    run(apt().arg("update")).with_context(failed)?;
    run(apt().args(["download", "wasi-libc"])).with_context(failed)?;
    let package = fs::read_dir(work.join("download"))?
        .next()
        .with_context(failed)??
        .path();
    let unpacked = work.join("wasi-libc");
    run(clean("dpkg").arg("-x").args([&package, &unpacked]))?;
    Ok(unpacked.join("usr/lib").join(TARGET))
}

/// Returns the machine's source of packages, with the newer suite instead of its suite.
fn newer_suite(etc: &Path, codename: &str) -> Result<SourceList> {
    let mut files = vec![etc.join("sources.list")];
    if let Ok(entries) = fs::read_dir(etc.join("sources.list.d")) {
        files.extend(entries.filter_map(|entry| Some(entry.ok()?.path())));
    }
    files.sort();
    let lists = files.iter().filter_map(|file| {
        let deb822 = match file.extension()?.to_str()? {
            "sources" => true,
            "list" => false,
            _ => return None,
        };
        Some((fs::read_to_string(file).ok()?, deb822))
    });
    lists
        .into_iter()
        .find_map(|(list, deb822)| with_suite(&list, deb822, codename, SUITE))
        .with_context(|| {
            format!(
                "no source in {} names the archive of Debian's release {codename}",
                etc.display()
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_code_name_of_debian_only() {
        let debian = "PRETTY_NAME=\"Debian GNU/Linux 12\"\nVERSION_CODENAME=bookworm\nID=debian\n";
        assert_eq!(debian_codename(debian).as_deref(), Some("bookworm"));
        assert_eq!(
            debian_codename("ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\n"),
            None
        );
        assert_eq!(debian_codename(""), None);
    }

    #[test]
    fn skips_other_sources_and_disabled_files() {
        let etc = tempfile::tempdir().unwrap();
        let parts = etc.path().join("sources.list.d");
        fs::create_dir(&parts).unwrap();
        fs::write(
            parts.join("other.list"),
            "deb http://other.example/deb other main\n",
        )
        .unwrap();
        fs::write(
            parts.join("old.list.disabled"),
            "deb http://disabled.example/debian bookworm main\n",
        )
        .unwrap();
        assert!(newer_suite(etc.path(), "bookworm").is_err());
        let debian = "Types: deb\nURIs: http://archive.example/debian\nSuites: bookworm\nComponents: main\n";
        fs::write(parts.join("debian.sources"), debian).unwrap();
        assert!(
            newer_suite(etc.path(), "bookworm")
                .unwrap()
                .text
                .contains("archive.example")
        );
    }
}
