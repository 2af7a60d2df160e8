//! Faults of a lattice, one after the other, while orders are placed. No order may be lost or doubled, no
//! unit oversold, and every event must arrive.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use libtest_mimic::Trial;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::control::{Lattice, list};
use super::rollout::spread_over_zones;
use crate::shop::{Shop, User};
use crate::trials::failed;
use crate::values::text_at;
use crate::wait::retry;

/// The name of a fault, the process that ends, and the signal.
const FAULTS: [(&str, &str, Signal); 5] = [
    ("redis_is_killed", "Redis", Signal::KILL),
    ("kafka_is_killed", "Kafka", Signal::KILL),
    ("mongodb_is_killed", "MongoDB", Signal::KILL),
    ("a_host_is_terminated", "host 1", Signal::TERM),
    ("a_host_is_killed", "host 2", Signal::KILL),
];

/// The capability providers on each host.
const PROVIDERS: [&str; 5] = [
    "mercato-http",
    "mercato-kafka",
    "mercato-mongodb",
    "mercato-redis",
    "mercato-smtp",
];

/// The number of concurrent shoppers.
const WORKERS: usize = 4;

/// How long shoppers place orders before a fault.
const BEFORE: Duration = Duration::from_secs(3);

/// How long shoppers place orders after a fault. The ended process restarts in this time.
const AFTER: Duration = Duration::from_secs(20);

/// The time limit for events after a fault.
const LIMIT: Duration = Duration::from_secs(150);

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>, lattice: &Arc<Lattice>) -> Vec<Trial> {
    FAULTS
        .into_iter()
        .map(|(name, process, signal)| {
            let (shop, lattice) = (Arc::clone(shop), Arc::clone(lattice));
            Trial::test(format!("lattice::faults::{name}"), move || {
                let ended = || end(&lattice, process, signal);
                wait_until_complete(&lattice)
                    .and_then(|()| under_load(&shop, name, ended))
                    .map_err(failed)
            })
        })
        .collect()
}

/// Waits until both zones are complete, since the process that an earlier test has ended may still be
/// starting.
fn wait_until_complete(lattice: &Lattice) -> Result<()> {
    retry(LIMIT, || {
        spread_over_zones(lattice)?;
        providers_in_both_zones(lattice)
    })
}

fn providers_in_both_zones(lattice: &Lattice) -> Result<()> {
    let status = lattice.status()?;
    ensure!(
        !list(&status, "hosts").is_empty(),
        "there should be hosts: {status}"
    );
    for host in list(&status, "hosts") {
        let found = list(host, "providers");
        for provider in PROVIDERS {
            let is_it = |one: &Value| one.get("id").and_then(Value::as_str) == Some(provider);
            ensure!(found.iter().any(is_it), "{provider} is missing in {found:?}");
        }
    }
    Ok(())
}

/// Ends a process of the lattice.
fn end(lattice: &Lattice, name: &str, signal: Signal) -> Result<()> {
    let pid = Pid::from_raw(lattice.process(name)?).context("0 is no process")?;
    kill_process(pid, signal).with_context(|| format!("{name} should be running"))
}

/// The results of the shoppers.
#[derive(Default)]
struct Results {
    /// The confirmed orders with the times of their confirmation.
    placed: Mutex<Vec<(String, Instant)>>,
    /// The number of requests without a confirmation.
    failed: AtomicUsize,
}

fn under_load(shop: &Shop, name: &str, fault: impl FnOnce() -> Result<()>) -> Result<()> {
    let user = shop.register("faults")?;
    let product = shop.product(100, 1_000_000)?;
    let (results, over) = (Results::default(), AtomicBool::new(false));
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    place_one(shop, &user, &product, &results);
                }
            });
        }
        std::thread::sleep(BEFORE);
        let done = fault();
        std::thread::sleep(AFTER);
        over.store(true, Ordering::Relaxed);
        done
    })?;
    let placed = results
        .placed
        .into_inner()
        .map_err(|_| anyhow!("a shopper panicked"))?;
    let failed = results.failed.into_inner();
    let mut times: Vec<_> = placed.iter().map(|(_, at)| *at).collect();
    times.extend([started, Instant::now()]);
    times.sort();
    let pauses = times.iter().zip(times.iter().skip(1));
    let pause = pauses.map(|(a, b)| *b - *a).max().unwrap_or_default();
    println!(
        "{name}: {} orders placed, {failed} requests failed, the longest time without an order {:.1} s",
        placed.len(),
        pause.as_secs_f32()
    );
    check(shop, &user, &product, &placed, failed)
}

/// Places one order.
fn place_one(shop: &Shop, user: &User, product: &str, results: &Results) {
    let answer = shop.place_order(user.caller(), &[(product, 1)]);
    let id = answer.ok().and_then(|answer| {
        let id = answer.text("/placeOrder/_id").ok()?.to_owned();
        answer.errors().is_empty().then_some(id)
    });
    match (id, results.placed.lock()) {
        (Some(id), Ok(mut placed)) => placed.push((id, Instant::now())),
        _ => {
            results.failed.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Waits until every confirmed order exists, no order exists that no shopper requested, and the sold units
/// match the orders.
fn check(shop: &Shop, user: &User, product: &str, placed: &[(String, Instant)], failed: usize) -> Result<()> {
    ensure!(!placed.is_empty(), "orders should be placed");
    retry(LIMIT, || check_settled(shop, user, product, placed, failed))
}

fn check_settled(
    shop: &Shop,
    user: &User,
    product: &str,
    placed: &[(String, Instant)],
    failed: usize,
) -> Result<()> {
    let stored = orders(shop, user)?;
    for (id, _) in placed {
        ensure!(stored.contains(id), "the confirmed order {id} is missing");
    }
    ensure!(
        stored.len() <= placed.len() + failed,
        "there are {} orders for {} requests",
        stored.len(),
        placed.len() + failed
    );
    let stock = shop.stock(product)?;
    ensure!(
        stock.reserved == 0 && usize::try_from(stock.sold).is_ok_and(|sold| sold == stored.len()),
        "there are {} orders, and the stock is {stock:?}",
        stored.len()
    );
    Ok(())
}

/// Returns the ids of a user's orders.
fn orders(shop: &Shop, user: &User) -> Result<HashSet<String>> {
    let query = "query ($after: String) { orderConnection(first: 100, after: $after) {
        edges { node { _id } } pageInfo { hasNextPage endCursor } } }";
    let orders = shop.all_nodes(user.caller(), query, "/orderConnection", json!({}))?;
    let ids = orders.iter().map(|order| Ok(text_at(order, "/_id")?.to_owned()));
    ids.collect()
}
