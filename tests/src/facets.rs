//! Facets of products, and their export.

use std::sync::Arc;

use anyhow::{Context, Result};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::client::As;
use crate::trials::trials;
use crate::world::{World, unique};

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "facets",
        [
            what_a_search_finds_is_counted_by_what_it_has,
            an_export_tells_every_product_once_and_can_be_imported,
        ]
    )
}

fn three(world: &World, maker: &str) -> Result<Vec<String>> {
    let product = |(price, quantity): (i64, i64)| {
        world.product_of(json!({
            "name": unique("counted"), "price": price, "quantity": quantity, "manufacturer": maker,
            "externalId": unique("external"), "attributes": [{ "name": "a", "value": "\"é\n\"" }],
        }))
    };
    [(100, 1), (150, 0), (1_000, 5)]
        .into_iter()
        .map(product)
        .collect()
}

fn what_a_search_finds_is_counted_by_what_it_has(world: &World) -> Result<()> {
    let maker = unique("maker");
    three(world, &maker)?;
    let query = "query ($maker: String!) { productFacets(filter: { manufacturer: $maker }) {
        total truncated inStock outOfStock manufacturers { value count } prices { from to count } } }";
    let answer = world
        .shop
        .graphql(As::Anonymous, query, json!({ "maker": maker }))?;
    answer.expect(
        answer.data("/productFacets")?
            == &json!({
                "total": 3, "truncated": false, "inStock": 2, "outOfStock": 1,
                "manufacturers": [{ "value": maker, "count": 3 }],
                "prices": [{ "from": 0, "to": 200, "count": 2 }, { "from": 1_000, "to": 1_200, "count": 1 }],
            }),
        "the three should be counted",
    )
}

fn an_export_tells_every_product_once_and_can_be_imported(world: &World) -> Result<()> {
    let maker = unique("maker");
    let ids = three(world, &maker)?;
    let query = "query ($maker: String!, $after: String) {
        exportProducts(first: 2, after: $after, filter: { manufacturer: $maker }) { data endCursor hasNextPage } }";
    let (mut rows, mut after) = (Vec::<Value>::new(), Value::Null);
    loop {
        let page = world
            .shop
            .graphql(As::Key, query, json!({ "maker": maker, "after": after }))?;
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
    let query = "mutation ($rows: [ImportProductInput!]!) { importProducts(products: $rows) { outcomes { outcome } } }";
    let answer = world.shop.graphql(As::Key, query, json!({ "rows": rows }))?;
    answer.expect(
        answer.column("/importProducts/outcomes", "/outcome")? == vec![json!("UNCHANGED"); 3],
        "what is exported should be imported without a change",
    )?;
    let query = "query ($first: Int!) { exportProducts(first: $first) { data } }";
    for first in [0, -1, 501] {
        let answer = world.shop.graphql(As::Key, query, json!({ "first": first }))?;
        answer.bad_input("first")?;
    }
    Ok(())
}
