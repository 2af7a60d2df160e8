//! The pages and the total of connections.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use serde_json::{Value, json};
use shop::{KEY, NOBODY, Shop};

const PAGE: &str = "edges { cursor node { name } } nodes { name }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }";

fn connection(shop: &Shop, page: &str) -> Value {
    let query = format!("{{ productConnection({page}) {{ {PAGE} }} }}");
    shop.ask(NOBODY, &query)["productConnection"].clone()
}

fn names(connection: &Value) -> Vec<&str> {
    let edges = connection["edges"].as_array().unwrap();
    edges
        .iter()
        .map(|edge| edge["node"]["name"].as_str().unwrap())
        .collect()
}

#[test]
fn reads_pages_in_both_directions() {
    let shop = Shop::new();
    for name in ["a", "b", "c", "d", "e"] {
        shop.product(name);
    }
    let first = connection(&shop, "first: 2");
    assert_eq!(names(&first), ["a", "b"]);
    let last = connection(&shop, "last: 2");
    assert_eq!(names(&last), ["d", "e"]);
    assert_eq!(last["nodes"], json!([{ "name": "d" }, { "name": "e" }]));
    assert_eq!(last["pageInfo"]["hasPreviousPage"], true);
    assert_eq!(last["pageInfo"]["hasNextPage"], false);
    let start = &last["pageInfo"]["startCursor"];
    assert_eq!(*start, last["edges"][0]["cursor"]);
    let before = connection(&shop, &format!("last: 2, before: {start}"));
    assert_eq!(names(&before), ["b", "c"]);
    assert_eq!(before["pageInfo"]["hasNextPage"], true);
    let end = &first["pageInfo"]["endCursor"];
    let between = connection(&shop, &format!("first: 9, after: {end}, before: {start}"));
    assert_eq!(names(&between), ["c"]);
    let by_default = connection(&shop, &format!("first: null, last: null, before: {start}"));
    assert_eq!(names(&by_default), ["a", "b", "c"]);
}

#[test]
fn refuses_invalid_pages_and_names_the_argument() {
    let shop = Shop::new();
    for (page, field) in [
        ("first: 1, last: 1", "last"),
        ("first: 0", "first"),
        ("last: 0", "last"),
        ("last: 101", "last"),
        ("last: -1", "last"),
        (r#"last: 1, before: "x""#, "before"),
    ] {
        let query = format!("{{ productConnection({page}) {{ {PAGE} }} }}");
        let answer = shop.answer(NOBODY, &json!({ "query": query }));
        let extensions = &answer["errors"][0]["extensions"];
        assert_eq!(extensions["code"], "BAD_USER_INPUT", "{page}: {answer}");
        assert_eq!(extensions["field"], field, "{page}: {answer}");
    }
}

#[test]
fn counts_only_if_the_total_is_selected() {
    let shop = Shop::new();
    for name in ["a", "b", "c"] {
        shop.product(name);
    }
    let counts = |query: &str| {
        shop.calls();
        let answer = shop.ask(KEY, query);
        let calls = shop.calls();
        let count = calls.iter().filter(|call| call.starts_with("count in")).count();
        (answer, count)
    };
    let (_, count) = counts("{ productConnection(first: 1) { nodes { name } } }");
    assert_eq!(count, 0);
    let (answer, count) = counts(
        "{ productConnection(first: 1) { ...Total } }
        fragment Total on ProductConnection { total: totalCount }",
    );
    assert_eq!((&answer["productConnection"]["total"], count), (&json!(3), 1));
    for field in [
        "archivedProducts",
        "orderConnection",
        "userConnection",
        "discounts",
        "notifications",
    ] {
        let (answer, count) = counts(&format!("{{ {field}(last: 1) {{ totalCount }} }}"));
        assert_eq!((&answer[field]["totalCount"], count), (&json!(0), 1), "{field}");
    }
}
