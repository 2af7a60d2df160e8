//! The lattice under test, its state, and the commands that change it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The lattice under test.
#[derive(Clone, Debug)]
pub struct Lattice {
    state: PathBuf,
}

impl Lattice {
    /// Returns the lattice that `MERCATO_TEST_LATTICE` names, if it is set.
    pub fn from_env() -> Option<Self> {
        let state = std::env::var_os("MERCATO_TEST_LATTICE")?.into();
        Some(Self { state })
    }

    /// Reads the current state file.
    pub fn state(&self) -> Result<Value> {
        let text = std::fs::read(&self.state)
            .with_context(|| format!("{} should be the state of a lattice", self.state.display()))?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// Returns the text of a key in the state file.
    pub fn text(&self, key: &str) -> Result<String> {
        let state = self.state()?;
        let text = state.get(key).and_then(Value::as_str);
        Ok(text
            .with_context(|| format!("the state should contain {key}"))?
            .to_owned())
    }

    /// Returns the id of the process whose name begins with the prefix.
    pub fn process(&self, name: &str) -> Result<i32> {
        let pid = self.member(name, "pid")?.as_i64();
        pid.and_then(|pid| i32::try_from(pid).ok())
            .with_context(|| format!("the process {name} should have an id"))
    }

    /// Returns the address of the process whose name begins with the prefix.
    pub fn address(&self, name: &str) -> Result<String> {
        let address = self.member(name, "address")?;
        let address = address.as_str().map(str::to_owned);
        address.with_context(|| format!("the process {name} should have an address"))
    }

    /// Returns what the state has of the process whose name begins with the prefix.
    fn member(&self, name: &str, member: &str) -> Result<Value> {
        let state = self.state()?;
        let named = |process: &&Value| {
            let found = process.get("name").and_then(Value::as_str);
            found.is_some_and(|found| found.starts_with(name))
        };
        list(&state, "processes")
            .iter()
            .find(named)
            .and_then(|process| process.get(member).cloned())
            .with_context(|| format!("the lattice should have a process {name}"))
    }

    /// Returns the deployed manifest.
    pub fn manifest(&self) -> Result<String> {
        let file = self.text("manifest")?;
        std::fs::read_to_string(&file).with_context(|| format!("{file} should be a manifest"))
    }

    /// Returns the settings at the start of the lattice, as `KEY=VALUE`.
    pub fn settings(&self) -> Result<Vec<String>> {
        let state = self.state()?;
        let settings = state.get("settings").cloned();
        let settings = settings.context("the state should contain the settings")?;
        Ok(serde_json::from_value(settings)?)
    }

    /// Replaces a named configuration by these `KEY=VALUE` entries.
    pub fn put(&self, name: &str, values: &[String]) -> Result<()> {
        let mut command = self.command()?;
        command.args(["config", "put", name]).args(values);
        run(&mut command).map(drop)
    }

    /// Deploys a manifest as this version, and waits until all of it runs.
    pub fn deploy(&self, manifest: &Path, version: &str) -> Result<()> {
        let mut command = self.command()?;
        command.args(["deploy", "--version", version, "--images"]);
        run(command.arg(self.text("images")?).arg(manifest)).map(drop)
    }

    /// Returns the hosts with their components and providers.
    pub fn status(&self) -> Result<Value> {
        let output = run(self.command()?.args(["status", "--json"]))?;
        Ok(serde_json::from_slice(&output)?)
    }

    /// Returns a command of the lattice's program.
    pub fn command(&self) -> Result<Command> {
        let mut command = Command::new(self.text("program")?);
        command.args(["--nats", &self.text("nats")?]);
        Ok(command)
    }
}

/// Runs a command and returns its output. Fails unless it succeeds.
fn run(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.output()?;
    let log = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} should succeed: {log}");
    Ok(output.stdout)
}

/// Returns the items of a list in an object, or none.
pub fn list<'a>(object: &'a Value, key: &str) -> &'a [Value] {
    object
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}
