//! Connections: their pages in both directions, and the filters, the search and the sort of products.

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
            orders_are_paged_from_the_newest,
            every_connection_has_the_same_items_in_both_directions
        ],
        component = [
            a_page_has_between_1_and_100_products,
            a_page_has_only_items_between_its_cursors,
            the_total_counts_the_items_of_all_pages,
            a_customer_pages_through_the_own_user_record,
            a_cursor_is_valid_for_its_own_sort_only
        ]
    )
}

fn connection(shop: &Shop, variables: Value) -> Result<GraphqlResponse> {
    let query = "query ($first: Int, $after: String, $last: Int, $before: String, $filter: ProductFilter,
            $sort: ProductSort) {
        productConnection(
            first: $first, after: $after, last: $last, before: $before, filter: $filter, sort: $sort
        ) {
            totalCount
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
        connection(shop, json!({ "last": first }))?.bad_input("last")?;
    }
    connection(shop, json!({ "first": 1, "last": 1 }))?.bad_input("last")?;
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
        connection(shop, json!({ "last": 1, "before": bad }))?.bad_input("before")?;
    }
    // A cursor of this sort without the value that it sorts by.
    let forged = "eyJzIjoicHJpY2UiLCJpIjoieCJ9";
    by("PRICE", &json!(forged))?.bad_input("after")?;
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

/// Returns the cursors of a connection, and its ids, in their order.
fn items(answer: &GraphqlResponse) -> Result<(Vec<Value>, Vec<Value>)> {
    Ok((
        answer.column("/list/edges", "/cursor")?,
        answer.column("/list/edges", "/node/id")?,
    ))
}

/// Reads up to six items of a connection by pages of two, and then reads the items before the last one
/// backward. Other tests may add items before the first one or after the last one at the same time.
fn is_paged_in_both_directions(
    shop: &Shop,
    caller: As<'_>,
    field: &str,
    arguments: &str,
    least: usize,
) -> Result<()> {
    let read = |page: String| {
        let query = format!(
            "{{ list: {field}({arguments} {page}) {{ totalCount edges {{ cursor node {{ id }} }}
                pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"
        );
        shop.query(caller, &query)
    };
    let (mut cursors, mut ids) = (Vec::new(), Vec::new());
    let mut after = String::new();
    while ids.len() < 6 {
        let answer = read(format!("first: 2{after}"))?;
        answer.has("/list/pageInfo/hasPreviousPage", !after.is_empty())?;
        let (more_cursors, more_ids) = items(&answer)?;
        answer.has("/list/pageInfo/startCursor", more_cursors.first())?;
        answer.has("/list/pageInfo/endCursor", more_cursors.last())?;
        cursors.extend(more_cursors);
        ids.extend(more_ids);
        let total = answer.int("/list/totalCount")?;
        answer.expect(
            total >= i64::try_from(ids.len())?,
            "the total should count all pages",
        )?;
        if answer.data("/list/pageInfo/hasNextPage")? == &json!(false) {
            break;
        }
        after = format!(", after: {}", cursors.last().unwrap_or(&Value::Null));
    }
    ensure!(
        ids.len() >= least,
        "{field} has only {} items, expected {least}",
        ids.len()
    );
    let Some((mut before, mut expected)) = cursors.pop().zip(ids.split_last().map(|(_, ids)| ids.to_vec()))
    else {
        return Ok(());
    };
    while !expected.is_empty() {
        let answer = read(format!("last: 2, before: {before}"))?;
        answer.has("/list/pageInfo/hasNextPage", true)?;
        let (found_cursors, found) = items(&answer)?;
        let rest = expected.len().saturating_sub(2);
        // The first page can have an item that another test has added before the others.
        answer.expect(
            found.ends_with(expected.get(rest..).unwrap_or_default()),
            format!("{field} should have {expected:?} before the cursor"),
        )?;
        expected.truncate(rest);
        before = found_cursors.first().cloned().unwrap_or_default();
    }
    Ok(())
}

fn every_connection_has_the_same_items_in_both_directions(shop: &Shop) -> Result<()> {
    let customer = shop.register("both-ways")?;
    let product = shop.product(10, 100)?;
    for _ in 0..3 {
        let archived = shop.product(1, 1)?;
        shop.delete_product(&archived, 1)?.data("/deleteProduct/_id")?;
        shop.receive_stock(&product, 1)?.data("/receiveStock")?;
        shop.order(customer.caller(), &[(&product, 1)])?;
        shop.discount(json!({ "percent": 10 }))?;
        shop.login(&customer.name, &customer.password)?;
    }
    let movements = format!("productId: \"{product}\",");
    let about_customer = format!("filter: {{ subject: \"{}\" }},", customer.id);
    let maker = products(shop, &[("a", 1, 1), ("b", 1, 1), ("c", 2, 1)])?;
    let by_name =
        format!("filter: {{ manufacturer: \"{maker}\" }}, sort: {{ key: NAME, descending: true }},");
    for (caller, field, arguments, least) in [
        (As::Anonymous, "productConnection", "", 4),
        (As::Anonymous, "productConnection", &*by_name, 3),
        (As::Key, "archivedProducts", "", 3),
        (As::Key, "stockMovements", &*movements, 6),
        (customer.caller(), "orderConnection", "", 3),
        (As::Key, "orderConnection", "sort: { key: CREATED },", 3),
        (As::Key, "userConnection", "", 1),
        (As::Key, "auditLog", &about_customer, 4),
        (As::Key, "discounts", "", 3),
        (As::Key, "notifications", "", 0),
        (As::Key, "webhookDeliveries", "", 0),
    ] {
        is_paged_in_both_directions(shop, caller, field, arguments, least)?;
    }
    Ok(())
}

fn a_page_has_only_items_between_its_cursors(shop: &Shop) -> Result<()> {
    let maker = products(
        shop,
        &[("a", 1, 1), ("b", 2, 1), ("c", 3, 1), ("d", 4, 1), ("e", 5, 1)],
    )?;
    for descending in [false, true] {
        let sort = json!({ "key": "PRICE", "descending": descending });
        let all = of_maker(shop, &maker, json!({ "sort": sort }))?;
        let names = all.column("/productConnection/edges", "/node/name")?;
        let cursors = all.column("/productConnection/edges", "/cursor")?;
        let [first, _, _, _, last] = cursors.as_slice() else {
            return all.expect(false, "there should be five products");
        };
        for (page, range, has_previous, has_next) in [
            (json!({ "first": 3 }), 0..3, false, true),
            (json!({ "last": 3 }), 2..5, true, false),
            (json!({ "last": 5 }), 0..5, false, false),
            (json!({ "first": 2, "after": first }), 1..3, true, true),
            (json!({ "last": 2, "before": last }), 2..4, true, true),
            (json!({ "first": 2, "before": last }), 0..2, false, true),
            (json!({ "last": 2, "after": first }), 3..5, true, false),
            (
                json!({ "first": 9, "after": first, "before": last }),
                1..4,
                true,
                false,
            ),
            (
                json!({ "last": 9, "after": first, "before": last }),
                1..4,
                false,
                true,
            ),
            (json!({ "before": last }), 0..4, false, false),
            (
                json!({ "first": 9, "after": last, "before": first }),
                0..0,
                true,
                false,
            ),
        ] {
            let mut page = page;
            set(&mut page, "sort", sort.clone());
            let answer = of_maker(shop, &maker, page)?;
            answer.has_column("/productConnection/edges", "/node/name", names.get(range))?;
            answer.has("/productConnection/pageInfo/hasPreviousPage", has_previous)?;
            answer.has("/productConnection/pageInfo/hasNextPage", has_next)?;
            answer.has("/productConnection/totalCount", 5)?;
        }
    }
    Ok(())
}

fn the_total_counts_the_items_of_all_pages(shop: &Shop) -> Result<()> {
    let maker = products(shop, &[("a", 10, 1), ("b", 20, 0), ("c", 30, 1)])?;
    for (mut filter, total) in [
        (json!({}), 3),
        (json!({ "inStock": true }), 2),
        (json!({ "minPrice": 15, "maxPrice": 25 }), 1),
        (json!({ "minPrice": 31 }), 0),
    ] {
        set(&mut filter, "manufacturer", json!(maker));
        for sort in [
            Value::Null,
            json!({ "key": "PRICE", "descending": true }),
            json!({ "key": "NAME", "descending": false }),
        ] {
            let page = json!({ "first": 1, "filter": filter, "sort": sort });
            connection(shop, page)?.has("/productConnection/totalCount", total)?;
        }
    }
    let query = "query ($maker: String!) {
        productConnection(first: 1, filter: { manufacturer: $maker }) { ...Total } }
        fragment Total on ProductConnection { ... on ProductConnection { count: totalCount } }";
    let answer = shop.graphql(As::Anonymous, query, json!({ "maker": maker }))?;
    answer.has("/productConnection/count", 3)
}

fn a_customer_pages_through_the_own_user_record(shop: &Shop) -> Result<()> {
    let customer = shop.register("own-page")?;
    shop.register("another")?;
    let read = |page: &str| {
        let query = format!(
            "{{ userConnection({page}) {{ totalCount edges {{ cursor node {{ _id }} }}
                pageInfo {{ hasNextPage hasPreviousPage }} }} }}"
        );
        shop.query(customer.caller(), &query)
    };
    for page in ["first: 1", "last: 1"] {
        let answer = read(page)?;
        answer.has_column("/userConnection/edges", "/node/_id", [&*customer.id])?;
        answer.has("/userConnection/totalCount", 1)?;
        answer.has("/userConnection/pageInfo/hasNextPage", false)?;
        answer.has("/userConnection/pageInfo/hasPreviousPage", false)?;
    }
    let cursor = read("first: 1")?.data("/userConnection/edges/0/cursor")?.clone();
    for page in [
        format!("first: 1, after: {cursor}"),
        format!("last: 1, before: {cursor}"),
    ] {
        read(&page)?.has_column("/userConnection/edges", "/node/_id", [""; 0])?;
    }
    Ok(())
}
