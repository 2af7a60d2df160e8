//! A new version of the manifest is deployed while shoppers place orders.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::control::{Lattice, list};
use crate::fixtures::unique;
use crate::shop::{As, Shop, User};
use crate::trials::failed;
use crate::wait::eventually;

/// The number of instances of the catalog before and after the rollout.
const INSTANCES: (u64, u64) = (32, 48);

/// The number of concurrent shoppers.
const SHOPPERS: usize = 4;

/// The time limit for the hosts to follow the manifest.
const LIMIT: Duration = Duration::from_secs(60);

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>, lattice: &Arc<Lattice>) -> Vec<Trial> {
    let (shop, own) = (Arc::clone(shop), Arc::clone(lattice));
    let lattice = Arc::clone(lattice);
    vec![
        Trial::test(
            "lattice::rollout::components_are_spread_over_the_zones",
            move || spread_over_zones(&lattice).map_err(failed),
        ),
        Trial::test(
            "lattice::rollout::instances_are_added_without_a_failed_request",
            move || add_instances(&shop, &own).map_err(failed),
        ),
    ]
}

/// Fails unless each zone runs half of the instances of each component.
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
        let zones = instances(&status, component)?;
        let counts: Vec<_> = zones.values().collect();
        let halves = matches!(counts.as_slice(), [one, other] if one == other);
        ensure!(
            halves && zones.contains_key("a") && zones.contains_key("b"),
            "{component} runs in {zones:?}"
        );
    }
    Ok(())
}

/// Returns the number of instances of a component in each zone.
fn instances(status: &Value, component: &str) -> Result<BTreeMap<String, u64>> {
    let mut zones = BTreeMap::new();
    for host in list(status, "hosts") {
        let zone = host
            .pointer("/labels/zone")
            .and_then(Value::as_str)
            .context("a host has a zone")?;
        for found in list(host, "components") {
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

fn add_instances(shop: &Shop, lattice: &Lattice) -> Result<()> {
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

    let user = shop.register("rollout")?;
    let product = shop.product(100, 1_000_000)?;
    let (over, longest) = (AtomicBool::new(false), AtomicU64::new(0));
    let (answered, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let deployed = std::thread::scope(|scope| {
        for _ in 0..SHOPPERS {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let started = Instant::now();
                    let result = read_and_order(shop, &user, &product);
                    let took = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
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

/// Reads the product, and orders one unit.
fn read_and_order(shop: &Shop, user: &User, product: &str) -> Result<()> {
    let query = "query ($id: ID!) { product(id: $id) { _id } }";
    shop.graphql(As::Anonymous, query, json!({ "id": product }))?
        .text("/product/_id")?;
    shop.order(user.caller(), &[(product, 1)])?;
    Ok(())
}

/// Waits until the catalog has this many instances, half of them in each zone.
fn becomes(lattice: &Lattice, count: u64) -> Result<()> {
    eventually(LIMIT, format!("there should be {count} instances"), || {
        let zones = instances(&lattice.status()?, "catalog")?;
        let spread = zones.len() == 2 && zones.values().all(|&half| half * 2 == count);
        Ok((spread, zones))
    })
    .map(drop)
}
