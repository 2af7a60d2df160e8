//! The products that every contender has.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::api::{Api, Stock};

/// The units of each product: more than the longest run can order.
pub const QUANTITY: u32 = 100_000_000;
/// The products that a run orders and reads by id: the oldest ones.
pub const MAX_USED: usize = 10_000;
/// The largest page.
const PAGE: usize = 100;
/// The time limit for the events of the last orders.
const EVENTS_LIMIT: Duration = Duration::from_secs(300);

/// The description of a product has one word of each list. bench/peers/node/seed.js has the same lists.
const WORDS: [&[&str]; 4] = [
    &["red", "blue", "green", "black", "white", "yellow", "purple"],
    &[
        "wool", "cotton", "leather", "oak", "steel", "glass", "bamboo", "ceramic", "linen", "copper", "silk",
    ],
    &[
        "chair", "table", "lamp", "jacket", "kettle", "bottle", "blanket", "basket", "clock", "mirror",
        "shelf", "pillow", "vase",
    ],
    &[
        "nordic",
        "rustic",
        "modern",
        "vintage",
        "compact",
        "foldable",
        "durable",
        "elegant",
        "portable",
        "classic",
        "handmade",
        "minimal",
        "outdoor",
        "premium",
        "recycled",
        "robust",
        "soft",
        "waterproof",
        "lightweight",
    ],
];

/// Writes the feed of some products for `mercato import`, and returns its file.
///
/// # Errors
/// The file can't be written.
pub fn write_feed(products: usize, folder: &Path) -> Result<PathBuf> {
    let file = folder.join("products.csv");
    let mut feed = BufWriter::new(File::create(&file)?);
    writeln!(feed, "externalId,name,description,price,quantity")?;
    for number in 1..=products {
        writeln!(feed, "{}", row(number))?;
    }
    feed.flush()?;
    Ok(file)
}

/// Returns the row of the product with this number, from 1.
fn row(number: usize) -> String {
    let price = 100 + number * 37 % 9_900;
    format!(
        "row-{number},Product {number:06},{},{}.{:02},{QUANTITY}",
        description(number),
        price / 100,
        price % 100
    )
}

fn description(number: usize) -> String {
    let mut text = String::new();
    for words in WORDS {
        let word = words.iter().cycle().nth(number % words.len());
        let _ = write!(text, " {}", word.unwrap_or(&""));
    }
    text.trim_start().to_owned()
}

/// Returns searches of two words that some products have.
pub fn searches() -> Vec<String> {
    let [colours, materials, ..] = WORDS;
    let pairs = colours.iter().flat_map(|colour| {
        materials
            .iter()
            .map(move |material| format!("{colour} {material}"))
    });
    pairs.collect()
}

/// Returns the ids of the oldest products.
///
/// # Errors
/// The shop has fewer products, or does not answer.
pub fn ids(api: &Api, count: usize) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    pages(api, count, "_id", |node| {
        let id = node.get("_id").and_then(Value::as_str);
        ids.push(id.context("a product has no `_id`")?.to_owned());
        Ok(true)
    })?;
    Ok(ids)
}

/// Adds up the units of the oldest products, after the events of all their orders have arrived.
///
/// # Errors
/// The events do not arrive in time, or the shop does not answer.
pub fn settled_stock(api: &Api, count: usize) -> Result<Stock> {
    let started = Instant::now();
    loop {
        let mut sum = Stock::default();
        // Reading stops at the first page with open orders, because all pages are read again then.
        let is_settled = pages(api, count, "stock{onHand reserved sold}", |node| {
            let stock: Stock = serde_json::from_value(node.get("stock").cloned().unwrap_or_default())?;
            sum.on_hand += stock.on_hand;
            sum.sold += stock.sold;
            Ok(stock.reserved == 0)
        })?;
        if is_settled {
            return Ok(sum);
        }
        if started.elapsed() > EVENTS_LIMIT {
            bail!("the events of the orders do not arrive");
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Reads the oldest products page by page, as long as `each` returns true. Returns whether it did so for all.
fn pages(
    api: &Api,
    count: usize,
    fields: &str,
    mut each: impl FnMut(&Value) -> Result<bool>,
) -> Result<bool> {
    let query = format!(
        "query($first: Int!, $after: String) {{ productConnection(first: $first, after: $after) {{ \
         nodes {{ {fields} }} pageInfo {{ endCursor }} }} }}"
    );
    let mut after = Value::Null;
    let mut read = 0;
    while read < count {
        let first = PAGE.min(count - read);
        let data = api.execute(&query, &json!({ "first": first, "after": after }))?;
        let nodes = data.pointer("/productConnection/nodes").and_then(Value::as_array);
        let nodes = nodes.context("the answer has no products")?;
        if nodes.len() != first {
            bail!("the shop has {} products in place of {count}", read + nodes.len());
        }
        for node in nodes {
            if !each(node)? {
                return Ok(false);
            }
        }
        read += first;
        after = data
            .pointer("/productConnection/pageInfo/endCursor")
            .cloned()
            .unwrap_or_default();
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_the_same_as_in_the_seed_of_the_node_shop() {
        assert_eq!(
            row(7),
            "row-7,Product 000007,red ceramic basket elegant,3.59,100000000"
        );
        let seed = include_str!("../../../bench/peers/node/seed.js");
        for word in WORDS.concat() {
            assert!(seed.contains(&format!("'{word}'")), "seed.js has no {word}");
        }
    }
}
