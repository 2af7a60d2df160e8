//! The official audits of GraphQL over HTTP, by npm's `graphql-http`. `audits/package-lock.json` pins its
//! version.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::{Completion, Trial};
use serde_json::Value;

use crate::shop::Shop;
use crate::trials::failed;

const PACKAGE: &str = include_str!("../audits/package.json");
const LOCK: &str = include_str!("../audits/package-lock.json");
const SCRIPT: &str = include_str!("../audits/run.mjs");

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    let shop = Arc::clone(shop);
    let name = "graphql_http_audits::no_official_audit_of_graphql_over_http_fails";
    vec![Trial::ignorable_test(name, move || {
        if !(is_installed("node") && is_installed("npm")) {
            return Ok(Completion::ignored_with("node and npm are not installed"));
        }
        run(&shop).map(|()| Completion::Completed).map_err(failed)
    })]
}

fn is_installed(program: &str) -> bool {
    let version = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    version.is_ok_and(|status| status.success())
}

fn run(shop: &Shop) -> Result<()> {
    let folder = install()?;
    let output = Command::new("node")
        .arg(folder.join("run.mjs"))
        .arg(format!("{}/graphql", shop.url()))
        .output()
        .context("node can't be started")?;
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    ensure!(
        output.status.success(),
        "the audits should run to the end: {stderr}"
    );
    let mut ran = 0;
    let mut failures = Vec::new();
    for line in stdout.lines() {
        let result: Value = serde_json::from_str(line)?;
        match (
            result.get("ran").and_then(Value::as_u64),
            result.get("status").and_then(Value::as_str),
        ) {
            (Some(count), _) => ran = count,
            // A failed MUST is an error, a failed SHOULD is a warning, and a failed MAY is a notice.
            (None, Some("error" | "warn")) => failures.push(line.to_owned()),
            (None, _) => {}
        }
    }
    ensure!(ran >= 60, "at least 60 audits should run, not {ran}");
    ensure!(
        failures.is_empty(),
        "{} of {ran} audits failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
    Ok(())
}

/// Returns a folder outside the checkout that holds the audits. Installs them if they are not there yet.
fn install() -> Result<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))
        .context("neither XDG_CACHE_HOME nor HOME is set")?;
    let folder = cache.join("mercato/graphql-http");
    std::fs::create_dir_all(&folder)?;
    let up_to_date =
        std::fs::read_to_string(folder.join("installed.json")).is_ok_and(|installed| installed == LOCK);
    std::fs::write(folder.join("run.mjs"), SCRIPT)?;
    if !up_to_date {
        std::fs::write(folder.join("package.json"), PACKAGE)?;
        std::fs::write(folder.join("package-lock.json"), LOCK)?;
        npm_ci(&folder)?;
        std::fs::write(folder.join("installed.json"), LOCK)?;
    }
    Ok(folder)
}

fn npm_ci(folder: &Path) -> Result<()> {
    let output = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(folder)
        .output()
        .context("npm can't be started")?;
    if !output.status.success() {
        bail!(
            "npm ci failed in {}: {}",
            folder.display(),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}
