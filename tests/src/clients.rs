//! Clients, code generators and linters from npm, run against the shop by the scripts in `clients`.
//!
//! `clients/package-lock.json` pins their versions. They are installed once, outside the checkout.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::{Completion, Trial};
use serde_json::Value;

use crate::configured::{Host, configured_trials};
use crate::process::Home;
use crate::shop::Shop;
use crate::trials::{COMPONENT, failed};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients");

/// The document of the codes of errors.
const ERRORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/api/errors.md");

/// Why tests are skipped.
const NO_NODE: &str = "node and npm are not installed";

/// Tests run at the same time, and the first one installs the packages.
static INSTALLATION: Mutex<()> = Mutex::new(());

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    let scripts = [
        ("apollo_client_caches_orders_carts_and_pages", "apollo"),
        ("urql_caches_orders_and_refreshes_the_cart", "urql"),
        ("graphql_sse_subscribes_in_both_modes", "sse"),
        ("graphql_code_generator_types_a_program", "codegen"),
        ("relay_refetches_a_fragment_by_its_node", "relay"),
        ("openapi_typescript_types_a_program", "openapi"),
        ("linters_accept_the_schema_and_the_openapi_document", "lint"),
    ];
    let mut trials: Vec<_> = scripts
        .into_iter()
        .map(|(test, script)| trial(shop, test, move |shop| run(shop, script, &[]).map(drop)))
        .collect();
    trials.push(trial(
        shop,
        "no_official_audit_of_graphql_over_http_fails",
        no_audit_fails,
    ));
    let random = configured_trials!(
        "clients",
        portable = [],
        component = [random_requests_find_no_fault]
    );
    let is_skipped = !has_node();
    trials.extend(random.into_iter().map(|trial| {
        if is_skipped {
            trial.with_kind(NO_NODE).with_ignored_flag(true)
        } else {
            trial
        }
    }));
    trials
}

fn trial(shop: &Arc<Shop>, test: &str, run: impl FnOnce(&Shop) -> Result<()> + Send + 'static) -> Trial {
    let shop = Arc::clone(shop);
    let trial = Trial::ignorable_test(format!("clients::{test}"), move || {
        if !has_node() {
            return Ok(Completion::ignored_with(NO_NODE));
        }
        run(&shop).map(|()| Completion::Completed).map_err(failed)
    });
    trial.with_kind(COMPONENT)
}

fn has_node() -> bool {
    ["node", "npm"].into_iter().all(|program| {
        let version = Command::new(program)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        version.is_ok_and(|status| status.success())
    })
}

/// Runs the official audits of GraphQL over HTTP, by npm's `graphql-http`.
fn no_audit_fails(shop: &Shop) -> Result<()> {
    let output = run(shop, "audits", &[])?;
    let mut ran = 0;
    let mut failures = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
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

/// Sends random documents and values. The shop is the test's own, since mutations change anything.
fn random_requests_find_no_fault(host: &Host) -> Result<()> {
    let home = Home::new()?;
    let settings = [
        ("MERCATO_ENVIRONMENT", "development"),
        ("PAYMENT_GATEWAY", "test"),
        // The requests register more users than a person.
        ("REGISTRATION_LIMIT", "off"),
    ];
    let running = host.start(&home, &settings)?;
    let count = std::env::var("MERCATO_TEST_REQUESTS").unwrap_or_else(|_| "2000".into());
    let variables = [("REQUESTS", count.as_str()), ("ERRORS", ERRORS)];
    let output = run(&running.shop(), "random", &variables)?;
    let report: Value = serde_json::from_slice(&output.stdout)?;
    for api in ["GraphQL", "REST"] {
        let accepted = report
            .pointer(&format!("/accepted/{api}"))
            .and_then(Value::as_u64);
        ensure!(
            accepted.is_some_and(|accepted| accepted >= 100),
            "random requests of {api} should often be valid: {report}"
        );
    }
    running.stop()
}

/// Runs a script against the shop until its end.
fn run(shop: &Shop, script: &str, variables: &[(&str, &str)]) -> Result<Output> {
    let folder = install()?;
    let output = Command::new("node")
        .arg(folder.join(format!("{script}.mjs")))
        .env("SHOP_URL", shop.url())
        .env("API_SECRET", shop.secret())
        .envs(variables.iter().copied())
        .output()
        .context("node can't be started")?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    ensure!(
        output.status.success(),
        "clients/{script}.mjs failed:\n{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    Ok(output)
}

/// Returns a folder outside the checkout with the scripts and their packages.
fn install() -> Result<PathBuf> {
    let _guard = INSTALLATION.lock().unwrap_or_else(PoisonError::into_inner);
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))
        .context("neither XDG_CACHE_HOME nor HOME is set")?;
    let folder = cache.join("mercato/clients");
    std::fs::create_dir_all(&folder)?;
    for entry in std::fs::read_dir(FOLDER)? {
        let file = entry?.path();
        if let Some(name) = file.file_name().filter(|_| file.is_file()) {
            std::fs::copy(&file, folder.join(name))?;
        }
    }
    let lock = std::fs::read_to_string(folder.join("package-lock.json"))?;
    let marker = folder.join("installed.json");
    let is_installed = std::fs::read_to_string(&marker).is_ok_and(|installed| installed == lock);
    if !is_installed {
        npm_ci(&folder)?;
        std::fs::write(marker, lock)?;
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
