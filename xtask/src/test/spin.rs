//! The shop under Spin: on a host of Spin's interfaces, and on Spin itself where that is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::project::Project;
use crate::secret;
use crate::servers::free_port;
use crate::service::{Limits, Service};
use crate::spin;
use mercato_wasm_toolchain::process::{clean, output};

/// A debug build compiles the components first; the host ends at once.
const LIMITS: Limits = Limits {
    start: Duration::from_secs(180),
    stop: Duration::from_secs(20),
};

/// How many instances there is place for: tests ask for 200 answers at once, and each takes ten memories.
const INSTANCES: &str = "4000";

/// How long a delivery may take: one that was under way when its host ended is due again after half a minute.
const LATE: Duration = Duration::from_secs(60);

/// Where things are for a shop on the host.
#[derive(Debug)]
pub struct Host {
    program: PathBuf,
    manifest: PathBuf,
    cache: PathBuf,
    log: PathBuf,
}

impl Host {
    /// The host that was built, with its log in a file.
    pub fn new(project: &Project, log: &Path) -> Self {
        Self {
            program: project.target.join("debug/mercato-spin-host"),
            manifest: spin::manifest(project),
            cache: project.target.join("shop/spin/compiled"),
            log: log.to_owned(),
        }
    }

    /// What the black-box tests need to start shops that they configure.
    pub fn for_tests(&self) -> [(&'static str, &Path); 3] {
        [
            ("MERCATO_SPIN_HOST", &self.program),
            ("MERCATO_SPIN_MANIFEST", &self.manifest),
            ("MERCATO_SPIN_CACHE", &self.cache),
        ]
    }

    /// Starts the shop of the manifest, or of another one, with its databases in a folder.
    ///
    /// # Errors
    /// It can't be started, or does not serve in time; the error names the log.
    pub fn start(&self, manifest: Option<&Path>, state: &Path, secret: &str) -> Result<Service> {
        let mut host = Command::new(&self.program);
        host.arg("--from").arg(manifest.unwrap_or(&self.manifest));
        host.args(["--listen", "127.0.0.1:0", "--state-dir"]).arg(state);
        host.arg("--cache").arg(&self.cache);
        host.env("SPIN_VARIABLE_API_SECRET", secret);
        host.envs(super::playing(secret).map(|(name, value)| (format!("SPIN_VARIABLE_{name}"), value)));
        host.env("SPIN_MAX_INSTANCE_COUNT", INSTANCES);
        Service::run(host, &self.log, LIMITS)
    }
}

/// Starts the shop on Spin itself, as a user does.
///
/// # Errors
/// It can't be started, or does not serve in time; the error names the log.
pub fn real(project: &Project, state: &Path, secret: &str, log: &Path) -> Result<Service> {
    let mut command = clean(std::env::current_exe()?);
    command.args(["spin", "up", "--listen", &format!("127.0.0.1:{}", free_port()?)]);
    command.arg("--state-dir").arg(state);
    command
        .env("CARGO_TARGET_DIR", &project.target)
        .env("API_SECRET", secret)
        .envs(super::playing(secret).map(|(name, value)| (format!("SPIN_VARIABLE_{name}"), value)));
    Service::run(command, log, LIMITS)
}

/// The tests of what only Spin's way of running needs.
pub fn trials(project: &Project, host: Arc<Host>) -> Vec<Trial> {
    let root = project.root.clone();
    let checked = spin::check(project).map(drop);
    let readme = root.join("README.md");
    let (restarted, late) = (Arc::clone(&host), Arc::clone(&host));
    vec![
        trial("spin::the components fit Spin and their manifest", move || {
            checked
        }),
        trial("spin::data survive a restart", move || survives(&restarted)),
        trial("spin::what was not taken is handed on later", move || {
            comes_late(&late, &root)
        }),
        trial("spin::README's lines place an order", move || {
            follows(&host, &readme)
        }),
    ]
}

fn trial(name: &str, test: impl FnOnce() -> Result<()> + Send + 'static) -> Trial {
    Trial::test(name, || test().map_err(|error| format!("{error:#}").into()))
}

/// The first line starts the shop; the others are for another terminal.
fn follows(host: &Host, readme: &Path) -> Result<()> {
    let text = fs::read_to_string(readme)?;
    let section = text
        .split_once("**Spin.**")
        .context("README tells nothing of Spin")?
        .1;
    let block = section
        .split_once("```text\n")
        .and_then(|(_, rest)| rest.split_once("```"));
    let lines = block.context("README has no lines for Spin")?.0;
    let (up, others) = lines.trim().split_once('\n').context("one line is not enough")?;
    let secret = up
        .strip_prefix("SPIN_VARIABLE_API_SECRET='")
        .and_then(|rest| rest.strip_suffix("' spin up --build"))
        .with_context(|| format!("`{up}` should start the shop"))?;
    ensure!(others.lines().count() == 4, "README promises five lines");
    let state = tempfile::tempdir()?;
    let shop = host.start(None, state.path(), secret)?;
    let script = format!(
        "set -euo pipefail\n{}",
        others.replace("http://127.0.0.1:3000", &shop.url)
    );
    let printed = output(Command::new("bash").args(["-c", &script]))?;
    ensure!(
        printed.contains("\"total\":2500"),
        "README's lines print {printed}"
    );
    shop.stop()
}

fn survives(host: &Host) -> Result<()> {
    let (state, secret) = (tempfile::tempdir()?, secret::generate()?);
    let shop = host.start(None, state.path(), &secret)?;
    let product = product(&shop, &secret)?;
    shop.stop()?;
    let shop = host.start(None, state.path(), &secret)?;
    let stock = stock(&shop, &secret, &product)?;
    ensure!(
        stock == json!({ "onHand": 10, "reserved": 0, "sold": 0 }),
        "the stock is {stock}"
    );
    shop.stop()
}

/// With a gateway that may not reach the consumer, an order stays reserved; with one that may, whoever keeps time has it sold.
fn comes_late(host: &Host, root: &Path) -> Result<()> {
    let (state, secret) = (tempfile::tempdir()?, secret::generate()?);
    let closed = state.path().join("spin.toml");
    let manifest = fs::read_to_string(&host.manifest)?;
    let text = manifest
        .replace(
            "[\"http://accounts-events.spin.internal\", \"http://notifications-events.spin.internal\", \"http://orders-events.spin.internal\", \"http://payments-events.spin.internal\", \"http://webhooks-events.spin.internal\", \"https://api.stripe.com\", \"https://api.twilio.com\"]",
            "[]",
        )
        .replace(
            "target/spin/",
            &format!("{}/", root.join("target/spin").display()),
        );
    fs::write(&closed, text)?;
    let shop = host.start(Some(&closed), state.path(), &secret)?;
    let product = product(&shop, &secret)?;
    order(&shop, &product)?;
    let stock = || stock(&shop, &secret, &product);
    let before = stock()?;
    ensure!(
        before == json!({ "onHand": 9, "reserved": 1, "sold": 0 }),
        "the stock is {before}"
    );
    shop.stop()?;

    let shop = host.start(None, state.path(), &secret)?;
    let refused = ureq::post(format!("{}/outbox/deliver", shop.url)).send_empty();
    ensure!(refused.is_err(), "it should need the key");
    let started = Instant::now();
    loop {
        let url = format!("{}/outbox/deliver", shop.url);
        ureq::post(url).header("x-api-key", &secret).send_empty()?;
        let after = self::stock(&shop, &secret, &product)?;
        if after == json!({ "onHand": 9, "reserved": 0, "sold": 1 }) {
            break;
        }
        if started.elapsed() > LATE {
            bail!("the stock stays {after}");
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    let url = format!("{}/outbox/dead-letters", shop.url);
    let letters = ureq::get(url)
        .header("x-api-key", &secret)
        .call()?
        .body_mut()
        .read_to_string()?;
    ensure!(letters == "[]", "there are dead letters: {letters}");
    shop.stop()
}

fn product(shop: &Service, secret: &str) -> Result<String> {
    let query = "mutation { createProduct(input: { name: \"Sock\", price: 1, quantity: 10 }) { _id } }";
    text(
        &ask(shop, ("x-api-key", secret), query, &json!({}))?,
        "/createProduct/_id",
    )
}

fn order(shop: &Service, product: &str) -> Result<()> {
    let query = "mutation { registerUser(input: { username: \"ada\", password: \"a long password\" }) { access_token } }";
    let user = ask(shop, ("accept", "*/*"), query, &json!({}))?;
    let token = format!("Bearer {}", text(&user, "/registerUser/access_token")?);
    let query = "mutation($id: String!) { placeOrder(products: [{_id: $id, quantity: 1}]) { _id } }";
    ask(shop, ("authorization", &token), query, &json!({ "id": product })).map(drop)
}

fn stock(shop: &Service, secret: &str, product: &str) -> Result<Value> {
    let query = "query($id: ID!) { product(id: $id) { stock { onHand reserved sold } } }";
    let answer = ask(shop, ("x-api-key", secret), query, &json!({ "id": product }))?;
    answer.pointer("/product/stock").cloned().context("no stock")
}

fn ask(shop: &Service, header: (&str, &str), query: &str, variables: &Value) -> Result<Value> {
    let body = json!({ "query": query, "variables": variables }).to_string();
    let request = ureq::post(format!("{}/graphql", shop.url)).header("content-type", "application/json");
    let mut answer = request.header(header.0, header.1).send(body)?;
    let answer: Value = serde_json::from_str(&answer.body_mut().read_to_string()?)?;
    match (answer.get("errors"), answer.get("data")) {
        (None, Some(data)) => Ok(data.clone()),
        _ => bail!("the shop refused `{query}`: {answer}"),
    }
}

fn text(value: &Value, pointer: &str) -> Result<String> {
    let text = value.pointer(pointer).and_then(Value::as_str);
    text.map(str::to_owned)
        .with_context(|| format!("no text at {pointer} of {value}"))
}
