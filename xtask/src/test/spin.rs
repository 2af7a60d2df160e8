//! The shop under Spin: on a host with Spin's interfaces, and on Spin itself if it is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::Trial;

use super::runner::{Runner, test_settings};
use super::servers::Servers;
use crate::api::{Api, Stock};
use crate::project::Project;
use crate::secret;
use crate::servers::free_port;
use crate::service::{Limits, Service};
use crate::services::GATEWAY;
use crate::spin;
use mercato_wasm_toolchain::process::{clean, output};

/// A debug build compiles the components first. The host stops at once.
const LIMITS: Limits = Limits {
    start: Duration::from_secs(180),
    stop: Duration::from_secs(20),
};

/// The number of instances: tests send 200 requests at once, and each instance takes ten memories.
const INSTANCES: &str = "4000";

/// The time limit of a delivery. If the host ends during one, it is due again after half a minute.
const DELIVERY_LIMIT: Duration = Duration::from_secs(60);

/// Tests the components of spin.toml on the host, then on Spin itself if it is installed.
///
/// # Errors
/// A component can't be built or a shop started, or a test fails.
pub fn all(runner: &mut Runner, servers: &mut Option<Servers>) -> Result<()> {
    let project = runner.project;
    let files = spin::build(project)?;
    let log = runner.log("test-spin-host")?;
    let host = Arc::new(Host::new(project, &log));
    let checked = spin::check(&files).map(drop);
    let result = runner.trials(trials(project, checked, &host));
    if result.is_err() && !runner.keep_going {
        return result;
    }
    let state = tempfile::tempdir()?;
    let secret = secret::generate()?;
    let service = host.start(None, state.path(), &secret)?;
    let mut tests = runner.black_box(&service, &secret);
    tests
        .args(["--shop-only", "--portable-only"])
        .envs(host.variables());
    if let Some(servers) = servers {
        tests.envs(servers.variables()?);
    }
    let result = result.and(runner.black_box_then_stop(&mut tests, service, &log));
    if result.is_err() && !runner.keep_going {
        return result;
    }
    if let Err(error) = spin::available() {
        runner.tally.skip("the shop on Spin itself", &error);
        return result;
    }
    let log = runner.log("test-spin")?;
    let state = tempfile::tempdir()?;
    let service = start_spin(project, state.path(), &secret, &log)?;
    let mut tests = runner.black_box(&service, &secret);
    tests.args(["--shop-only", "--portable-only"]);
    result.and(runner.black_box_then_stop(&mut tests, service, &log))
}

/// The host of the tests, and its files.
#[derive(Debug)]
struct Host {
    program: PathBuf,
    manifest: PathBuf,
    cache: PathBuf,
    log: PathBuf,
}

impl Host {
    /// Returns the built host, which logs to a file.
    fn new(project: &Project, log: &Path) -> Self {
        Self {
            program: project.target.join("debug/mercato-spin-host"),
            manifest: spin::manifest(project),
            cache: project.target.join("shop/spin/compiled"),
            log: log.to_owned(),
        }
    }

    /// Returns the variables by which the black-box tests start shops with settings of their own.
    fn variables(&self) -> [(&'static str, &Path); 3] {
        [
            ("MERCATO_SPIN_HOST", &self.program),
            ("MERCATO_SPIN_MANIFEST", &self.manifest),
            ("MERCATO_SPIN_CACHE", &self.cache),
        ]
    }

    /// Starts the shop of spin.toml, or of another manifest, with its databases in a folder.
    ///
    /// # Errors
    /// The shop does not start or does not serve in time; the error names the log.
    fn start(&self, manifest: Option<&Path>, state: &Path, secret: &str) -> Result<Service> {
        let mut host = Command::new(&self.program);
        host.arg("--from").arg(manifest.unwrap_or(&self.manifest));
        host.args(["--listen", "127.0.0.1:0", "--state-dir"]).arg(state);
        host.arg("--cache").arg(&self.cache);
        host.env("SPIN_VARIABLE_API_SECRET", secret);
        host.envs(test_settings(secret).map(|(name, value)| (format!("SPIN_VARIABLE_{name}"), value)));
        host.env("SPIN_MAX_INSTANCE_COUNT", INSTANCES);
        Service::run(host, &self.log, LIMITS)
    }
}

/// Starts the shop on Spin itself, as a user does.
fn start_spin(project: &Project, state: &Path, secret: &str, log: &Path) -> Result<Service> {
    let mut command = clean(std::env::current_exe()?);
    command.args(["spin", "up", "--listen", &format!("127.0.0.1:{}", free_port()?)]);
    command.arg("--state-dir").arg(state);
    command
        .env("CARGO_TARGET_DIR", &project.target)
        .env("API_SECRET", secret)
        .envs(test_settings(secret).map(|(name, value)| (format!("SPIN_VARIABLE_{name}"), value)));
    Service::run(command, log, LIMITS)
}

/// The tests that only Spin needs.
fn trials(project: &Project, checked: Result<()>, host: &Arc<Host>) -> Vec<Trial> {
    let root = project.root.clone();
    let document = root.join("docs/deploy/spin.md");
    let [restarted, closed, documented] = [Arc::clone(host), Arc::clone(host), Arc::clone(host)];
    vec![
        trial("spin::the components fit Spin", || checked),
        trial("spin::data survives a restart", move || {
            data_survives_a_restart(&restarted)
        }),
        trial(
            "spin::an event that was not delivered is delivered later",
            move || delivers_later(&closed, &root),
        ),
        trial(
            "spin::the commands in docs/deploy/spin.md place an order",
            move || documented_commands_place_an_order(&documented, &document),
        ),
    ]
}

fn trial(name: &str, test: impl FnOnce() -> Result<()> + Send + 'static) -> Trial {
    Trial::test(name, || test().map_err(|error| format!("{error:#}").into()))
}

/// Runs the commands in docs/deploy/spin.md. The first starts the shop; the others are for another terminal.
fn documented_commands_place_an_order(host: &Host, document: &Path) -> Result<()> {
    let text = fs::read_to_string(document)?;
    let block = text
        .split_once("```text\n")
        .and_then(|(_, rest)| rest.split_once("```"));
    let commands = block.context("the document has no block of commands")?.0;
    let (up, others) = commands
        .trim()
        .split_once('\n')
        .context("the document has one command only")?;
    let secret = up
        .strip_prefix("SPIN_VARIABLE_API_SECRET='")
        .and_then(|rest| rest.strip_suffix("' spin up --build"))
        .with_context(|| format!("`{up}` should start the shop"))?;
    let state = tempfile::tempdir()?;
    let shop = host.start(None, state.path(), secret)?;
    let others = others.replace("http://127.0.0.1:3000", &shop.url);
    let script = format!("set -euo pipefail\n{others}");
    let printed = output(Command::new("bash").args(["-c", &script]))?;
    ensure!(printed.contains("\"total\":2500"), "the commands print {printed}");
    shop.stop()
}

fn data_survives_a_restart(host: &Host) -> Result<()> {
    let (state, secret) = (tempfile::tempdir()?, secret::generate()?);
    let shop = host.start(None, state.path(), &secret)?;
    let product = Api::new(&shop.url, &secret).create_product("Sock", 1, 10)?;
    shop.stop()?;
    let shop = host.start(None, state.path(), &secret)?;
    let stock = Api::new(&shop.url, &secret).stock(&product)?;
    ensure!(stock == units(10, 0, 0), "the stock is {stock:?}");
    shop.stop()
}

/// A gateway that may not call the consumers leaves an order reserved. A gateway that may call them delivers
/// the event when a timer asks for it.
fn delivers_later(host: &Host, root: &Path) -> Result<()> {
    let (state, secret) = (tempfile::tempdir()?, secret::generate()?);
    let closed = state.path().join("spin.toml");
    fs::write(&closed, closed_manifest(&host.manifest, root)?)?;
    let shop = host.start(Some(&closed), state.path(), &secret)?;
    let api = Api::new(&shop.url, &secret);
    let product = api.create_product("Sock", 1, 10)?;
    let token = api.register("ada", "a long password")?;
    api.place_order(&token, &product)?;
    let stock = api.stock(&product)?;
    ensure!(stock == units(9, 1, 0), "the stock is {stock:?}");
    shop.stop()?;

    let shop = host.start(None, state.path(), &secret)?;
    let api = Api::new(&shop.url, &secret);
    let deliver = format!("{}/outbox/deliver", shop.url);
    let refused = ureq::post(&deliver).send_empty();
    ensure!(refused.is_err(), "the request must need the API key");
    let started = Instant::now();
    loop {
        ureq::post(&deliver).header("x-api-key", &secret).send_empty()?;
        let stock = api.stock(&product)?;
        if stock == units(9, 0, 1) {
            break;
        }
        if started.elapsed() > DELIVERY_LIMIT {
            bail!("the stock is still {stock:?}");
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    let url = format!("{}/outbox/dead-letters", shop.url);
    let mut answer = ureq::get(url).header("x-api-key", &secret).call()?;
    let dead_letters = answer.body_mut().read_to_string()?;
    ensure!(dead_letters == "[]", "there are dead letters: {dead_letters}");
    shop.stop()
}

fn units(on_hand: i64, reserved: i64, sold: i64) -> Stock {
    Stock {
        on_hand,
        reserved,
        sold,
    }
}

/// Returns the manifest with a gateway that may call no host, and with absolute paths of the components.
fn closed_manifest(file: &Path, root: &Path) -> Result<String> {
    let mut manifest: toml::Table = fs::read_to_string(file)?.parse()?;
    let components = manifest.get_mut("component").and_then(toml::Value::as_table_mut);
    for (name, component) in components.context("spin.toml has no components")? {
        let component = component.as_table_mut().context("a component is not a table")?;
        if name == GATEWAY {
            component.insert("allowed_outbound_hosts".into(), toml::Value::Array(Vec::new()));
        }
        let source = component.get("source").and_then(toml::Value::as_str);
        let source = root.join(source.context("a component has no source")?);
        component.insert("source".into(), source.display().to_string().into());
    }
    Ok(manifest.to_string())
}
