//! Dead letters: events that a subscriber rejects are stored. An operator lists and replays them.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use mercato_embedded::{Options, Store};
use mercato_ports::documents::Documents;
use mercato_ports::events::Event;
use mercato_ports::manifest::ShopManifest;
use serde_json::Value;

use crate::binary::{Binary, binary_trials, fails};
use crate::process::{Home, Process};
use crate::values::text_at;
use crate::wait::eventually;

/// The time limit from the outbox to the dead letters.
const LIMIT: Duration = Duration::from_secs(30);

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    binary_trials!(
        "dead_letters",
        [
            a_rejected_event_is_listed_and_can_be_replayed,
            a_missing_dead_letter_cannot_be_replayed
        ]
    )
}

/// Returns the manifests of some services of the shop.
fn manifest() -> Result<ShopManifest> {
    let services = [
        ("accounts", include_str!("../../components/accounts/service.toml")),
        ("catalog", include_str!("../../components/catalog/service.toml")),
        ("orders", include_str!("../../components/orders/service.toml")),
    ];
    let services = services
        .into_iter()
        .map(|(name, text)| Ok((name.to_owned(), toml::from_str(text)?)))
        .collect::<Result<BTreeMap<_, _>>>()?;
    Ok(ShopManifest { services })
}

/// Puts an event into the outbox of a stopped shop.
fn publish(home: &Home, event: Event) -> Result<()> {
    let store = Store::open(&home.data(), &manifest()?, Options::default())?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime
        .block_on(store.commit(Vec::new(), vec![event]))
        .map_err(|error| anyhow::anyhow!("the event should be published: {error:?}"))
}

/// Returns `mercato dead-letters` with these words.
fn dead_letters(binary: &Binary, home: &Home, words: &[&str]) -> Command {
    let mut command = binary.command(home.path());
    command.arg("dead-letters").args(words);
    command.arg("--shop").arg(&binary.shop);
    command.arg("--data").arg(home.data());
    command
}

/// Runs `mercato dead-letters` and returns the lines that it prints.
fn run(binary: &Binary, home: &Home, words: &[&str]) -> Result<Vec<Value>> {
    let mut process = Process::start(home, &mut dead_letters(binary, home, words))?;
    ensure!(process.wait(LIMIT)?.success(), "{}", process.log()?);
    let lines = process.printed();
    lines
        .iter()
        .map(|line| serde_json::from_str(line).with_context(|| format!("{line} should be JSON")))
        .collect()
}

/// Runs the shop until it has rejected the event.
fn run_until_rejected(binary: &Binary, home: &Home) -> Result<()> {
    let running = binary.start(home)?;
    eventually(LIMIT, "the log should name the dead letter", || {
        let log = running.process.log()?;
        Ok((log.contains("dead letter"), log))
    })?;
    let rejected = r#"mercato_event_deliveries_total{subscriber="orders",outcome="rejected"}"#;
    eventually(LIMIT, "the dead letter should be counted", || {
        let count = running.shop().metric(rejected)?;
        Ok((count > 0, count))
    })?;
    running.stop()
}

fn a_rejected_event_is_listed_and_can_be_replayed(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    binary.start(&home)?.stop()?;
    ensure!(
        run(binary, &home, &["list"])?.is_empty(),
        "a new shop should have no dead letters"
    );
    publish(
        &home,
        Event {
            id: "event-1".into(),
            kind: "mercato.orders.order-due".into(),
            subject: "order-due/1".into(),
            time: 1,
            due: None,
            data: r#"{"nothing": "that an order's event has"}"#.into(),
        },
    )?;
    for _ in 0..2 {
        run_until_rejected(binary, &home)?;
        let letters = run(binary, &home, &["list"])?;
        let [letter] = letters.as_slice() else {
            anyhow::bail!("there should be one dead letter: {letters:?}");
        };
        ensure!(
            text_at(letter, "/subscriber")? == "orders"
                && text_at(letter, "/event/id")? == "event-1"
                && text_at(letter, "/reason")?.contains("can't be read"),
            "{letter}"
        );
        let id = letter.get("id").map(Value::to_string).unwrap_or_default();
        run(binary, &home, &["replay", &id])?;
    }
    ensure!(
        run(binary, &home, &["list"])?.is_empty(),
        "a replayed event should not be a dead letter"
    );
    Ok(())
}

fn a_missing_dead_letter_cannot_be_replayed(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let replay = |id: &str| dead_letters(binary, &home, &["replay", id]);
    fails(&home, &mut replay("1"), &["data folder"])?;
    binary.start(&home)?.stop()?;
    fails(&home, &mut replay("7"), &["dead letter 7"])?;
    Ok(())
}
