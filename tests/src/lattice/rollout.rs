//! A new version of the manifest, put in place while shoppers shop.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::Lattice;
use crate::client::As;
use crate::trials::failed;
use crate::world::{User, World, place_order, unique};

/// How many instances of the catalog there are, before and after.
const INSTANCES: (u64, u64) = (32, 48);

/// How many shop at once.
const SHOPPERS: usize = 4;

/// How long hosts may take to do what wadm has them do.
const PATIENCE: Duration = Duration::from_secs(60);

/// The tests of this area.
pub fn tests(world: &Arc<World>, lattice: &Arc<Lattice>) -> Vec<Trial> {
    let (world, own) = (Arc::clone(world), Arc::clone(lattice));
    let lattice = Arc::clone(lattice);
    vec![
        Trial::test(
            "lattice::rollout::components_are_spread_as_the_labels_ask",
            move || spread_over_zones(&lattice).map_err(failed),
        ),
        Trial::test(
            "lattice::rollout::more_instances_without_a_failed_request",
            move || more_instances(&world, &own).map_err(failed),
        ),
    ]
}

/// Half of the instances of each component run in each zone.
/// Fails unless every component runs in both zones alike.
pub fn spread_over_zones(lattice: &Lattice) -> Result<()> {
    let status = lattice.status()?;
    for component in [
        "gateway",
        "accounts",
        "carts",
        "catalog",
        "notifications",
        "orders",
        "payments",
        "webhooks",
    ] {
        let there = instances(&status, component)?;
        let counts: Vec<_> = there.values().collect();
        let halves = matches!(counts.as_slice(), [one, other] if one == other);
        ensure!(
            halves && there.contains_key("a") && there.contains_key("b"),
            "{component} runs in {there:?}"
        );
    }
    Ok(())
}

/// How many instances of a component each zone has.
fn instances(status: &Value, component: &str) -> Result<BTreeMap<String, u64>> {
    let mut zones = BTreeMap::new();
    let list = |value: &Value, key: &str| {
        value
            .get(key)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    for host in list(status, "hosts") {
        let zone = host
            .pointer("/labels/zone")
            .and_then(Value::as_str)
            .context("a host has a zone")?;
        for found in list(&host, "components") {
            let id = found.get("id").and_then(Value::as_str).unwrap_or_default();
            if id.ends_with(component) {
                let count = found
                    .get("instances")
                    .and_then(Value::as_u64)
                    .context("instances are a number")?;
                *zones.entry(zone.to_owned()).or_default() += count;
            }
        }
    }
    Ok(zones)
}

fn more_instances(world: &World, lattice: &Lattice) -> Result<()> {
    let (before, after) = INSTANCES;
    let manifest = lattice.manifest()?;
    let (head, catalog) = manifest
        .split_once("- name: catalog\n")
        .context("there is a catalog")?;
    let raised = catalog.replacen(&format!("instances: {before}"), &format!("instances: {after}"), 1);
    ensure!(raised != catalog, "the catalog should have {before} instances");
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("wadm.yaml");
    std::fs::write(&file, format!("{head}- name: catalog\n{raised}"))?;

    let user = world.register("rollout")?;
    let product = world.product(100, 1_000_000)?;
    let (over, longest) = (AtomicBool::new(false), AtomicU64::new(0));
    let (answered, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let deployed = std::thread::scope(|scope| {
        for _ in 0..SHOPPERS {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let begun = Instant::now();
                    let result = shop(world, &user, &product);
                    let took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                    longest.fetch_max(took, Ordering::Relaxed);
                    if let Err(error) = &result {
                        eprintln!("a request failed: {error:#}");
                    }
                    let counter = if result.is_ok() { &answered } else { &failed };
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        std::thread::sleep(Duration::from_secs(1));
        let deployed = lattice
            .deploy(&file, &unique("rollout"))
            .and_then(|()| becomes(lattice, after));
        std::thread::sleep(Duration::from_secs(1));
        over.store(true, Ordering::Relaxed);
        deployed
    });
    deployed?;
    let (answered, failed) = (answered.into_inner(), failed.into_inner());
    let longest = Duration::from_millis(longest.into_inner());
    println!("rollout: {answered} requests were answered, {failed} failed, the longest took {longest:.1?}");
    ensure!(
        answered > 0 && failed == 0,
        "{failed} of {} requests failed",
        answered + failed
    );
    Ok(())
}

/// Reads the product, and orders one.
fn shop(world: &World, user: &User, product: &str) -> Result<()> {
    let query = "query ($id: ID!) { product(id: $id) { _id } }";
    world
        .shop
        .graphql(As::Anonymous, query, json!({ "id": product }))?
        .text("/product/_id")?;
    place_order(&world.shop, user.caller(), &[(product, 1)])?.text("/placeOrder/_id")?;
    Ok(())
}

/// Waits until so many instances of the catalog are there, half of them in each zone.
fn becomes(lattice: &Lattice, count: u64) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let there = instances(&lattice.status()?, "catalog")?;
        if there.len() == 2 && there.values().all(|&half| half * 2 == count) {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(anyhow!(
                "there should be {count} instances, and there are {there:?}"
            ));
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}
