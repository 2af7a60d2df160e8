//! Programs of this machine, and programs in the cache.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::project::Project;
use mercato_wasm_toolchain::process::{clean, output, progress};

/// A program that may be installed on this machine.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// The name of its file.
    pub name: &'static str,
    /// The environment variable that names its file.
    pub variable: &'static str,
    /// The flag that prints its version.
    pub version_flag: &'static str,
    /// The oldest supported version.
    pub minimum: (u32, u32),
}

impl Program {
    /// Returns the program that the variable names, or a recent one on the PATH.
    ///
    /// # Errors
    /// The program that the variable names does not run, or is too old.
    pub fn find(self) -> Result<Option<PathBuf>> {
        if let Some(named) = std::env::var_os(self.variable).filter(|file| !file.is_empty()) {
            let file = PathBuf::from(named);
            self.check(&file)
                .with_context(|| format!("can't use the program that {} names", self.variable))?;
            return Ok(Some(file));
        }
        let Some(file) = on_path(self.name) else {
            return Ok(None);
        };
        match self.check(&file) {
            Ok(()) => Ok(Some(file)),
            Err(error) => {
                progress(format_args!("{error:#}; installing another one"));
                Ok(None)
            }
        }
    }

    /// Checks that a program runs and is recent.
    ///
    /// # Errors
    /// The program does not run, or is too old.
    pub fn check(self, file: &Path) -> Result<()> {
        let printed = output(clean(file).arg(self.version_flag))?;
        let Some(version) = parse_version(&printed) else {
            bail!("{} does not print its version", file.display());
        };
        if version < self.minimum {
            bail!(
                "{} has version {}.{}, but version {}.{} is needed",
                file.display(),
                version.0,
                version.1,
                self.minimum.0,
                self.minimum.1
            );
        }
        Ok(())
    }
}

/// Finds the first version number in the output of a program.
fn parse_version(printed: &str) -> Option<(u32, u32)> {
    printed
        .split(|character: char| !character.is_ascii_digit() && character != '.')
        .find_map(|word| {
            let mut numbers = word.split('.').map(str::parse);
            Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
        })
}

/// Finds a program on the PATH.
pub fn on_path(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

/// Returns a folder of the cache. If it is missing, `make` fills it, once for all processes. The folder
/// appears whole or not at all.
///
/// # Errors
/// `make` fails, or the cache can't be written.
pub fn cached(project: &Project, name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let servers = project.cache.join("servers");
    let made = servers.join(name);
    if made.exists() {
        return Ok(made);
    }
    fs::create_dir_all(&servers).with_context(|| format!("can't create {}", servers.display()))?;
    let lock = File::create(servers.join(format!("{name}.lock")))?;
    if lock.try_lock().is_err() {
        progress(format_args!("waiting for another xtask that installs {name}"));
        lock.lock()?;
    }
    if made.exists() {
        return Ok(made);
    }
    let unfinished = servers.join(format!("{name}.unfinished"));
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    fs::create_dir(&unfinished)?;
    make(&unfinished)?;
    fs::rename(&unfinished, &made)?;
    Ok(made)
}

/// Makes a file executable.
///
/// # Errors
/// The file is missing.
pub fn make_executable(file: impl AsRef<OsStr>) -> Result<()> {
    let file = Path::new(&file);
    fs::set_permissions(file, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("{} is missing", file.display()))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn reads_versions_from_the_output_of_programs() {
        for (printed, expected) in [
            ("nats-server: v2.10.18", (2, 10)),
            ("db version v6.0.5\nBuild Info: {}", (6, 0)),
            (
                "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0",
                (7, 0),
            ),
            ("HAProxy version 2.6.12-1+deb12u4 2026/01/01", (2, 6)),
        ] {
            assert_eq!(parse_version(printed), Some(expected), "{printed}");
        }
        assert_eq!(parse_version("no number"), None);
    }

    #[test]
    fn rejects_a_program_that_is_too_old() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("server");
        fs::write(&file, "#!/bin/sh\necho server v2.9.25\n").unwrap();
        make_executable(&file).unwrap();
        let mut program = Program {
            name: "server",
            variable: "MERCATO_NO_SUCH_VARIABLE",
            version_flag: "--version",
            minimum: (2, 10),
        };
        let error = program.check(&file).unwrap_err().to_string();
        assert!(error.contains("2.9") && error.contains("2.10"), "{error}");
        program.minimum = (2, 9);
        program.check(&file).unwrap();
    }

    #[test]
    fn makes_a_folder_once_and_repeats_what_was_interrupted() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project {
            root: folder.path().to_owned(),
            target: folder.path().to_owned(),
            cache: folder.path().to_owned(),
        };
        let interrupted = cached(&project, "thing", |work| {
            fs::write(work.join("half"), "")?;
            bail!("interrupted")
        });
        assert!(interrupted.is_err());
        let count = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let thing = cached(&project, "thing", |work| {
                        count.fetch_add(1, Ordering::SeqCst);
                        Ok(fs::write(work.join("whole"), "")?)
                    })
                    .unwrap();
                    assert!(thing.join("whole").exists() && !thing.join("half").exists());
                });
            }
        });
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }
}
