//! Dead letters: what no subscriber takes is kept for a person, who looks at it and has it delivered again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use mercato_embedded::{Options, Store};
use mercato_ports::documents::Documents;
use mercato_ports::events::Event;
use mercato_ports::manifest::ShopManifest;
use serde_json::Value;

use crate::metrics::value;
use crate::own::{Binary, Home, Process, Running, own_trials, refuses};

/// How long an event may take from the outbox to the dead letters.
const PATIENCE: Duration = Duration::from_secs(30);

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    own_trials!(
        "dead_letters",
        [
            what_nobody_takes_is_listed_and_can_be_delivered_again,
            what_is_not_there_is_not_delivered_again,
        ]
    )
}

/// The manifests of the services, as the shop is composed of them.
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

/// Puts an event into the outbox of a shop that is stopped.
fn publish(home: &Home, event: Event) -> Result<()> {
    let store = Store::open(&home.data(), &manifest()?, Options::default())?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime
        .block_on(store.commit(Vec::new(), vec![event]))
        .map_err(|failure| anyhow::anyhow!("the event should be published: {failure:?}"))
}

/// `mercato dead-letters list`, once there is one.
fn letters(binary: &Binary, home: &Home) -> Result<Vec<Value>> {
    let mut process = Process::start(home, command(binary, home).arg("list"))?;
    let status = process.wait(PATIENCE)?;
    ensure!(status.success(), "{}", process.log()?);
    let lines = process.printed();
    lines
        .iter()
        .map(|line| serde_json::from_str(line).with_context(|| format!("{line} should be JSON")))
        .collect()
}

fn command(binary: &Binary, home: &Home) -> DeadLetters {
    let mut command = binary.command(home.path());
    command.arg("dead-letters");
    DeadLetters {
        command,
        options: vec![
            "--shop".into(),
            binary.shop.clone().into(),
            "--data".into(),
            home.data().into(),
        ],
    }
}

/// The command without its last words.
struct DeadLetters {
    command: std::process::Command,
    options: Vec<std::ffi::OsString>,
}

impl DeadLetters {
    fn arg(&mut self, word: &str) -> &mut std::process::Command {
        self.command.args(word.split(' ')).args(&self.options)
    }
}

/// Runs the shop until it has given up on the event.
fn run_until_refused(binary: &Binary, home: &Home) -> Result<()> {
    let running = Running::start(home, &mut binary.up(home, &home.data()))?;
    let deadline = Instant::now() + PATIENCE;
    while !running.process.log()?.contains("dead letter") {
        ensure!(
            Instant::now() < deadline,
            "the log should tell of the dead letter:\n{}",
            running.process.log()?
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    let rejected = r#"mercato_event_deliveries_total{subscriber="orders",outcome="rejected"}"#;
    while value(&running.shop(), rejected)? == 0 {
        ensure!(Instant::now() < deadline, "the dead letter should be counted");
        std::thread::sleep(Duration::from_millis(50));
    }
    running.stop()
}

fn what_nobody_takes_is_listed_and_can_be_delivered_again(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    Running::start(&home, &mut binary.up(&home, &home.data()))?.stop()?;
    ensure!(
        letters(binary, &home)?.is_empty(),
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
        run_until_refused(binary, &home)?;
        let letters = letters(binary, &home)?;
        let [letter] = letters.as_slice() else {
            anyhow::bail!("there should be one dead letter: {letters:?}");
        };
        let (subscriber, event) = (
            letter.pointer("/subscriber").and_then(Value::as_str),
            letter.pointer("/event/id").and_then(Value::as_str),
        );
        ensure!(
            (subscriber, event) == (Some("orders"), Some("event-1")),
            "{letter}"
        );
        ensure!(
            letter
                .pointer("/reason")
                .and_then(Value::as_str)
                .is_some_and(|reason| reason.contains("can't be read")),
            "{letter}"
        );
        let replay = format!("replay {}", letter.pointer("/id").unwrap_or(&Value::Null));
        let mut process = Process::start(&home, command(binary, &home).arg(&replay))?;
        ensure!(process.wait(PATIENCE)?.success(), "{}", process.log()?);
    }
    ensure!(
        letters(binary, &home)?.is_empty(),
        "what is to be delivered again should be dead no longer"
    );
    Ok(())
}

fn what_is_not_there_is_not_delivered_again(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    refuses(&home, command(binary, &home).arg("replay 1"), &["data folder"])?;
    Running::start(&home, &mut binary.up(&home, &home.data()))?.stop()?;
    refuses(&home, command(binary, &home).arg("replay 7"), &["dead letter 7"])?;
    Ok(())
}
