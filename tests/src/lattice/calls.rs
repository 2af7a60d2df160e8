//! Which calls a request makes on the lattice: each goes through NATS, so there is never one for each line or product.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::Lattice;
use crate::client::As;
use crate::trials::failed;
use crate::world::{World, place_order, unique};

/// So long without a call, and a request's calls are over, with those of its events.
const QUIET: Duration = Duration::from_secs(3);

/// How long the calls of one request may go on.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often each call was made: who called whom for what.
type Graph = BTreeMap<(String, String, String), usize>;

/// The tests of this area.
pub fn tests(world: &Arc<World>, lattice: &Arc<Lattice>) -> Vec<Trial> {
    let trial = |name: &str, test: fn(&World, &Lattice) -> Result<()>| {
        let (world, lattice) = (Arc::clone(world), Arc::clone(lattice));
        Trial::test(format!("lattice::calls::{name}"), move || {
            test(&world, &lattice).map_err(failed)
        })
    };
    vec![
        // First, since orders set timers that ring later.
        trial("a_list_calls_once_whatever_its_length", lists),
        trial("an_order_of_five_calls_as_often_as_an_order_of_one", orders),
        trial("a_cart_of_five_calls_as_often_as_a_cart_of_one", carts),
    ]
}

fn orders(world: &World, lattice: &Lattice) -> Result<()> {
    let user = world.register("calls")?;
    let products = (0..5)
        .map(|_| world.product(100, 1000))
        .collect::<Result<Vec<_>>>()?;
    let lines: Vec<_> = products.iter().map(|id| (id.as_str(), 1)).collect();
    let mut calls = Calls::watch(lattice)?;
    let mut graphs = Vec::new();
    for lines in [lines.get(..1).context("a line")?, &lines] {
        let graph = calls.during(|| {
            place_order(&world.shop, user.caller(), lines)?.text("/placeOrder/_id")?;
            Ok(())
        })?;
        println!("an order of {}:\n{}", lines.len(), drawn(&graph));
        graphs.push(graph);
    }
    let [one, five] = graphs.as_slice() else {
        bail!("two orders should have been placed");
    };
    ensure!(
        one == five,
        "more lines should not be more calls:\n{}\n{}",
        drawn(one),
        drawn(five)
    );
    once(one, "gateway")?;
    once(one, "orders")
}

fn carts(world: &World, lattice: &Lattice) -> Result<()> {
    let user = world.register("calls")?;
    let mut calls = Calls::watch(lattice)?;
    let mut graphs = Vec::new();
    for more in [1, 4] {
        for _ in 0..more {
            let product = world.product(100, 10)?;
            let add = "mutation ($product: ID!) { addToCart(productId: $product) { total } }";
            world
                .shop
                .graphql(user.caller(), add, json!({ "product": product }))?
                .int("/addToCart/total")?;
        }
        let graph = calls.during(|| {
            let view = "{ cart { total products { quantity } changes { kind } } }";
            world.shop.query(user.caller(), view)?.int("/cart/total")?;
            Ok(())
        })?;
        println!("a cart with {more} more:\n{}", drawn(&graph));
        once(&graph, "carts")?;
        graphs.push(graph);
    }
    ensure!(
        graphs.first() == graphs.last(),
        "more lines should not be more calls"
    );
    Ok(())
}

fn lists(world: &World, lattice: &Lattice) -> Result<()> {
    for _ in 0..20 {
        world.product(100, 10)?;
    }
    let mut calls = Calls::watch(lattice)?;
    for first in [1, 20] {
        // A name that no answer was kept for.
        let name = unique("list").replace('-', "_");
        let query = format!(
            "query {name} {{ productConnection(first: {first}) {{ nodes {{ _id name price quantity }} }} }}"
        );
        let graph = calls.during(|| list(world, &query, first))?;
        println!("a list of {first}:\n{}", drawn(&graph));
        once(&graph, "gateway")?;
        once(&graph, "catalog")?;
        let kept = calls.during(|| list(world, &query, first))?;
        println!("the same again:\n{}", drawn(&kept));
        ensure!(
            kept.values().sum::<usize>() == 1,
            "a kept answer should take one call: {kept:?}"
        );
    }
    Ok(())
}

fn list(world: &World, query: &str, first: usize) -> Result<()> {
    let answer = world.shop.graphql(As::Anonymous, query, json!({}))?;
    let found = answer.list("/productConnection/nodes")?.len();
    ensure!(found == first, "there should be {first} products, not {found}");
    Ok(())
}

/// Fails where a caller makes one call twice.
fn once(graph: &Graph, caller: &str) -> Result<()> {
    let own = graph.iter().filter(|((from, ..), _)| from.ends_with(caller));
    let (mut calls, mut twice) = (0, Vec::new());
    for (call, count) in own {
        calls += 1;
        if *count > 1 {
            twice.push(call);
        }
    }
    ensure!(calls > 0, "{caller} should call someone");
    ensure!(
        twice.is_empty(),
        "{caller} should make each call once, not {twice:?}:\n{}",
        drawn(graph)
    );
    Ok(())
}

fn drawn(graph: &Graph) -> String {
    let line = |((from, to, call), count): (&(String, String, String), &usize)| {
        format!("  {count} x {from} -> {to}: {call}\n")
    };
    graph.iter().map(line).collect()
}

/// Sees every call on the lattice.
struct Calls {
    watcher: Child,
    lines: Receiver<String>,
}

impl Calls {
    fn watch(lattice: &Lattice) -> Result<Self> {
        let mut command = lattice.command()?;
        command.args(["calls", "--json"]).stdout(Stdio::piped());
        let mut watcher = command.spawn()?;
        let stdout = watcher.stdout.take().context("the watcher should print")?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let calls = Self { watcher, lines };
        let first = calls.lines.recv_timeout(Duration::from_secs(20))?;
        ensure!(first == "ready", "the watcher should be ready, and says {first}");
        Ok(calls)
    }

    /// The calls that are made because of an action. Nothing else must go on.
    fn during(&mut self, action: impl FnOnce() -> Result<()>) -> Result<Graph> {
        self.until_quiet()?;
        action()?;
        let mut graph = Graph::new();
        for line in self.until_quiet()? {
            let call: Value = serde_json::from_str(&line)?;
            let text = |key: &str| {
                call.get(key)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            let called = format!("{} {}", text("interface"), text("function"));
            *graph.entry((text("from"), text("to"), called)).or_default() += 1;
        }
        Ok(graph)
    }

    /// What is told until nothing was told for a while.
    fn until_quiet(&self) -> Result<Vec<String>> {
        let started = Instant::now();
        let mut lines = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(QUIET) {
            lines.push(line);
            ensure!(
                started.elapsed() < PATIENCE,
                "the calls should end, and do not: {lines:?}"
            );
        }
        Ok(lines)
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        // Where it has ended by itself, there is nothing to end.
        let _ = self.watcher.kill();
        let _ = self.watcher.wait();
    }
}
