//! Connections: the filters, the search, the sort and the pages of products, and the pages of orders.

use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::fixtures::unique;
use crate::graphql::GraphqlResponse;
use crate::shop::{As, Shop};
use crate::trials::trials;
use crate::values::set;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "connections",
        portable = [
            products_are_sorted_by_each_key_in_both_directions,
            pages_contain_every_product_once_while_others_are_created,
            products_are_filtered_by_manufacturer_price_and_stock,
            a_search_matches_words_and_a_prefix_of_the_last,
            a_search_for_any_text_is_safe,
            orders_are_paged_from_the_newest
        ],
        component = [
            a_page_has_between_1_and_100_products,
            a_cursor_is_valid_for_its_own_sort_only
        ]
    )
}

fn connection(shop: &Shop, variables: Value) -> Result<GraphqlResponse> {
    let query = "query ($first: Int, $after: String, $filter: ProductFilter, $sort: ProductSort) {
        productConnection(first: $first, after: $after, filter: $filter, sort: $sort) {
            edges { cursor node { _id name price quantity manufacturer } }
            pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";
    shop.graphql(As::Anonymous, query, variables)
}

/// Returns the connection of a manufacturer's products.
fn of_maker(shop: &Shop, maker: &str, mut variables: Value) -> Result<GraphqlResponse> {
    set(&mut variables, "filter", json!({ "manufacturer": maker }));
    connection(shop, variables)
}

/// Fails unless the page has products with these names, in this order.
fn has_names(answer: &GraphqlResponse, names: &[&str]) -> Result<()> {
    answer.has_column("/productConnection/edges", "/node/name", names)
}

/// Creates products of a new manufacturer with these names, prices and quantities. Returns the manufacturer.
fn products(shop: &Shop, products: &[(&str, i64, i64)]) -> Result<String> {
    let maker = unique("maker");
    for (name, price, quantity) in products {
        shop.product_from(
            json!({ "name": name, "price": price, "quantity": quantity, "manufacturer": maker }),
        )?;
    }
    Ok(maker)
}

fn products_are_sorted_by_each_key_in_both_directions(shop: &Shop) -> Result<()> {
    let maker = products(shop, &[("b", 10, 1), ("c", 30, 1), ("a", 20, 1), ("d", 20, 1)])?;
    for (key, mut names) in [
        ("CREATED", ["b", "c", "a", "d"]),
        ("NAME", ["a", "b", "c", "d"]),
        ("PRICE", ["b", "a", "d", "c"]),
    ] {
        for descending in [false, true] {
            let sort = json!({ "key": key, "descending": descending });
            has_names(
                &of_maker(shop, &maker, json!({ "first": 10, "sort": sort }))?,
                &names,
            )?;
            names.reverse();
        }
    }
    let by_default = of_maker(shop, &maker, json!({ "first": 10 }))?;
    has_names(&by_default, &["b", "c", "a", "d"])
}

fn pages_contain_every_product_once_while_others_are_created(shop: &Shop) -> Result<()> {
    let maker = products(
        shop,
        &[("e", 5, 1), ("a", 5, 1), ("d", 5, 1), ("b", 5, 1), ("c", 5, 1)],
    )?;
    let sort = json!({ "key": "PRICE", "descending": false });
    let mut after = Value::Null;
    for (page, names) in [&["e", "a"][..], &["d", "b"], &["c"]].iter().enumerate() {
        let answer = of_maker(shop, &maker, json!({ "first": 2, "after": after, "sort": sort }))?;
        has_names(&answer, names)?;
        answer.has("/productConnection/pageInfo/hasNextPage", page < 2)?;
        let cursors = answer.column("/productConnection/edges", "/cursor")?;
        answer.has("/productConnection/pageInfo/startCursor", cursors.first())?;
        answer.has("/productConnection/pageInfo/endCursor", cursors.last())?;
        after = json!(cursors.last());
        shop.product_from(json!({ "name": "before", "price": 1, "quantity": 1, "manufacturer": maker }))?;
    }
    Ok(())
}

fn products_are_filtered_by_manufacturer_price_and_stock(shop: &Shop) -> Result<()> {
    let maker = products(shop, &[("cheap", 10, 0), ("fair", 20, 5), ("dear", 30, 1)])?;
    for (mut filter, names) in [
        (json!({}), &["cheap", "fair", "dear"][..]),
        (json!({ "minPrice": 20 }), &["fair", "dear"]),
        (json!({ "maxPrice": 20 }), &["cheap", "fair"]),
        (json!({ "minPrice": 11, "maxPrice": 29 }), &["fair"]),
        (json!({ "minPrice": 31 }), &[]),
        (json!({ "inStock": true }), &["fair", "dear"]),
        (json!({ "inStock": false }), &["cheap"]),
        (json!({ "inStock": true, "maxPrice": 20 }), &["fair"]),
    ] {
        set(&mut filter, "manufacturer", json!(maker));
        has_names(
            &connection(shop, json!({ "first": 10, "filter": filter }))?,
            names,
        )?;
    }
    Ok(())
}

fn a_search_matches_words_and_a_prefix_of_the_last(shop: &Shop) -> Result<()> {
    let word = format!("w{}", unique("").replace('-', ""));
    let name = format!("Blue {word} Kettle");
    let id = shop.product_from(
        json!({ "name": name, "price": 1, "quantity": 1, "description": "boils water quickly" }),
    )?;
    let prefix = word.get(..word.len() - 1).unwrap_or_default();
    for (search, found) in [
        (word.clone(), true),
        (word.to_uppercase(), true),
        (format!("kettle {word}"), true),
        (format!("{word} boils"), true),
        (prefix.to_owned(), true),
        (format!("kettle {prefix}"), true),
        (format!("{prefix} kettle"), false),
        (format!("{word} teapot"), false),
    ] {
        let answer = connection(shop, json!({ "first": 100, "filter": { "search": search } }))?;
        let ids = answer.column("/productConnection/edges", "/node/_id")?;
        answer.expect(
            ids.contains(&json!(id)) == found,
            format!("\"{search}\" should find {id}: {found}"),
        )?;
    }
    Ok(())
}

fn a_search_for_any_text_is_safe(shop: &Shop) -> Result<()> {
    let find = |search: &str| connection(shop, json!({ "first": 1, "filter": { "search": search } }));
    let nothing = unique("zzz");
    for search in [
        "\"",
        "'",
        "*",
        "a AND",
        "NOT",
        "a OR b",
        "NEAR(a b)",
        "name:x",
        "^a",
        "-a",
        "(",
        ")",
        "a\"b",
        "{}",
        "🔑",
        "%",
        "_",
        "\\",
        "\u{0}",
        "a*b*",
        "--",
        ";DROP TABLE products",
        "ＡＢＣ",
        "\u{202e}abc",
    ] {
        has_names(&find(&format!("{nothing} {search} {nothing}"))?, &[])?;
        find(search)?.list("/productConnection/edges")?;
    }
    for search in ["", "   "] {
        find(search)?.list("/productConnection/edges")?;
    }
    let long = find(&"word ".repeat(5_000))?;
    long.expect(
        long.codes().is_empty() || long.codes() == ["BAD_USER_INPUT"],
        "a long search should be answered, or refused as bad input",
    )
}

fn a_page_has_between_1_and_100_products(shop: &Shop) -> Result<()> {
    for first in [0, 101, -1, 2_147_483_647, -2_147_483_648] {
        connection(shop, json!({ "first": first }))?.bad_input("first")?;
    }
    let maker = products(shop, &[("one", 1, 1), ("two", 1, 1)])?;
    for (first, names) in [(1, &["one"][..]), (2, &["one", "two"]), (100, &["one", "two"])] {
        let answer = of_maker(shop, &maker, json!({ "first": first }))?;
        has_names(&answer, names)?;
        answer.has("/productConnection/pageInfo/hasNextPage", names.len() < 2)?;
    }
    Ok(())
}

fn a_cursor_is_valid_for_its_own_sort_only(shop: &Shop) -> Result<()> {
    let maker = products(shop, &[("one", 1, 1), ("two", 2, 1)])?;
    let by = |key: &str, after: &Value| {
        let sort = json!({ "key": key, "descending": false });
        of_maker(shop, &maker, json!({ "first": 1, "after": after, "sort": sort }))
    };
    let first = by("PRICE", &Value::Null)?;
    let cursor = first.data("/productConnection/pageInfo/endCursor")?;
    has_names(&by("PRICE", cursor)?, &["two"])?;
    by("NAME", cursor)?.bad_input("after")?;
    for bad in ["", "nonsense", "eyJ9", "AAAA", "🔑", &"A".repeat(20_000)] {
        by("PRICE", &json!(bad))?.bad_input("after")?;
    }
    Ok(())
}

fn orders_are_paged_from_the_newest(shop: &Shop) -> Result<()> {
    let customer = shop.register("pages")?;
    let product = shop.product(10, 100)?;
    let mut placed = Vec::new();
    for quantity in 1..=3 {
        placed.push(json!(shop.order(customer.caller(), &[(&product, quantity)])?));
    }
    placed.reverse();
    let query = "query ($after: String) { orderConnection(first: 2, after: $after) {
        edges { node { _id } } pageInfo { hasNextPage endCursor } } }";
    let first = shop.graphql(customer.caller(), query, json!({}))?;
    let after = first.data("/orderConnection/pageInfo/endCursor")?;
    let second = shop.graphql(customer.caller(), query, json!({ "after": after }))?;
    second.has("/orderConnection/pageInfo/hasNextPage", false)?;
    let mut found = first.column("/orderConnection/edges", "/node/_id")?;
    found.extend(second.column("/orderConnection/edges", "/node/_id")?);
    ensure!(found == placed, "expected {placed:?}, found {found:?}");
    let list = shop.query(customer.caller(), "{ orders { _id } }")?;
    list.has_column("/orders", "/_id", &placed)
}
