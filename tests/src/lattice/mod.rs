//! What only a lattice shows: which calls a request makes, where components run, how it is changed and what it survives.
//!
//! These tests need `MERCATO_TEST_LATTICE`, the file in which a lattice tells what it runs (`lattice.json` in its data folder), and
//! the lattice for themselves: they end its parts, and who asks meanwhile sees it.

mod calls;
mod faults;
mod rollout;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::world::World;

/// The tests of this area, in the order in which they have to run; none without a lattice.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    let Some(lattice) = Lattice::from_env().map(Arc::new) else {
        return Vec::new();
    };
    [
        calls::tests(world, &lattice),
        rollout::tests(world, &lattice),
        faults::tests(world, &lattice),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The lattice under test.
#[derive(Clone, Debug)]
pub struct Lattice {
    state: PathBuf,
}

impl Lattice {
    /// What `MERCATO_TEST_LATTICE` names, where it is set.
    pub fn from_env() -> Option<Self> {
        let state = std::env::var_os("MERCATO_TEST_LATTICE")?.into();
        Some(Self { state })
    }

    /// What the lattice tells of itself at this moment.
    fn state(&self) -> Result<Value> {
        let text = std::fs::read(&self.state)
            .with_context(|| format!("{} should tell of a lattice", self.state.display()))?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// What it tells under a key.
    pub fn text(&self, key: &str) -> Result<String> {
        let state = self.state()?;
        let text = state.get(key).and_then(Value::as_str);
        Ok(text
            .with_context(|| format!("the lattice should tell its {key}"))?
            .to_owned())
    }

    /// The id of the process whose name begins so.
    fn process(&self, name: &str) -> Result<i32> {
        let state = self.state()?;
        let processes = state.get("processes").and_then(Value::as_array);
        let named = |process: &&Value| {
            let found = process.get("name").and_then(Value::as_str);
            found.is_some_and(|found| found.starts_with(name))
        };
        processes
            .into_iter()
            .flatten()
            .find(named)
            .and_then(|process| process.get("pid")?.as_i64())
            .and_then(|pid| i32::try_from(pid).ok())
            .with_context(|| format!("the lattice should have a process {name}"))
    }

    /// The manifest that was deployed.
    fn manifest(&self) -> Result<String> {
        let file = self.text("manifest")?;
        std::fs::read_to_string(&file).with_context(|| format!("{file} should be a manifest"))
    }

    /// What its `mercato-settings` held when it was started, as `KEY=VALUE`.
    pub fn settings(&self) -> Result<Vec<String>> {
        let state = self.state()?;
        let settings = state.get("settings").cloned();
        let settings = settings.context("the lattice should tell its settings")?;
        Ok(serde_json::from_value(settings)?)
    }

    /// Puts a named configuration, of `KEY=VALUE`.
    pub fn put(&self, name: &str, values: &[String]) -> Result<()> {
        let output = self
            .command()?
            .args(["config", "put", name])
            .args(values)
            .output()?;
        let told = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{name} should be put: {told}");
        Ok(())
    }

    /// Deploys another manifest as this version, and waits until all of it runs.
    fn deploy(&self, manifest: &Path, version: &str) -> Result<()> {
        let mut command = self.command()?;
        command.args(["deploy", "--version", version, "--images"]);
        let output = command.arg(self.text("images")?).arg(manifest).output()?;
        let told = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "the manifest should be deployed: {told}");
        Ok(())
    }

    /// What runs where.
    fn status(&self) -> Result<Value> {
        let output = self.command()?.args(["status", "--json"]).output()?;
        let told = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "the lattice should tell its status: {told}"
        );
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// The program that a lattice is run with.
    fn command(&self) -> Result<Command> {
        let mut command = Command::new(self.text("program")?);
        command.args(["--nats", &self.text("nats")?]);
        Ok(command)
    }
}
