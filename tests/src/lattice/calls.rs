//! The calls of a request on the lattice. Each goes through NATS, so their number must not depend on the
//! number of lines or products.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::control::Lattice;
use crate::fixtures::unique;
use crate::shop::{As, Shop, User};
use crate::trials::failed;

/// The calls of a request and of its events are over after this time without a call.
const QUIET: Duration = Duration::from_secs(3);

/// The time limit for the calls of one request.
const LIMIT: Duration = Duration::from_secs(60);

/// The number of each call, by the caller, the called component and the function.
type Graph = BTreeMap<(String, String, String), usize>;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>, lattice: &Arc<Lattice>) -> Vec<Trial> {
    let trial = |name: &str, test: fn(&Shop, &Lattice) -> Result<()>| {
        let (shop, lattice) = (Arc::clone(shop), Arc::clone(lattice));
        Trial::test(format!("lattice::calls::{name}"), move || {
            test(&shop, &lattice).map_err(failed)
        })
    };
    vec![
        // The first test, since orders set timers that call later.
        trial(
            "a_list_calls_once_whatever_its_length",
            a_list_calls_once_whatever_its_length,
        ),
        trial(
            "an_order_of_five_calls_as_often_as_an_order_of_one",
            an_order_of_five_calls_as_often_as_an_order_of_one,
        ),
        trial(
            "a_cart_of_five_calls_as_often_as_a_cart_of_one",
            a_cart_of_five_calls_as_often_as_a_cart_of_one,
        ),
    ]
}

/// Lets the cache know that the session of a user lives. It forgets that after seconds.
fn warm_up(shop: &Shop, user: &User) -> Result<()> {
    shop.query(user.caller(), "{ sessions { _id } }")?
        .list("/sessions")
        .map(drop)
}

fn an_order_of_five_calls_as_often_as_an_order_of_one(shop: &Shop, lattice: &Lattice) -> Result<()> {
    let user = shop.register("calls")?;
    let products = (0..5)
        .map(|_| shop.product(100, 1000))
        .collect::<Result<Vec<_>>>()?;
    let lines: Vec<_> = products.iter().map(|id| (id.as_str(), 1)).collect();
    let mut calls = Calls::watch(lattice)?;
    let mut graphs = Vec::new();
    for lines in [lines.get(..1).context("a line")?, &lines] {
        warm_up(shop, &user)?;
        let graph = calls.during(|| {
            shop.order(user.caller(), lines)?;
            Ok(())
        })?;
        println!("an order of {}:\n{}", lines.len(), drawn(&graph));
        graphs.push(graph);
    }
    let [one, five] = graphs.as_slice() else {
        bail!("there should be two graphs");
    };
    ensure!(
        one == five,
        "the number of lines should not change the calls:\n{}\n{}",
        drawn(one),
        drawn(five)
    );
    once(one, "gateway")?;
    once(one, "orders")
}

fn a_cart_of_five_calls_as_often_as_a_cart_of_one(shop: &Shop, lattice: &Lattice) -> Result<()> {
    let user = shop.register("calls")?;
    let mut calls = Calls::watch(lattice)?;
    let mut graphs = Vec::new();
    for more in [1, 4] {
        for _ in 0..more {
            let product = shop.product(100, 10)?;
            shop.add_to_cart(user.caller(), &product, 1)?
                .int("/addToCart/total")?;
        }
        warm_up(shop, &user)?;
        let graph = calls.during(|| {
            let view = "{ cart { total products { quantity } changes { kind } } }";
            shop.query(user.caller(), view)?.int("/cart/total")?;
            Ok(())
        })?;
        println!("a cart with {more} more:\n{}", drawn(&graph));
        once(&graph, "carts")?;
        graphs.push(graph);
    }
    ensure!(
        graphs.first() == graphs.last(),
        "the number of lines should not change the calls"
    );
    Ok(())
}

fn a_list_calls_once_whatever_its_length(shop: &Shop, lattice: &Lattice) -> Result<()> {
    for _ in 0..20 {
        shop.product(100, 10)?;
    }
    // The first list of a shop checks that all products can be searched.
    list(shop, "{ productConnection(first: 1) { nodes { _id } } }", 1)?;
    let mut calls = Calls::watch(lattice)?;
    for first in [1, 20] {
        // The cache has no response for this name.
        let name = unique("list").replace('-', "_");
        let query = format!(
            "query {name} {{ productConnection(first: {first}) {{ nodes {{ _id name price quantity }} }} }}"
        );
        let graph = calls.during(|| list(shop, &query, first))?;
        println!("a list of {first}:\n{}", drawn(&graph));
        once(&graph, "gateway")?;
        once(&graph, "catalog")?;
        let cached = calls.during(|| list(shop, &query, first))?;
        println!("the same again:\n{}", drawn(&cached));
        ensure!(
            cached.values().sum::<usize>() == 1,
            "a cached response should need one call: {cached:?}"
        );
    }
    Ok(())
}

fn list(shop: &Shop, query: &str, first: usize) -> Result<()> {
    let answer = shop.graphql(As::Anonymous, query, json!({}))?;
    let found = answer.list("/productConnection/nodes")?.len();
    ensure!(found == first, "there should be {first} products, not {found}");
    Ok(())
}

/// Fails if a caller makes one call twice.
fn once(graph: &Graph, caller: &str) -> Result<()> {
    let own = graph.iter().filter(|((from, ..), _)| from.ends_with(caller));
    let (mut calls, mut twice) = (0, Vec::new());
    for (call, count) in own {
        calls += 1;
        if *count > 1 {
            twice.push(call);
        }
    }
    ensure!(calls > 0, "{caller} should make a call");
    ensure!(
        twice.is_empty(),
        "{caller} should make each call once, not {twice:?}:\n{}",
        drawn(graph)
    );
    Ok(())
}

/// Returns a line for each call.
fn drawn(graph: &Graph) -> String {
    let line = |((from, to, call), count): (&(String, String, String), &usize)| {
        format!("  {count} x {from} -> {to}: {call}\n")
    };
    graph.iter().map(line).collect()
}

/// A watcher of every call on the lattice.
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
        ensure!(first == "ready", "the watcher should print `ready`, not {first}");
        Ok(calls)
    }

    /// Returns the calls during an action. No other requests may run.
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

    /// Returns the calls until no more arrive.
    fn until_quiet(&self) -> Result<Vec<String>> {
        let started = Instant::now();
        let mut lines = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(QUIET) {
            lines.push(line);
            ensure!(started.elapsed() < LIMIT, "the calls should end: {lines:?}");
        }
        Ok(lines)
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        // The watcher may have ended already.
        let _ = self.watcher.kill();
        let _ = self.watcher.wait();
    }
}
