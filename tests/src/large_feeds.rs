//! Large feeds: the real feed that `MERCATO_FEED` names, and a generated feed if `MERCATO_LARGE` is set.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::json;

use crate::binary::{Binary, binary_trial};
use crate::fixtures::unique;
use crate::import_command::import;
use crate::process::Home;
use crate::shop::{As, Shop};

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    let trial = |name: &str, variable: &str, test: fn(&Shop, &Binary) -> Result<()>| {
        let shop = Arc::clone(shop);
        let trial = binary_trial(&format!("large_feeds::{name}"), move |binary| test(&shop, binary));
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
            "a_feed_of_100_000_products_is_loaded",
            "MERCATO_LARGE",
            a_feed_of_100_000_products_is_loaded,
        ),
    ]
}

/// Returns how many products have an external id with this prefix.
fn count(shop: &Shop, prefix: &str) -> Result<usize> {
    let query = "query ($after: String) { productConnection(first: 100, after: $after) {
        edges { node { externalId } } pageInfo { hasNextPage endCursor } } }";
    let products = shop.all_nodes(As::Anonymous, query, "/productConnection", json!({}))?;
    let ids = products
        .iter()
        .filter_map(|product| product.get("externalId")?.as_str());
    Ok(ids.filter(|id| id.starts_with(prefix)).count())
}

fn a_real_feed_is_loaded(shop: &Shop, binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let file = std::path::absolute(std::env::var_os("MERCATO_FEED").context("MERCATO_FEED is not set")?)?;
    let report = home.path().join("report.txt");
    let path = report.to_string_lossy();
    let flags = ["--quantity", "10", "--report", &path];
    for _ in 0..2 {
        import(shop, binary, &home, &file, &flags)?;
        let report = std::fs::read_to_string(&report)?;
        let refused = report.lines().filter(|line| !line.trim().is_empty()).count();
        let loaded = count(shop, "http://www.google.com/base/feeds/snippets/")?;
        // The report may have a header.
        ensure!(
            loaded > 3_000 && (3_226..=3_227).contains(&(loaded + refused)),
            "every row should be loaded or reported: {loaded} and {refused}"
        );
    }
    let query = "{ productConnection(filter: { search: \"learning quickbooks 2007\" }) {
        edges { node { name price manufacturer } } } }";
    let expected = json!({ "name": "learning quickbooks 2007", "price": 3_899, "manufacturer": "intuit" });
    shop.query(As::Anonymous, query)?
        .column_contains("/productConnection/edges", "/node", expected)
}

fn a_feed_of_100_000_products_is_loaded(shop: &Shop, binary: &Binary) -> Result<()> {
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
    import(shop, binary, &home, &file, &[])?;
    let loaded = count(shop, &format!("{maker}-"))?;
    ensure!(
        loaded == 100_000,
        "100,000 products should be loaded, not {loaded}"
    );
    Ok(())
}
