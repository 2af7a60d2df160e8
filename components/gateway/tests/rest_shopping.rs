//! REST: details of products, carts and payments.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use http::HeaderMap;
use serde_json::{Value, json};
use shop::{KEY, NOBODY, Shop};

const NONE: Value = Value::Null;

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

fn category(shop: &Shop, name: &str, parent: &Value) -> Value {
    let query = "mutation ($input: CreateCategoryInput!) { createCategory(input: $input) { _id } }";
    let input = json!({ "name": name, "parentId": parent });
    let answer = shop.answer(KEY, &json!({ "query": query, "variables": { "input": input } }));
    answer["data"]["createCategory"]["_id"].clone()
}

#[test]
fn a_product_has_details_and_is_found_by_them() {
    let shop = Shop::new();
    let clothes = category(&shop, "Clothes", &NONE);
    let socks = category(&shop, "Socks", &clothes);
    let (status, headers, categories) = shop.rest(NOBODY, "GET", "/api/categories", &NONE);
    assert_eq!(
        (status, &categories),
        (
            200,
            &json!({ "items": [
                { "_id": clothes, "name": "Clothes", "slug": "clothes", "parentId": null, "position": 0 },
                { "_id": socks, "name": "Socks", "slug": "socks", "parentId": clothes, "position": 0 },
            ] })
        )
    );
    assert_eq!(text(&headers, "cache-control"), "public, no-cache");

    let details = json!({
        "name": "Wool sock", "price": 1250, "quantity": 3, "sku": "S-1", "categoryId": "socks",
        "images": [{ "url": "https://shop.example/sock.jpg" }],
        "attributes": [{ "name": "material", "value": "wool" }],
    });
    let (status, _, product) = shop.rest(KEY, "POST", "/api/products", &details);
    assert_eq!((status, &product["categoryId"]), (201, &socks), "{product}");
    assert_eq!(
        product["images"],
        json!([{ "url": "https://shop.example/sock.jpg", "alt": null }])
    );
    for name in ["sku", "attributes"] {
        assert_eq!(product[name], details[name]);
    }
    for name in ["parentId", "archivedAt"] {
        assert_eq!(product[name], NONE);
    }
    let path = format!("/api/products/{}", product["_id"].as_str().unwrap());
    let changes = json!({ "sku": "S-2", "images": [], "categoryId": "" });
    let (status, _, edited) = shop.rest(KEY, "PUT", &path, &changes);
    assert_eq!(
        (status, &edited["sku"], &edited["images"], &edited["categoryId"]),
        (200, &json!("S-2"), &json!([]), &NONE)
    );
    assert_eq!(
        edited["attributes"], details["attributes"],
        "what is left out stays"
    );
    assert_eq!(
        shop.rest(KEY, "PUT", &path, &json!({ "categoryId": clothes })).0,
        200
    );

    let query = "mutation ($parent: ID!) { createVariant(parentId: $parent, options: [{name: \"size\", value: \"M\"}], \
        input: {name: \"M\", price: 1, quantity: 1}) { _id } }";
    let variables = json!({ "parent": product["_id"] });
    let variant = shop.answer(KEY, &json!({ "query": query, "variables": variables }));
    let variant = variant["data"]["createVariant"]["_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let (_, _, read) = shop.rest(NOBODY, "GET", &format!("/api/products/{variant}"), &NONE);
    assert_eq!(
        (&read["parentId"], &read["options"]),
        (&product["_id"], &json!([{ "name": "size", "value": "M" }]))
    );
    for (query, names) in [
        ("category=clothes", json!(["Wool sock"])),
        ("category=socks", json!([])),
        ("sku=S-2", json!(["Wool sock"])),
        ("sku=S-1", json!([])),
        ("standalone=true", json!(["Wool sock"])),
        ("standalone=false", json!(["Wool sock", "M"])),
    ] {
        let (_, _, page) = shop.rest(NOBODY, "GET", &format!("/products?{query}"), &NONE);
        let items = page["items"].as_array().unwrap();
        let found: Vec<_> = items.iter().map(|item| &item["name"]).collect();
        assert_eq!(json!(found), names, "{query}");
    }
}

#[test]
fn a_product_that_is_deleted_is_no_longer_sold() {
    let shop = Shop::new();
    let path = format!("/api/products/{}", shop.product("a"));
    let delete = |tag: &str| shop.rest_with(&[KEY, ("if-match", tag)], "DELETE", &path, &NONE);
    let (status, _, problem) = delete("\"7\"");
    assert_eq!((status, &problem["version"]), (409, &json!(1)), "{problem}");
    let (status, _, deleted) = delete("\"1.9\"");
    assert_eq!((status, deleted["archivedAt"].is_string()), (200, true));
    assert_eq!(delete("\"1.9\"").2, deleted, "it can be repeated");
    assert_eq!(shop.rest(NOBODY, "GET", &path, &NONE).0, 404);
    assert_eq!(shop.rest(KEY, "DELETE", &path, &NONE).0, 404);
    let other = format!("/api/products/{}", shop.product("b"));
    assert_eq!(
        shop.rest(KEY, "DELETE", &other, &NONE).0,
        200,
        "whatever its version"
    );
}
