//! What keepers of the shop do with its products, through GraphQL.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use serde_json::{Value, json};
use shop::{KEY, Shop};

const NOBODY: (&str, &str) = ("accept", "*/*");

fn buyer(shop: &Shop) -> String {
    let registered = shop.ask(
        NOBODY,
        "mutation { registerUser(input: {username: \"ada\", password: \"a password\"}) { access_token } }",
    );
    format!(
        "Bearer {}",
        registered["registerUser"]["access_token"].as_str().unwrap()
    )
}

#[test]
fn a_deleted_product_is_there_for_old_orders_and_for_keepers_only() {
    let shop = Shop::new();
    let id = shop.product("a");
    let token = buyer(&shop);
    let user = ("authorization", token.as_str());
    shop.ask(
        user,
        &format!("mutation {{ placeOrder(products: [{{_id: \"{id}\", quantity: 2}}]) {{ _id }} }}"),
    );
    let question = format!("{{ product(id: \"{id}\") {{ name archivedAt }} }}");
    assert_eq!(shop.ask(NOBODY, &question)["product"]["archivedAt"], Value::Null);

    let delete = |version| json!({ "query": format!("mutation {{ deleteProduct(id: \"{id}\", version: {version}) {{ archivedAt }} }}") });
    let stale = shop.answer(KEY, &delete(7));
    let extensions = &stale["errors"][0]["extensions"];
    assert_eq!(
        (&extensions["code"], &extensions["currentVersion"]),
        (&json!("CONFLICT"), &json!(1))
    );
    assert_eq!(
        shop.answer(user, &delete(1))["errors"][0]["extensions"]["code"],
        "FORBIDDEN"
    );
    let deleted = shop.answer(KEY, &delete(1));
    assert!(
        deleted["data"]["deleteProduct"]["archivedAt"].is_string(),
        "{deleted}"
    );

    for who in [NOBODY, user] {
        let answer = shop.answer(who, &json!({ "query": question }));
        assert_eq!(answer["errors"][0]["extensions"]["code"], "NOT_FOUND");
        assert_eq!(answer["data"]["product"], Value::Null);
    }
    assert!(shop.ask(KEY, &question)["product"]["archivedAt"].is_string());
    let orders = shop.ask(user, "{ orders { products { quantity product { name } } } }");
    assert_eq!(
        orders["orders"][0]["products"][0],
        json!({ "quantity": 2, "product": { "name": "a" } })
    );
    let archived = shop.ask(KEY, "{ archivedProducts { edges { node { name } } } }");
    assert_eq!(archived["archivedProducts"]["edges"][0]["node"]["name"], "a");
    assert_eq!(shop.ask(NOBODY, "{ products { name } }")["products"], json!([]));
}

#[test]
fn stock_is_adjusted_and_counted_and_every_movement_is_told() {
    let shop = Shop::new();
    let id = shop.product("a");
    let changed = shop.ask(
        KEY,
        &format!(
            "mutation {{
                adjustStock(id: \"{id}\", delta: -2, reason: \"broken\") {{ quantity }}
                setStock(id: \"{id}\", quantity: 20) {{ stock {{ received onHand writtenOff }} }} }}"
        ),
    );
    assert_eq!(changed["adjustStock"]["quantity"], 7);
    assert_eq!(
        changed["setStock"]["stock"],
        json!({ "received": 22, "onHand": 20, "writtenOff": 2 })
    );
    let question = format!(
        "{{ stockMovements(productId: \"{id}\", first: 2) {{
            edges {{ node {{ kind pieces delta reason actor orderId }} }} pageInfo {{ hasNextPage }} }} }}"
    );
    let ledger = &shop.ask(KEY, &question)["stockMovements"];
    assert_eq!(
        ledger["edges"][1]["node"],
        json!({
            "kind": "ADJUSTED", "pieces": 2, "delta": -2, "reason": "broken", "actor": "api-key", "orderId": null,
        })
    );
    assert_eq!(
        (
            &ledger["edges"][0]["node"]["kind"],
            &ledger["edges"][0]["node"]["delta"]
        ),
        (&json!("SET"), &json!(13))
    );
    assert_eq!(ledger["pageInfo"]["hasNextPage"], true);
    let nobody = shop.answer(NOBODY, &json!({ "query": question }));
    assert_eq!(nobody["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    let short = shop.answer(
        KEY,
        &json!({ "query": format!("mutation {{ adjustStock(id: \"{id}\", delta: -21, reason: \"x\") {{ _id }} }}") }),
    );
    let extensions = &short["errors"][0]["extensions"];
    assert_eq!(
        (&extensions["code"], &extensions["lines"][0]["available"]),
        (&json!("OUT_OF_STOCK"), &json!(20))
    );
}

#[test]
fn the_tree_of_categories_is_answered_in_one_call() {
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
        "what was kept of before is not told"
    );
    let deleted = shop.answer(
        KEY,
        &json!({ "query": format!("mutation {{ deleteCategory(id: \"{socks}\") {{ name }} }}") }),
    );
    assert_eq!(deleted["errors"][0]["extensions"]["code"], "CONFLICT");
}

#[test]
fn the_variants_of_many_products_are_read_in_one_call() {
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

#[test]
fn facets_and_exports_tell_of_all_products() {
    let shop = Shop::new();
    let root = shop.ask(
        KEY,
        "mutation { createCategory(input: {name: \"Hats\"}) { _id } }",
    );
    let category = root["createCategory"]["_id"].as_str().unwrap();
    for name in ["a", "b", "c"] {
        shop.ask(
            KEY,
            &format!(
                "mutation {{ createProduct(input: {{name: \"{name}\", price: 5, quantity: 1, categoryId: \"hats\",
                    externalId: \"feed/{name}\", attributes: [{{name: \"size\", value: \"M\"}}]}}) {{ _id }} }}"
            ),
        );
    }
    let facets = shop.ask(
        NOBODY,
        "{ productFacets { total truncated inStock prices { from to count } categories { categoryId count category { name } } } }",
    );
    assert_eq!(
        facets["productFacets"],
        json!({
            "total": 3, "truncated": false, "inStock": 3, "prices": [{ "from": 5, "to": 6, "count": 3 }],
            "categories": [{ "categoryId": category, "count": 3, "category": { "name": "Hats" } }],
        })
    );

    let export = |after: Value| {
        let query = "query ($after: String) { exportProducts(first: 2, after: $after) { data endCursor hasNextPage } }";
        shop.answer(KEY, &json!({ "query": query, "variables": { "after": after } }))["data"]["exportProducts"].clone()
    };
    let (first, mut rows) = (export(Value::Null), Vec::new());
    let second = export(first["endCursor"].clone());
    for page in [&first, &second] {
        let lines = page["data"].as_str().unwrap().lines();
        rows.extend(lines.map(|line| serde_json::from_str::<Value>(line).unwrap()));
    }
    assert_eq!(
        (rows.len(), &first["hasNextPage"], &second["hasNextPage"]),
        (3, &json!(true), &json!(false))
    );
    assert_eq!(second["endCursor"], Value::Null);
    let last = rows[2].as_object_mut().unwrap();
    assert!(last.remove("_id").is_some());
    assert_eq!(
        rows[2],
        json!({
            "name": "c", "externalId": "feed/c", "price": 5, "currency": "USD", "quantity": 1, "version": 1,
            "categoryId": category, "attributes": [{ "name": "size", "value": "M" }],
            "category": [{ "slug": "hats", "name": "Hats", "position": 0 }],
        })
    );
    for more_than_a_feed_has in ["version", "category"] {
        rows[2].as_object_mut().unwrap().remove(more_than_a_feed_has);
    }
    let again = shop.answer(
        KEY,
        &json!({
            "query": "mutation ($rows: [ImportProductInput!]!) { importProducts(products: $rows) { outcomes { outcome } } }",
            "variables": { "rows": [rows[2]] },
        }),
    );
    assert_eq!(
        again["data"]["importProducts"]["outcomes"][0]["outcome"],
        "UNCHANGED"
    );
    let nobody = shop.answer(NOBODY, &json!({ "query": "{ exportProducts { data } }" }));
    assert_eq!(nobody["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
}
