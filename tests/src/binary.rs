//! The `mercato` binary, for tests that start it themselves.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;

use crate::process::{Home, Process, Running, SECRET, START, clean};
use crate::trials::failed;

/// The kind of tests that are ignored because there is no binary.
pub const NEEDS_BINARY: &str = "needs MERCATO_BIN and MERCATO_SHOP";

/// The binary and the composed shop that it runs.
#[derive(Clone, Debug)]
pub struct Binary {
    mercato: PathBuf,
    /// The composed component.
    pub shop: PathBuf,
}

impl Binary {
    /// Returns the files that `MERCATO_BIN` and `MERCATO_SHOP` name, if both are set.
    pub fn from_env() -> Option<Self> {
        let path = |name| std::path::absolute(std::env::var_os(name)?).ok();
        Some(Self {
            mercato: path("MERCATO_BIN")?,
            shop: path("MERCATO_SHOP")?,
        })
    }

    /// Returns the path of the binary.
    pub fn program(&self) -> &Path {
        &self.mercato
    }

    /// Returns the same binary with another file as its shop.
    pub fn with_shop(&self, shop: PathBuf) -> Self {
        Self { shop, ..self.clone() }
    }

    /// Returns a command of the binary in this folder, with only the environment variables that programs
    /// need.
    pub fn command(&self, folder: &Path) -> Command {
        clean(&self.mercato, folder)
    }

    /// Returns `mercato up` on a free port.
    pub fn up(&self, home: &Home) -> Command {
        self.up_with(home, &home.data(), "0")
    }

    /// Returns `mercato up` with this data folder, on this port.
    pub fn up_with(&self, home: &Home, data: &Path, port: &str) -> Command {
        let mut command = self.command(home.path());
        command.arg("up").arg("--shop").arg(&self.shop);
        command.args(["--port", port]).arg("--data").arg(data);
        command.env("API_SECRET", SECRET).env("RUST_LOG", "warn");
        command
    }

    /// Starts a shop and waits until it is ready.
    pub fn start(&self, home: &Home) -> Result<Running> {
        Running::start(home, &mut self.up(home))
    }
}

/// Returns a test of the binary. It is ignored if there is no binary.
pub fn binary_trial(name: &str, test: impl FnOnce(&Binary) -> Result<()> + Send + 'static) -> Trial {
    let Some(binary) = Binary::from_env() else {
        return Trial::test(name, || Ok(()))
            .with_kind(NEEDS_BINARY)
            .with_ignored_flag(true);
    };
    Trial::test(name, move || test(&binary).map_err(failed))
}

/// Lists the tests of an area that run the binary by their functions. With a shop, the functions also get the
/// shop under test.
macro_rules! binary_trials {
    ($area:literal, [$($test:ident),* $(,)?]) => {
        vec![$($crate::binary::binary_trial(concat!($area, "::", stringify!($test)), $test)),*]
    };
    ($shop:expr, $area:literal, [$($test:ident),* $(,)?]) => {
        vec![$({
            let shop = ::std::sync::Arc::clone($shop);
            $crate::binary::binary_trial(concat!($area, "::", stringify!($test)), move |binary| {
                $test(&shop, binary)
            })
        }),*]
    };
}
pub(crate) use binary_trials;

/// Runs a command that must fail with one clear sentence that contains these words. Returns its log.
pub fn fails(home: &Home, command: &mut Command, words: &[&str]) -> Result<String> {
    fails_with_code(home, command, words).map(|(_, log)| log)
}

/// Runs a command that must fail, as [`fails`] does. Returns its exit code and its log.
pub fn fails_with_code(home: &Home, command: &mut Command, words: &[&str]) -> Result<(i32, String)> {
    let mut process = Process::start(home, command)?;
    let status = process.wait(START)?;
    let (printed, log) = (process.printed(), process.log()?);
    let code = status
        .code()
        .with_context(|| format!("the command should exit, not end by {status}:\n{log}"))?;
    ensure!(code != 0, "the exit code should not be 0:\n{log}");
    ensure!(
        !printed.iter().any(|line| line.starts_with("ready")),
        "the shop should not be ready: {printed:?}"
    );
    for noise in [
        "panicked at",
        "RUST_BACKTRACE",
        "stack backtrace",
        "Os {",
        "Error {",
    ] {
        ensure!(
            !log.contains(noise),
            "the log should not contain `{noise}`:\n{log}"
        );
    }
    // A command may print what it did before.
    let sentences = log
        .lines()
        .filter(|line| {
            ["mercato: ", "error: "]
                .iter()
                .any(|begin| line.starts_with(begin))
        })
        .count();
    ensure!(sentences == 1, "the log should have one clear sentence:\n{log}");
    for word in words {
        ensure!(
            log.to_lowercase().contains(&word.to_lowercase()),
            "the log should contain \"{word}\":\n{log}"
        );
    }
    Ok((code, log))
}
