//! Faults of a lattice, one after the other, while orders are placed: whatever ends, no order is lost or doubled, no piece is
//! oversold, and every event arrives.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use libtest_mimic::Trial;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::Lattice;
use super::rollout::spread_over_zones;
use crate::client::As;
use crate::trials::failed;
use crate::world::{User, World, place_order};

/// Who is ended, and how.
const FAULTS: [(&str, &str, Signal); 5] = [
    ("redis_is_killed", "Redis", Signal::KILL),
    ("kafka_is_killed", "Kafka", Signal::KILL),
    ("mongodb_is_killed", "MongoDB", Signal::KILL),
    ("a_host_is_terminated", "host 1", Signal::TERM),
    ("a_host_is_killed", "host 2", Signal::KILL),
];

/// What each host runs that the services call.
const PROVIDERS: [&str; 5] = [
    "mercato-http",
    "mercato-kafka",
    "mercato-mongodb",
    "mercato-redis",
    "mercato-smtp",
];

/// How many place orders at once.
const WORKERS: usize = 4;

/// How long orders are placed before a fault.
const BEFORE: Duration = Duration::from_secs(3);

/// How long orders are placed after it; what ended is started again meanwhile.
const AFTER: Duration = Duration::from_secs(20);

/// How long events may take to arrive after a fault.
const PATIENCE: Duration = Duration::from_secs(150);

/// The tests of this area.
pub fn tests(world: &Arc<World>, lattice: &Arc<Lattice>) -> Vec<Trial> {
    FAULTS
        .into_iter()
        .map(|(name, process, signal)| {
            let (world, lattice) = (Arc::clone(world), Arc::clone(lattice));
            Trial::test(format!("lattice::faults::{name}"), move || {
                let ended = || end(&lattice, process, signal);
                whole(&lattice)
                    .and_then(|()| under_load(&world, name, ended))
                    .map_err(failed)
            })
        })
        .collect()
}

/// Waits until both zones have everything: what the test before has ended may still be starting.
fn whole(lattice: &Lattice) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match spread_over_zones(lattice).and_then(|()| providers_in_both_zones(lattice)) {
            Err(error) if Instant::now() > deadline => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(500)),
            Ok(()) => return Ok(()),
        }
    }
}

fn providers_in_both_zones(lattice: &Lattice) -> Result<()> {
    let status = lattice.status()?;
    let list = |value: &Value, key: &str| value.get(key).and_then(Value::as_array).cloned();
    for host in list(&status, "hosts").context("there are hosts")? {
        let there = list(&host, "providers").unwrap_or_default();
        for provider in PROVIDERS {
            let is_it = |one: &Value| one.get("id").and_then(Value::as_str) == Some(provider);
            ensure!(there.iter().any(is_it), "{provider} is missing of {there:?}");
        }
    }
    Ok(())
}

/// Ends a process of the lattice.
fn end(lattice: &Lattice, name: &str, signal: Signal) -> Result<()> {
    let pid = Pid::from_raw(lattice.process(name)?).context("0 is no process")?;
    kill_process(pid, signal).with_context(|| format!("{name} should run"))
}

/// What shoppers saw.
#[derive(Default)]
struct Seen {
    /// The orders that were answered, and when.
    placed: Mutex<Vec<(String, Instant)>>,
    /// The requests that were not answered by an order.
    failed: AtomicUsize,
}

fn under_load(world: &World, name: &str, fault: impl FnOnce() -> Result<()>) -> Result<()> {
    let user = world.register("faults")?;
    let product = world.product(100, 1_000_000)?;
    let (seen, over) = (Seen::default(), AtomicBool::new(false));
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    shop(world, &user, &product, &seen);
                }
            });
        }
        std::thread::sleep(BEFORE);
        let done = fault();
        std::thread::sleep(AFTER);
        over.store(true, Ordering::Relaxed);
        done
    })?;
    let placed = seen
        .placed
        .into_inner()
        .map_err(|_| anyhow!("a shopper panicked"))?;
    let failed = seen.failed.into_inner();
    let mut times: Vec<_> = placed.iter().map(|(_, at)| *at).collect();
    times.extend([begun, Instant::now()]);
    times.sort();
    let pauses = times.iter().zip(times.iter().skip(1));
    let pause = pauses.map(|(a, b)| *b - *a).max().unwrap_or_default();
    println!(
        "{name}: {} orders placed, {failed} requests failed, the longest time without an order {:.1} s",
        placed.len(),
        pause.as_secs_f32()
    );
    check(world, &user, &product, &placed, failed)
}

/// Places one order.
fn shop(world: &World, user: &User, product: &str, seen: &Seen) {
    let answer = place_order(&world.shop, user.caller(), &[(product, 1)]);
    let id = answer.ok().and_then(|answer| {
        let id = answer.text("/placeOrder/_id").ok()?.to_owned();
        answer.errors().is_empty().then_some(id)
    });
    match (id, seen.placed.lock()) {
        (Some(id), Ok(mut placed)) => placed.push((id, Instant::now())),
        _ => {
            seen.failed.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Every order that was answered is there, none that nobody asked for, and what is sold is what the orders hold.
fn check(
    world: &World,
    user: &User,
    product: &str,
    placed: &[(String, Instant)],
    failed: usize,
) -> Result<()> {
    ensure!(!placed.is_empty(), "orders should have been placed");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let settled = settled(world, user, product, placed, failed);
        match settled {
            Ok(()) => return Ok(()),
            Err(error) if Instant::now() > deadline => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(500)),
        }
    }
}

fn settled(
    world: &World,
    user: &User,
    product: &str,
    placed: &[(String, Instant)],
    failed: usize,
) -> Result<()> {
    let kept = orders(world, user)?;
    for (id, _) in placed {
        ensure!(kept.contains(id), "order {id} was answered, and is gone");
    }
    ensure!(
        kept.len() <= placed.len() + failed,
        "{} orders are there, of {} that were asked for",
        kept.len(),
        placed.len() + failed
    );
    let stock = world.stock(product)?;
    ensure!(
        stock.reserved == 0 && usize::try_from(stock.sold).is_ok_and(|sold| sold == kept.len()),
        "{} orders are there, and the stock is {stock:?}",
        kept.len()
    );
    Ok(())
}

/// The ids of a user's orders.
fn orders(world: &World, user: &User) -> Result<HashSet<String>> {
    let query = "query ($after: String) { orderConnection(first: 100, after: $after) {
        edges { node { _id } } pageInfo { hasNextPage endCursor } } }";
    let mut orders = HashSet::new();
    let mut after = Value::Null;
    loop {
        let page = world
            .shop
            .graphql(As::Token(&user.token), query, json!({ "after": after }))?;
        for edge in page.list("/orderConnection/edges")? {
            let id = edge.pointer("/node/_id").and_then(Value::as_str);
            orders.insert(id.context("an order has an id")?.to_owned());
        }
        if page.data("/orderConnection/pageInfo/hasNextPage")? == &json!(false) {
            return Ok(orders);
        }
        after = page.data("/orderConnection/pageInfo/endCursor")?.clone();
    }
}
