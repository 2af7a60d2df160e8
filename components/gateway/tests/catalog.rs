//! The number of calls for categories and variants.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use serde_json::json;
use shop::{KEY, Shop};

const NOBODY: (&str, &str) = ("accept", "*/*");

#[test]
fn reads_the_tree_of_categories_in_one_call() {
    let shop = Shop::new();
    let create = |name: &str, parent: Option<&str>| {
        let parent = parent.map_or(String::new(), |id| format!(", parentId: \"{id}\""));
        let created = shop.ask(
            KEY,
            &format!("mutation {{ createCategory(input: {{name: \"{name}\"{parent}}}) {{ _id slug }} }}"),
        );
        created["createCategory"]["_id"].as_str().unwrap().to_owned()
    };
    let clothes = create("Clothes", None);
    let socks = create("Socks", Some(&clothes));
    create("Wool", Some(&socks));
    let product = shop.ask(
        KEY,
        "mutation { createProduct(input: {name: \"a\", price: 5, quantity: 9, categoryId: \"wool\"}) {
            category { name ancestors { name } } } }",
    );
    assert_eq!(
        product["createProduct"]["category"],
        json!({ "name": "Wool", "ancestors": [{ "name": "Clothes" }, { "name": "Socks" }] })
    );
    shop.calls();
    let tree = "{ categories { name children { name parentId children { slug } } } }";
    assert_eq!(
        shop.ask(NOBODY, tree)["categories"],
        json!([{
            "name": "Clothes",
            "children": [{ "name": "Socks", "parentId": clothes, "children": [{ "slug": "wool" }] }],
        }])
    );
    assert_eq!(shop.calls(), ["get 1 of catalog.categories"]);
    let listed = "{ productConnection(filter: {category: \"clothes\"}) { edges { node { name } } } }";
    assert_eq!(
        shop.ask(NOBODY, listed)["productConnection"]["edges"][0]["node"]["name"],
        "a"
    );
    let moved = shop.ask(
        KEY,
        &format!("mutation {{ moveCategory(id: \"{socks}\") {{ parentId children {{ name }} }} }}"),
    );
    assert_eq!(
        moved["moveCategory"],
        json!({ "parentId": null, "children": [{ "name": "Wool" }] })
    );
    assert_eq!(
        shop.ask(NOBODY, listed)["productConnection"]["edges"],
        json!([]),
        "outdated categories are not returned"
    );
    let deleted = shop.answer(
        KEY,
        &json!({ "query": format!("mutation {{ deleteCategory(id: \"{socks}\") {{ name }} }}") }),
    );
    assert_eq!(deleted["errors"][0]["extensions"]["code"], "CONFLICT");
}

#[test]
fn reads_the_variants_of_many_products_in_one_call() {
    let shop = Shop::new();
    for name in ["a", "b"] {
        let id = shop.product(name);
        for size in ["S", "L"] {
            let created = shop.ask(
                KEY,
                &format!(
                    "mutation {{ createVariant(parentId: \"{id}\", options: [{{name: \"size\", value: \"{size}\"}}],
                        input: {{name: \"{name} {size}\", price: 6, quantity: 1, sku: \"{name}{size}\",
                            images: [{{url: \"https://cdn.example/x.jpg\"}}]}}) {{ parentId images {{ url alt }} }} }}"
                ),
            );
            assert_eq!(
                created["createVariant"],
                json!({ "parentId": id, "images": [{ "url": "https://cdn.example/x.jpg", "alt": null }] })
            );
        }
    }
    shop.calls();
    let listed = shop.ask(
        NOBODY,
        "{ productConnection(filter: {standalone: true}) { edges { node {
            name variants { sku options { name value } } } } } }",
    );
    let edges = &listed["productConnection"]["edges"];
    assert_eq!(edges.as_array().unwrap().len(), 2);
    assert_eq!(
        edges[1]["node"],
        json!({ "name": "b", "variants": [
            { "sku": "bS", "options": [{ "name": "size", "value": "S" }] },
            { "sku": "bL", "options": [{ "name": "size", "value": "L" }] },
        ] })
    );
    assert_eq!(
        shop.calls(),
        ["find in catalog.products", "get 4 of catalog.products"]
    );
}
