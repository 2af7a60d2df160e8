//! `productConnection`: filters, search, order and pages.

use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::As;
use crate::trials::trials;
use crate::world::{World, place_order, unique};

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "connections",
        [
            products_are_sorted_by_each_key_in_both_directions,
            pages_hold_every_product_once_while_others_are_created,
            products_are_filtered_by_manufacturer_price_and_stock,
            products_are_found_by_words_and_by_the_beginning_of_the_last,
            a_search_for_anything_is_safe,
            a_page_has_between_1_and_100_products,
            a_cursor_is_good_for_its_own_sort_only,
            orders_are_paged_from_the_newest,
        ]
    )
}

fn connection(world: &World, variables: Value) -> Result<Answer> {
    let query = "query ($first: Int, $after: String, $filter: ProductFilter, $sort: ProductSort) {
        productConnection(first: $first, after: $after, filter: $filter, sort: $sort) {
            edges { cursor node { _id name price quantity manufacturer } }
            pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";
    world.shop.graphql(As::Anonymous, query, variables)
}

fn names(answer: &Answer) -> Result<Vec<Value>> {
    answer.column("/productConnection/edges", "/node/name")
}

/// Products of one new manufacturer: names, prices and quantities as given.
fn made(world: &World, products: &[(&str, i64, i64)]) -> Result<String> {
    let maker = unique("maker");
    for (name, price, quantity) in products {
        world.product_of(
            json!({ "name": name, "price": price, "quantity": quantity, "manufacturer": maker }),
        )?;
    }
    Ok(maker)
}

fn products_are_sorted_by_each_key_in_both_directions(world: &World) -> Result<()> {
    let maker = made(world, &[("b", 10, 1), ("c", 30, 1), ("a", 20, 1), ("d", 20, 1)])?;
    for (key, expected) in [
        ("CREATED", ["b", "c", "a", "d"]),
        ("NAME", ["a", "b", "c", "d"]),
        ("PRICE", ["b", "a", "d", "c"]),
    ] {
        let sorted = |descending: bool| {
            connection(
                world,
                json!({ "first": 10, "filter": { "manufacturer": maker },
                                      "sort": { "key": key, "descending": descending } }),
            )
        };
        let (upwards, downwards) = (sorted(false)?, sorted(true)?);
        upwards.expect(
            names(&upwards)? == expected,
            format!("expected {expected:?} by {key}"),
        )?;
        let mut reversed = expected;
        reversed.reverse();
        downwards.expect(
            names(&downwards)? == reversed,
            format!("expected {reversed:?} by {key}"),
        )?;
    }
    let unsorted = connection(world, json!({ "first": 10, "filter": { "manufacturer": maker } }))?;
    unsorted.expect(
        names(&unsorted)? == ["b", "c", "a", "d"],
        "products should be in the order of creation by default",
    )
}

fn pages_hold_every_product_once_while_others_are_created(world: &World) -> Result<()> {
    let maker = made(
        world,
        &[("e", 5, 1), ("a", 5, 1), ("d", 5, 1), ("b", 5, 1), ("c", 5, 1)],
    )?;
    let mut found = Vec::new();
    let mut after = Value::Null;
    for page in 0..3 {
        let answer = connection(
            world,
            json!({ "first": 2, "after": after, "filter": { "manufacturer": maker },
                                               "sort": { "key": "PRICE", "descending": false } }),
        )?;
        found.extend(names(&answer)?);
        let more = answer.data("/productConnection/pageInfo/hasNextPage")?;
        answer.expect(more == &json!(page < 2), format!("hasNextPage of page {page}"))?;
        after = answer.data("/productConnection/pageInfo/endCursor")?.clone();
        let cursors = answer.column("/productConnection/edges", "/cursor")?;
        answer.expect(
            cursors.last() == Some(&after),
            "endCursor should be the last edge's",
        )?;
        let start = answer.data("/productConnection/pageInfo/startCursor")?;
        answer.expect(
            cursors.first() == Some(start),
            "startCursor should be the first edge's",
        )?;
        world.product_of(json!({ "name": "before", "price": 1, "quantity": 1, "manufacturer": maker }))?;
    }
    ensure!(
        found == ["e", "a", "d", "b", "c"],
        "each product should be on one page: {found:?}"
    );
    Ok(())
}

fn products_are_filtered_by_manufacturer_price_and_stock(world: &World) -> Result<()> {
    let maker = made(world, &[("cheap", 10, 0), ("fair", 20, 5), ("dear", 30, 1)])?;
    for (filter, expected) in [
        (json!({}), vec!["cheap", "fair", "dear"]),
        (json!({ "minPrice": 20 }), vec!["fair", "dear"]),
        (json!({ "maxPrice": 20 }), vec!["cheap", "fair"]),
        (json!({ "minPrice": 11, "maxPrice": 29 }), vec!["fair"]),
        (json!({ "minPrice": 31 }), vec![]),
        (json!({ "inStock": true }), vec!["fair", "dear"]),
        (json!({ "inStock": false }), vec!["cheap"]),
        (json!({ "inStock": true, "maxPrice": 20 }), vec!["fair"]),
    ] {
        let mut filter = filter;
        if let Some(members) = filter.as_object_mut() {
            members.insert("manufacturer".into(), json!(maker));
        }
        let answer = connection(world, json!({ "first": 10, "filter": filter }))?;
        answer.expect(names(&answer)? == expected, format!("expected {expected:?}"))?;
    }
    Ok(())
}

fn products_are_found_by_words_and_by_the_beginning_of_the_last(world: &World) -> Result<()> {
    let word = format!("w{}", unique("").replace('-', ""));
    let name = format!("Blue {word} Kettle");
    let id = world.product_of(
        json!({ "name": name, "price": 1, "quantity": 1, "description": "boils water quickly" }),
    )?;
    let beginning = word.get(..word.len() - 1).unwrap_or_default();
    for (search, found) in [
        (word.clone(), true),
        (word.to_uppercase(), true),
        (format!("kettle {word}"), true),
        (format!("{word} boils"), true),
        (beginning.to_owned(), true),
        (format!("kettle {beginning}"), true),
        (format!("{beginning} kettle"), false),
        (format!("{word} teapot"), false),
    ] {
        let answer = connection(world, json!({ "first": 100, "filter": { "search": search } }))?;
        let ids = answer.column("/productConnection/edges", "/node/_id")?;
        answer.expect(
            ids.contains(&json!(id)) == found,
            format!("\"{search}\" should find {id}: {found}"),
        )?;
    }
    Ok(())
}

fn a_search_for_anything_is_safe(world: &World) -> Result<()> {
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
        let answer = connection(
            world,
            json!({ "first": 1, "filter": { "search": format!("{nothing} {search} {nothing}") } }),
        )?;
        answer.expect(names(&answer)?.is_empty(), "nothing should be found")?;
        connection(world, json!({ "first": 1, "filter": { "search": search } }))?
            .list("/productConnection/edges")?;
    }
    for search in ["", "   "] {
        let answer = connection(world, json!({ "first": 1, "filter": { "search": search } }))?;
        answer.list("/productConnection/edges")?;
    }
    let long = connection(
        world,
        json!({ "first": 1, "filter": { "search": "word ".repeat(5_000) } }),
    )?;
    long.expect(
        long.codes().is_empty() || long.codes() == ["BAD_USER_INPUT"],
        "a long search should be answered, or refused as bad input",
    )
}

fn a_page_has_between_1_and_100_products(world: &World) -> Result<()> {
    for first in [0, 101, -1, 2_147_483_647, -2_147_483_648] {
        connection(world, json!({ "first": first }))?.bad_input("first")?;
    }
    let maker = made(world, &[("one", 1, 1), ("two", 1, 1)])?;
    for (first, expected) in [(1, 1), (2, 2), (100, 2)] {
        let answer = connection(
            world,
            json!({ "first": first, "filter": { "manufacturer": maker } }),
        )?;
        answer.expect(
            names(&answer)?.len() == expected,
            format!("expected {expected} products"),
        )?;
        let more = answer.data("/productConnection/pageInfo/hasNextPage")?;
        answer.expect(
            more == &json!(expected < 2),
            "hasNextPage should be true only before the last page",
        )?;
    }
    Ok(())
}

fn a_cursor_is_good_for_its_own_sort_only(world: &World) -> Result<()> {
    let maker = made(world, &[("one", 1, 1), ("two", 2, 1)])?;
    let filter = json!({ "manufacturer": maker });
    let by = |key: &str, after: &Value| {
        connection(
            world,
            json!({ "first": 1, "after": after, "filter": filter, "sort": { "key": key, "descending": false } }),
        )
    };
    let cursor = by("PRICE", &Value::Null)?
        .data("/productConnection/pageInfo/endCursor")?
        .clone();
    let next = by("PRICE", &cursor)?;
    next.expect(
        names(&next)? == ["two"],
        "the next page should begin after the cursor",
    )?;
    by("NAME", &cursor)?.bad_input("after")?;
    for bad in ["", "nonsense", "eyJ9", "AAAA", "🔑", &"A".repeat(20_000)] {
        by("PRICE", &json!(bad))?.bad_input("after")?;
    }
    Ok(())
}

fn orders_are_paged_from_the_newest(world: &World) -> Result<()> {
    let customer = world.register("pages")?;
    let product = world.product(10, 100)?;
    let mut placed = Vec::new();
    for quantity in 1..=3 {
        let answer = place_order(&world.shop, customer.caller(), &[(&product, quantity)])?;
        placed.push(json!(answer.text("/placeOrder/_id")?));
    }
    placed.reverse();
    let query = "query ($after: String) { orderConnection(first: 2, after: $after) {
        edges { node { _id } } pageInfo { hasNextPage endCursor } } }";
    let first = world.shop.graphql(customer.caller(), query, json!({}))?;
    let after = first.data("/orderConnection/pageInfo/endCursor")?;
    let second = world
        .shop
        .graphql(customer.caller(), query, json!({ "after": after }))?;
    second.expect(
        second.data("/orderConnection/pageInfo/hasNextPage")? == &json!(false),
        "the second page is the last",
    )?;
    let mut found = first.column("/orderConnection/edges", "/node/_id")?;
    found.extend(second.column("/orderConnection/edges", "/node/_id")?);
    ensure!(found == placed, "expected {placed:?}, found {found:?}");
    let list = world.shop.query(customer.caller(), "{ orders { _id } }")?;
    list.expect(
        list.column("/orders", "/_id")? == placed,
        format!("orders should be {placed:?}"),
    )
}
