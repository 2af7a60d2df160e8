//! Schemathesis: requests that its generator makes from the OpenAPI document, valid and invalid ones. Each answer
//! must have a status, a type and a body that the document allows.
//!
//! `schemathesis/requirements.txt` pins its packages. They are installed once, outside the checkout.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::Trial;
use serde_json::json;

use crate::configured::{Host, configured_trials};
use crate::process::{Home, clean};
use crate::shop::{As, Shop};

const REQUIREMENTS: &str = include_str!("../schemathesis/requirements.txt");

const CONFIGURATION: &str = include_str!("../schemathesis/schemathesis.toml");

/// Why the test is skipped.
const NO_PYTHON: &str = "Python 3.11 with pip is not installed";

/// Tests run at the same time, and the first one installs the packages.
static INSTALLATION: Mutex<()> = Mutex::new(());

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    let trials = configured_trials!(
        "schemathesis",
        portable = [],
        component = [every_answer_conforms_to_the_openapi_document]
    );
    let is_skipped = python().is_none();
    let skip = |trial: Trial| {
        if is_skipped {
            trial.with_kind(NO_PYTHON).with_ignored_flag(true)
        } else {
            trial
        }
    };
    trials.into_iter().map(skip).collect()
}

/// Returns an interpreter that has pip, and that is as new as the packages require.
fn python() -> Option<&'static str> {
    let check = "import pip, sys; sys.exit(sys.version_info < (3, 11))";
    ["python3", "python"].into_iter().find(|python| {
        let status = Command::new(python)
            .args(["-c", check])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    })
}

/// Sends requests to every operation. The shop is the test's own, since the requests change anything.
fn every_answer_conforms_to_the_openapi_document(host: &Host) -> Result<()> {
    let python = python().context(NO_PYTHON)?;
    let packages = install(python)?;
    let home = Home::new()?;
    let settings = [
        ("MERCATO_ENVIRONMENT", "development"),
        ("PAYMENT_GATEWAY", "test"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_test"),
        // The generator registers and signs in more often than a person.
        ("REGISTRATION_LIMIT", "off"),
    ];
    let running = host.start(&home, &settings)?;
    let shop = running.shop();
    let (configuration, token) = configuration(&shop)?;
    let file = home.path().join("schemathesis.toml");
    std::fs::write(&file, configuration)?;
    let output = clean(Path::new(python), home.path())
        .env("PYTHONPATH", &packages)
        .env("API_SECRET", shop.secret())
        .env("ACCESS_TOKEN", token)
        .args([
            "-c",
            "from schemathesis.cli import schemathesis; schemathesis()",
            "--config-file",
        ])
        .arg(&file)
        .args(["run", &format!("{}/openapi.json", shop.url())])
        .output()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let log = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "Schemathesis found faults:\n{printed}{log}"
    );
    let (_, cases) = printed
        .split_once("Test cases:")
        .context("Schemathesis prints a summary")?;
    let count: Option<u32> = cases
        .split_whitespace()
        .next()
        .and_then(|count| count.parse().ok());
    ensure!(
        count.is_some_and(|count| count >= 1_000),
        "Schemathesis should send at least 1,000 requests:\n{printed}"
    );
    running.stop()
}

/// Fills the shop. Returns the configuration with the ids in it, and a user's access token.
fn configuration(shop: &Shop) -> Result<(String, String)> {
    let products = (0..6)
        .map(|_| shop.product(1_250, 1_000_000))
        .collect::<Result<Vec<_>>>()?;
    let (kept, deleted) = products.split_at(3);
    let user = shop.register("schemathesis")?;
    let erased = (0..3)
        .map(|_| shop.register("erased").map(|user| user.id))
        .collect::<Result<Vec<_>>>()?;
    let product = kept.first().context("a product")?;
    let orders = (0..4)
        .map(|_| shop.order(user.caller(), &[(product, 2)]))
        .collect::<Result<Vec<_>>>()?;
    let pay = |order: &String| -> Result<String> {
        let payment = shop.pay(As::Key, order, "tok_ok")?;
        Ok(payment.text("/payOrder/_id")?.to_owned())
    };
    let payments = orders.iter().take(2).map(pay).collect::<Result<Vec<_>>>()?;
    let mut text = CONFIGURATION.to_owned();
    for (name, values) in [
        ("orders", json!(orders)),
        ("passwords", json!([user.password])),
        ("payments", json!(payments)),
        ("products", json!(kept)),
        ("products_to_delete", json!(deleted)),
        ("usernames", json!([user.name])),
        ("users", json!([user.id])),
        ("users_to_erase", json!(erased)),
    ] {
        // A list of texts is the same in JSON and in TOML.
        write!(text, "\n[dictionaries.{name}]\nvalues = {values}\n")?;
    }
    Ok((text, user.token))
}

/// Returns a folder outside the checkout with the packages.
fn install(python: &str) -> Result<PathBuf> {
    let _guard = INSTALLATION.lock().unwrap_or_else(PoisonError::into_inner);
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))
        .context("neither XDG_CACHE_HOME nor HOME is set")?;
    let folder = cache.join("mercato/schemathesis");
    let marker = folder.join("installed.txt");
    let is_installed = std::fs::read_to_string(&marker).is_ok_and(|installed| installed == REQUIREMENTS);
    if !is_installed {
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        pip_install(python, &folder)?;
        std::fs::write(marker, REQUIREMENTS)?;
    }
    Ok(folder)
}

fn pip_install(python: &str, folder: &Path) -> Result<()> {
    let list = folder.join("requirements.txt");
    std::fs::write(&list, REQUIREMENTS)?;
    let output = Command::new(python)
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
        ])
        .args(["--require-hashes", "--only-binary=:all:", "--target"])
        .arg(folder)
        .arg("-r")
        .arg(&list)
        .env("PIP_ROOT_USER_ACTION", "ignore")
        .output()
        .context("pip can't be started")?;
    if !output.status.success() {
        bail!(
            "pip failed in {}: {}",
            folder.display(),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}
