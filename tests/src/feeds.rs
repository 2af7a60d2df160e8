//! Large feeds: the real one that `MERCATO_FEED` names, and a generated one where `MERCATO_LARGE` is set.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::client::As;
use crate::import::import;
use crate::own::{Binary, Home, own_trial};
use crate::world::{World, unique};

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    let trial = |name: &str, variable: &str, test: fn(&World, &Binary) -> Result<()>| {
        let world = Arc::clone(world);
        let trial = own_trial(&format!("feeds::{name}"), move |binary| test(&world, binary));
        if std::env::var_os(variable).is_some() || trial.has_ignored_flag() {
            trial
        } else {
            trial
                .with_kind(format!("needs {variable}"))
                .with_ignored_flag(true)
        }
    };
    vec![
        trial("a_real_feed_is_loaded", "MERCATO_FEED", a_real_feed_is_loaded),
        trial(
            "a_hundred_thousand_products_load",
            "MERCATO_LARGE",
            a_hundred_thousand_products_load,
        ),
    ]
}

/// How many products the shop has whose external ids begin so.
fn count(world: &World, prefix: &str) -> Result<usize> {
    let query = "query ($after: String) { productConnection(first: 100, after: $after) {
        edges { node { externalId } } pageInfo { hasNextPage endCursor } } }";
    let mut count = 0;
    let mut after = Value::Null;
    loop {
        let page = world
            .shop
            .graphql(As::Anonymous, query, json!({ "after": after }))?;
        let ids = page.column("/productConnection/edges", "/node/externalId")?;
        count += ids
            .iter()
            .filter(|id| id.as_str().is_some_and(|id| id.starts_with(prefix)))
            .count();
        if page.data("/productConnection/pageInfo/hasNextPage")? == &json!(false) {
            return Ok(count);
        }
        after = page.data("/productConnection/pageInfo/endCursor")?.clone();
    }
}

fn a_real_feed_is_loaded(world: &World, binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let file = std::path::absolute(std::env::var_os("MERCATO_FEED").context("MERCATO_FEED is not set")?)?;
    let report = home.path().join("report.txt");
    let told = report.to_string_lossy();
    for _ in 0..2 {
        import(
            world,
            binary,
            &home,
            &file,
            &["--quantity", "10", "--report", &told],
        )?;
        let report = std::fs::read_to_string(&report)?;
        let refused = report.lines().filter(|line| !line.trim().is_empty()).count();
        let loaded = count(world, "http://www.google.com/base/feeds/snippets/")?;
        // One line of the report may be its header.
        ensure!(
            loaded > 3_000 && (3_226..=3_227).contains(&(loaded + refused)),
            "every row should be loaded or reported: {loaded} and {refused}"
        );
    }
    let found = world.shop.query(
        As::Anonymous,
        "{ productConnection(filter: { search: \"learning quickbooks 2007\" }) { edges { node { name price manufacturer } } } }",
    )?;
    let expected = json!({ "name": "learning quickbooks 2007", "price": 3_899, "manufacturer": "intuit" });
    let nodes = found.column("/productConnection/edges", "/node")?;
    found.expect(nodes.contains(&expected), format!("expected {expected}"))
}

fn a_hundred_thousand_products_load(world: &World, binary: &Binary) -> Result<()> {
    let (home, maker) = (Home::new()?, unique("large"));
    let file = home.path().join("feed.csv");
    let mut text = "id,name,description,brand,price,stock\n".to_owned();
    for number in 0..100_000 {
        text.push_str(&format!(
            "{maker}-{number},product {number},about {number},{maker},{}.99,10\n",
            number % 500
        ));
    }
    std::fs::write(&file, text)?;
    import(world, binary, &home, &file, &[])?;
    let loaded = count(world, &format!("{maker}-"))?;
    ensure!(
        loaded == 100_000,
        "100,000 products should be there, not {loaded}"
    );
    Ok(())
}
