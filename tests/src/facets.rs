//! The facets of products, and their export.

use std::sync::Arc;

use anyhow::{Context, Result};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::fixtures::unique;
use crate::shop::{As, Shop};
use crate::trials::trials;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "facets",
        portable = [
            facets_count_the_matching_products,
            an_export_contains_every_product_once_and_can_be_imported
        ]
    )
}

/// Creates three products of a manufacturer and returns their ids.
fn three_products(shop: &Shop, maker: &str) -> Result<Vec<String>> {
    let product = |(price, quantity): (i64, i64)| {
        shop.product_from(json!({
            "name": unique("counted"), "price": price, "quantity": quantity, "manufacturer": maker,
            "externalId": unique("external"), "attributes": [{ "name": "a", "value": "\"é\n\"" }],
        }))
    };
    [(100, 1), (150, 0), (1_000, 5)]
        .into_iter()
        .map(product)
        .collect()
}

fn facets_count_the_matching_products(shop: &Shop) -> Result<()> {
    let maker = unique("maker");
    three_products(shop, &maker)?;
    let query = "query ($maker: String!) { productFacets(filter: { manufacturer: $maker }) {
        total truncated inStock outOfStock manufacturers { value count } prices { from to count } } }";
    let answer = shop.graphql(As::Anonymous, query, json!({ "maker": maker }))?;
    let expected = json!({
        "total": 3, "truncated": false, "inStock": 2, "outOfStock": 1,
        "manufacturers": [{ "value": maker, "count": 3 }],
        "prices": [{ "from": 0, "to": 200, "count": 2 }, { "from": 1_000, "to": 1_200, "count": 1 }],
    });
    answer.has("/productFacets", expected)
}

fn an_export_contains_every_product_once_and_can_be_imported(shop: &Shop) -> Result<()> {
    let maker = unique("maker");
    let ids = three_products(shop, &maker)?;
    let query = "query ($maker: String!, $after: String) {
        exportProducts(first: 2, after: $after, filter: { manufacturer: $maker }) { data endCursor hasNextPage } }";
    let (mut rows, mut after) = (Vec::<Value>::new(), Value::Null);
    loop {
        let page = shop.graphql(As::Key, query, json!({ "maker": maker, "after": after }))?;
        for line in page.text("/exportProducts/data")?.lines() {
            rows.push(serde_json::from_str(line).context("a line of JSON")?);
        }
        after = page.data("/exportProducts/endCursor")?.clone();
        if page.data("/exportProducts/hasNextPage")? == &Value::Bool(false) {
            break;
        }
    }
    let exported: Vec<_> = rows.iter().filter_map(|row| row.get("_id")?.as_str()).collect();
    anyhow::ensure!(exported == ids, "{ids:?} should be exported, not {exported:?}");
    shop.import_products(&rows)?
        .has_column("/importProducts/outcomes", "/outcome", ["UNCHANGED"; 3])?;
    let query = "query ($first: Int!) { exportProducts(first: $first) { data } }";
    for first in [0, -1, 501] {
        let answer = shop.graphql(As::Key, query, json!({ "first": first }))?;
        answer.bad_input("first")?;
    }
    Ok(())
}
