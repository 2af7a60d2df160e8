//! Counts the products that a filter matches, by manufacturer, category, price and stock.

use std::collections::HashMap;

use mercato_shop::cache::Cache;
use mercato_shop::catalog::{Facet, Facets, PriceFacet, ProductFilter};
use mercato_shop::collection::{Collection, Stored};
use mercato_shop::currency::MAX_AMOUNT;
use mercato_shop::types::Error;
use serde::{Deserialize, Serialize};

use super::index::Upgrade;
use super::list;
use crate::platform::Platform;

/// The most products that are counted: as many as a store returns at once.
const MAX_COUNTED: u32 = 2_000;
const MAX_MANUFACTURERS: usize = 50;
/// The approximate number of price ranges.
const PRICE_RANGES: i64 = 5;
/// How long counts are cached, in milliseconds. Sales do not expire them, since a recount is expensive.
const TTL: u64 = 10_000;
/// The longest cache key, in bytes. Counts of longer filters are not cached.
const MAX_KEY: usize = 1_000;

/// The products, with only what is counted. To parse all of a product takes several times as long.
const COUNTED: Collection<Counted> = Collection::new("catalog.products");

/// What is counted of a product.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counted {
    price: i64,
    on_hand: i64,
    manufacturer: Option<String>,
    category_path: Option<String>,
}

/// The cached counts.
#[derive(Serialize, Deserialize)]
struct Counts {
    total: u32,
    truncated: bool,
    manufacturers: Vec<(String, u32)>,
    categories: Vec<(String, u32)>,
    prices: Vec<(i64, i64, u32)>,
    in_stock: u32,
}

/// Counts the products that a filter matches. The counts may be as old as [`TTL`].
pub fn count_facets(
    ports: &impl Platform,
    upgrade: &Upgrade,
    filter: &ProductFilter,
) -> Result<Facets, Error> {
    upgrade.advance(ports)?;
    let filter = normalized(filter);
    let key = format!("catalog.facets.{filter:?}");
    let cached = Cache::get_many(ports, std::slice::from_ref(&key)).pop().flatten();
    if let Some(counts) = cached.and_then(|json| serde_json::from_slice(&json).ok()) {
        return Ok(to_facets(counts));
    }
    let products = match list::query(ports, &filter, MAX_COUNTED)? {
        Some(query) => COUNTED.find(ports, &query)?,
        None => Vec::new(),
    };
    let counts = count(&products);
    if key.len() <= MAX_KEY
        && let Ok(json) = serde_json::to_vec(&counts)
    {
        ports.set(&key, &json, TTL);
    }
    Ok(to_facets(counts))
}

/// Returns the same filter in the form that other filters of the same products have, too.
fn normalized(filter: &ProductFilter) -> ProductFilter {
    let words = |search: &String| {
        let words: Vec<_> = search.split_whitespace().map(str::to_lowercase).collect();
        words.join(" ")
    };
    ProductFilter {
        search: filter
            .search
            .as_ref()
            .map(words)
            .filter(|search| !search.is_empty()),
        min_price: filter.min_price.filter(|price| *price > 0),
        max_price: filter.max_price.filter(|price| *price < MAX_AMOUNT),
        ..filter.clone()
    }
}

fn count(products: &[Stored<Counted>]) -> Counts {
    let (mut manufacturers, mut categories) = (HashMap::new(), HashMap::new());
    let mut in_stock = 0;
    for Stored { body, .. } in products {
        if let Some(manufacturer) = body.manufacturer.as_deref() {
            *manufacturers.entry(manufacturer).or_insert(0) += 1;
        }
        let path = body.category_path.as_deref().unwrap_or_default();
        for category in path.split('/').filter(|id| !id.is_empty()) {
            *categories.entry(category).or_insert(0) += 1;
        }
        in_stock += u32::from(body.on_hand > 0);
    }
    let mut manufacturers = most_first(manufacturers);
    manufacturers.truncate(MAX_MANUFACTURERS);
    let total = u32::try_from(products.len()).unwrap_or(u32::MAX);
    Counts {
        total,
        truncated: total >= MAX_COUNTED,
        manufacturers,
        categories: most_first(categories),
        prices: ranges(products.iter().map(|product| product.body.price).collect()),
        in_stock,
    }
}

fn most_first(counts: HashMap<&str, u32>) -> Vec<(String, u32)> {
    let mut counts: Vec<_> = counts
        .into_iter()
        .map(|(value, count)| (value.to_owned(), count))
        .collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts
}

/// Divides prices into ranges of 1, 2 or 5 times a power of ten. Leaves out empty ranges.
fn ranges(mut prices: Vec<i64>) -> Vec<(i64, i64, u32)> {
    prices.sort_unstable();
    let (Some(&least), Some(&most)) = (prices.first(), prices.last()) else {
        return Vec::new();
    };
    let mut step = 1;
    let mut factors = [2_i64, 5, 10].iter().cycle();
    let mut power = 1;
    while (most - least) / step > PRICE_RANGES {
        let factor = factors.next().copied().unwrap_or(10);
        step = power * factor;
        if factor == 10 {
            power = step;
        }
    }
    let mut ranges = Vec::<(i64, i64, u32)>::new();
    for price in prices {
        let from = price / step * step;
        match ranges.last_mut() {
            Some((last, _, count)) if *last == from => *count += 1,
            _ => ranges.push((from, from + step, 1)),
        }
    }
    ranges
}

fn to_facets(counts: Counts) -> Facets {
    let facets = |values: Vec<(String, u32)>| {
        let facet = |(value, count)| Facet { value, count };
        values.into_iter().map(facet).collect()
    };
    let range = |(from, to, count)| PriceFacet { from, to, count };
    Facets {
        total: counts.total,
        truncated: counts.truncated,
        manufacturers: facets(counts.manufacturers),
        categories: facets(counts.categories),
        prices: counts.prices.into_iter().map(range).collect(),
        in_stock: counts.in_stock,
        out_of_stock: counts.total - counts.in_stock,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divides_prices_into_few_round_ranges_that_contain_them_all() {
        assert_eq!(ranges(vec![]), []);
        assert_eq!(ranges(vec![700, 700]), [(700, 701, 2)]);
        assert_eq!(
            ranges(vec![990, 1_990, 2_500, 9_999, 0]),
            [(0, 2_000, 3), (2_000, 4_000, 1), (8_000, 10_000, 1)]
        );
        for most in [1, 3, 10, 99, 12_345, 2_147_483_647, MAX_AMOUNT] {
            let all = ranges(vec![0, most / 3, most / 2, most]);
            assert!(all.len() <= 4);
            assert_eq!(all.iter().map(|(.., count)| count).sum::<u32>(), 4);
            let (from, to, _) = all.last().copied().unwrap_or_default();
            assert!(from <= most && most < to && most / (to - from) <= 5, "{most}");
        }
    }

    #[test]
    fn filters_of_the_same_products_share_their_counts() {
        let filter = |search: Option<&str>, min_price, max_price| {
            let search = search.map(str::to_owned);
            format!(
                "{:?}",
                normalized(&ProductFilter {
                    search,
                    min_price,
                    max_price,
                    ..ProductFilter::default()
                })
            )
        };
        let all = filter(None, None, None);
        assert_eq!(filter(Some("  "), Some(0), Some(MAX_AMOUNT)), all);
        assert_eq!(
            filter(Some(" Wool  SOCK"), Some(-1), None),
            filter(Some("wool sock"), None, None)
        );
        assert_ne!(filter(None, Some(1), None), all);
        assert_ne!(filter(Some("wool"), None, None), filter(Some("sock"), None, None));
    }
}
