//! Finds or builds a compiler for `wasm32-wasip2`, the target of components.
//!
//! Usually rustup downloads the target. Where it can't, the target is built once from Debian's packages, and
//! linked to rustup as a toolchain of its own.

mod debian;
pub mod process;
mod sources;
mod sysroot;
mod toolchain;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, anyhow};

use crate::process::{output, progress, run_within};
use crate::toolchain::has_std;
pub use crate::toolchain::{TARGET, Toolchain};

/// The time limit of rustup's download (about 20 MiB).
const DOWNLOAD_LIMIT: Duration = Duration::from_secs(180);

/// Finds a toolchain with the target, or installs one. `cache` is the folder for a toolchain that is built.
///
/// # Errors
/// No way works; the error says why each fails, and what to do.
pub fn ensure(cache: &Path) -> Result<Toolchain> {
    if active_has_target() {
        return Ok(Toolchain::Active);
    }
    if let Some(toolchain) = debian::find(cache) {
        return Ok(toolchain);
    }
    progress(format_args!(
        "the active toolchain lacks {TARGET}: rustup target add {TARGET}"
    ));
    let mut add = Command::new("rustup");
    add.args(["target", "add", TARGET]).env("RUST_BACKTRACE", "0");
    let rustup = match run_within(&mut add, DOWNLOAD_LIMIT) {
        Ok(()) if active_has_target() => return Ok(Toolchain::Active),
        Ok(()) => anyhow!("rustup reports success, but the compiler does not have the target"),
        Err(error) => error,
    };
    progress(format_args!("{rustup:#}; trying Debian's packages"));
    debian::build(cache).map_err(|debian| {
        anyhow!(
            "no compiler for {TARGET} was found or could be installed:\n\
             - with `rustup target add {TARGET}`: {rustup:#}\n\
             - from Debian's packages: {debian:#}\n\
             Solve one of the two problems, then run this again. The first way needs rustup and its download server, the \
             second Debian, root and a package mirror."
        )
    })
}

fn active_has_target() -> bool {
    let printed = output(Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]));
    printed.is_ok_and(|folder| has_std(Path::new(&folder)))
}
