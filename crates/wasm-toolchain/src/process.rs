//! Runs other programs. Progress goes to stderr, so that stdout has only the result of a task.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// The variables that cargo and rustup set for the programs that they run, and those that users set for the
/// target of their machine. An inner cargo would choose another compiler because of them, or use flags that
/// components do not support.
const INHERITED: [&str; 14] = [
    "CARGO",
    "CARGO_BUILD_RUSTC",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "LD_LIBRARY_PATH",
    "RUSTC",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTDOC",
    "RUSTFLAGS",
    "RUSTUP_TOOLCHAIN",
    "RUST_RECURSION_COUNT",
];

/// Reports progress on stderr.
pub fn progress(text: impl std::fmt::Display) {
    eprintln!("xtask: {text}");
}

/// Returns a command without the variables of an outer cargo.
pub fn clean(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for name in INHERITED {
        command.env_remove(name);
    }
    command
}

/// Formats a command line for people.
pub fn shown(command: &Command) -> String {
    let name = Path::new(command.get_program())
        .file_name()
        .unwrap_or(command.get_program());
    std::iter::once(name)
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Runs a program to its end. Its output goes to stderr.
///
/// # Errors
/// The program can't be started, or fails.
pub fn run(command: &mut Command) -> Result<()> {
    let line = shown(command);
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::from(std::io::stderr()))
        .status()
        .with_context(|| format!("can't start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(())
}

/// Runs a program to its end, and kills it after `limit`. Its output goes to stderr.
///
/// # Errors
/// The program can't be started, fails, or is killed.
pub fn run_within(command: &mut Command, limit: Duration) -> Result<()> {
    let line = shown(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::from(std::io::stderr()))
        .spawn()
        .with_context(|| format!("can't start `{line}`"))?;
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            if status.success() {
                return Ok(());
            }
            bail!("`{line}` failed ({status})");
        }
        if started.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            bail!("`{line}` took longer than {} s and was killed", limit.as_secs());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Runs a program to its end and returns its output without the last line break.
///
/// # Errors
/// The program can't be started, or fails; the error has its output on stderr.
pub fn output(command: &mut Command) -> Result<String> {
    let line = shown(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("can't start `{line}`"))?;
    if !output.status.success() {
        bail!(
            "`{line}` failed ({}): {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}
