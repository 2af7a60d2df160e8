//! The programs in `examples`, run as their comments say.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use libtest_mimic::{Completion, Trial};
use serde_json::{Value, json};

use crate::configured::{Host, configured_trials};
use crate::process::{Home, Process, clean};
use crate::shop::{As, Shop};
use crate::trials::{COMPONENT, failed};
use crate::wait::{LATER, eventually};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    let shop = Arc::clone(shop);
    let mut trials = configured_trials!(
        "examples",
        portable = [],
        component = [the_webhook_receiver_prints_each_event_once]
    );
    trials.push(
        Trial::ignorable_test("examples::the_storefront_places_an_order", move || {
            if Command::new("node").arg("--version").output().is_err() {
                return Ok(Completion::ignored_with("node is not installed"));
            }
            the_storefront_places_an_order(&shop)
                .map(|()| Completion::Completed)
                .map_err(failed)
        })
        .with_kind(COMPONENT),
    );
    trials
}

fn the_storefront_places_an_order(shop: &Shop) -> Result<()> {
    shop.product(1250, 50)?;
    let output = Command::new("node")
        .arg(Path::new(EXAMPLES).join("storefront/order.mjs"))
        .arg(shop.url())
        .output()?;
    let log = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the example should succeed: {log}");
    let order: Value = serde_json::from_slice(&output.stdout)?;
    ensure!(order.get("status") == Some(&json!("PENDING")), "{order}");
    Ok(())
}

fn the_webhook_receiver_prints_each_event_once(host: &Host) -> Result<()> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let address = format!("127.0.0.1:{port}");
    let home = Home::new()?;
    let running = host.start(
        &home,
        &[
            ("MERCATO_ENVIRONMENT", "development"),
            ("HTTP_CLIENT_HOSTS", &address),
        ],
    )?;
    let shop = running.shop();
    let query = "mutation ($url: String!) {
        createWebhook(input: { url: $url, events: [\"mercato.catalog.product-created\"] }) { signingSecret } }";
    let created = shop.graphql(As::Key, query, json!({ "url": format!("http://{address}/in") }))?;

    let mut receiver = clean(Path::new("python3"), home.path());
    receiver.arg(Path::new(EXAMPLES).join("webhook-receiver/receiver.py"));
    receiver.arg(port.to_string());
    receiver.env("SIGNING_SECRET", created.text("/createWebhook/signingSecret")?);
    let mut receiver = Process::start(&home, &mut receiver)?;
    eventually(LATER, "the receiver should be ready", || {
        let lines = receiver.lines_so_far();
        Ok((lines.iter().any(|line| line.starts_with("ready")), lines))
    })?;

    let product = shop.product(1250, 1)?;
    let lines = eventually(LATER, "the receiver should print the event", || {
        let lines = receiver.lines_so_far();
        Ok((lines.iter().any(|line| line.contains(&product)), lines))
    })?;
    let events = lines.iter().filter(|line| line.contains(&product));
    let event = events.clone().next().context("the event was printed")?;
    ensure!(
        event.starts_with("mercato.catalog.product-created {") && events.count() == 1,
        "{lines:?}"
    );
    receiver.kill()?;
    running.stop()
}
