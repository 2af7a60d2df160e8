//! Finding programs of this machine, and keeping those that were got.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::project::Project;
use mercato_wasm_toolchain::process::{clean, output, progress};

/// A server's program, as it is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Its file's name.
    pub name: &'static str,
    /// The environment variable that names its file.
    pub variable: &'static str,
    /// What makes it print its version.
    pub flag: &'static str,
    /// The oldest version that will do.
    pub at_least: (u32, u32),
}

impl Wanted {
    /// The program that the variable names, or one on the path that is new enough.
    ///
    /// # Errors
    /// The one that the variable names does not run, or is too old.
    pub fn find(self) -> Result<Option<PathBuf>> {
        if let Some(named) = std::env::var_os(self.variable).filter(|file| !file.is_empty()) {
            let file = PathBuf::from(named);
            self.check(&file)
                .with_context(|| format!("{} names a program that can't be used", self.variable))?;
            return Ok(Some(file));
        }
        let Some(file) = on_path(self.name) else {
            return Ok(None);
        };
        match self.check(&file) {
            Ok(()) => Ok(Some(file)),
            Err(error) => {
                progress(format_args!("{error:#}; getting another"));
                Ok(None)
            }
        }
    }

    /// Whether a program runs and is new enough.
    ///
    /// # Errors
    /// It is not; the error says why.
    pub fn check(self, file: &Path) -> Result<()> {
        let printed = output(clean(file).arg(self.flag))?;
        let Some(version) = version(&printed) else {
            bail!("{} does not tell its version", file.display());
        };
        if version < self.at_least {
            bail!(
                "{} is of version {}.{}, and {}.{} is needed",
                file.display(),
                version.0,
                version.1,
                self.at_least.0,
                self.at_least.1
            );
        }
        Ok(())
    }
}

/// The first version number in what a program prints.
fn version(printed: &str) -> Option<(u32, u32)> {
    printed
        .split(|character: char| !character.is_ascii_digit() && character != '.')
        .find_map(|word| {
            let mut numbers = word.split('.').map(str::parse);
            Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
        })
}

/// A program on the path.
pub fn on_path(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

/// A folder of the cache that is made once, in whole or not at all, whoever else wants it.
///
/// # Errors
/// It can't be made.
pub fn cached(project: &Project, name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let servers = project.cache.join("servers");
    let made = servers.join(name);
    if made.exists() {
        return Ok(made);
    }
    fs::create_dir_all(&servers).with_context(|| format!("{} can't be made", servers.display()))?;
    let lock = File::create(servers.join(format!("{name}.lock")))?;
    if lock.try_lock().is_err() {
        progress(format_args!("waiting for another xtask that gets {name}"));
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

/// Lets a file be run.
///
/// # Errors
/// It is not there.
pub fn make_executable(file: impl AsRef<OsStr>) -> Result<()> {
    let file = Path::new(&file);
    fs::set_permissions(file, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("{} is not where it should be", file.display()))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn versions_are_read_from_what_programs_print() {
        for (printed, expected) in [
            ("nats-server: v2.10.18", (2, 10)),
            ("db version v6.0.5\nBuild Info: {}", (6, 0)),
            (
                "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0",
                (7, 0),
            ),
            ("HAProxy version 2.6.12-1+deb12u4 2026/01/01", (2, 6)),
        ] {
            assert_eq!(version(printed), Some(expected), "{printed}");
        }
        assert_eq!(version("no number"), None);
    }

    #[test]
    fn an_old_program_is_refused_by_its_version() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("server");
        fs::write(&file, "#!/bin/sh\necho server v2.9.25\n").unwrap();
        make_executable(&file).unwrap();
        let mut wanted = Wanted {
            name: "server",
            variable: "MERCATO_NO_SUCH_VARIABLE",
            flag: "--version",
            at_least: (2, 10),
        };
        let error = wanted.check(&file).unwrap_err().to_string();
        assert!(error.contains("2.9") && error.contains("2.10"), "{error}");
        wanted.at_least = (2, 9);
        wanted.check(&file).unwrap();
    }

    #[test]
    fn what_is_wanted_twice_is_made_once_and_what_was_interrupted_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project {
            root: folder.path().to_owned(),
            target: folder.path().to_owned(),
            cache: folder.path().to_owned(),
        };
        assert!(
            cached(&project, "thing", |work| {
                fs::write(work.join("half"), "")?;
                bail!("interrupted")
            })
            .is_err()
        );
        let made = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let thing = cached(&project, "thing", |work| {
                        made.fetch_add(1, Ordering::SeqCst);
                        Ok(fs::write(work.join("whole"), "")?)
                    })
                    .unwrap();
                    assert!(thing.join("whole").exists() && !thing.join("half").exists());
                });
            }
        });
        assert_eq!(made.load(Ordering::SeqCst), 1);
    }
}
