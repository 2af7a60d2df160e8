//! Exports of products, and their import.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use std::collections::HashMap;

use serde_json::{Value, json};
use shop::{KEY, Shop};

type Row = HashMap<String, String>;

/// Returns all pages of an export as CSV.
fn table(shop: &Shop, size: u32) -> String {
    let query = "query ($first: Int, $after: String) {
        exportProducts(first: $first, after: $after, format: CSV) { data endCursor hasNextPage } }";
    let (mut table, mut after) = (String::new(), Value::Null);
    loop {
        let variables = json!({ "first": size, "after": after });
        let answer = shop.answer(KEY, &json!({ "query": query, "variables": variables }));
        assert_eq!(answer["errors"], Value::Null);
        let page = &answer["data"]["exportProducts"];
        table.push_str(page["data"].as_str().unwrap());
        if page["hasNextPage"] == false {
            return table;
        }
        after = page["endCursor"].clone();
    }
}

fn rows(table: &str) -> Vec<Row> {
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    reader.deserialize().map(Result::unwrap).collect()
}

fn create(shop: &Shop, query: &str, variables: &Value) -> String {
    let answer = shop.answer(KEY, &json!({ "query": query, "variables": variables }));
    assert_eq!(answer["errors"], Value::Null);
    answer["data"]["made"]["_id"].as_str().unwrap().to_owned()
}

/// Creates a product with all fields, a variant of it, and a product with few fields. A spreadsheet would
/// read its text as a formula.
fn stocked() -> Shop {
    let shop = Shop::new();
    let category = "mutation { made: createCategory(input: { name: \"Socks\" }) { _id } }";
    create(&shop, category, &Value::Null);
    let product = "mutation ($input: CreateProductInput!) { made: createProduct(input: $input) { _id } }";
    let full = json!({
        "name": "Wool, \"thick\"", "description": "Two\nlines,\r\nand more", "manufacturer": "=1+1", "externalId": "feed,1",
        "price": 1250, "compareAtPrice": 2500, "currency": "KWD", "quantity": 3, "sku": "S-1", "slug": "thick-wool",
        "categoryId": "socks", "weight": 80,
        "images": [{ "url": "https://shop.example/a,b.jpg", "alt": "A \"sock\"" }],
        "attributes": [{ "name": "material", "value": "wool" }],
    });
    let parent = create(&shop, product, &json!({ "input": full }));
    let variant = "mutation ($parent: ID!, $input: CreateProductInput!) {
        made: createVariant(parentId: $parent, options: [{ name: \"size\", value: \"M\" }], input: $input) { _id } }";
    let medium =
        json!({ "name": "M", "price": 700, "currency": "JPY", "quantity": 1, "externalId": "feed,1/M" });
    create(&shop, variant, &json!({ "parent": parent, "input": medium }));
    let plain = json!({ "name": "@SUM(A1)", "price": 5, "quantity": 0, "externalId": "-1" });
    create(&shop, product, &json!({ "input": plain }));
    shop
}

#[test]
fn writes_one_header_and_all_products() {
    let shop = stocked();
    let whole = table(&shop, 500);
    assert_eq!(table(&shop, 1), whole);
    let header = "externalId,name,description,manufacturer,price,compareAtPrice,currency,quantity,sku,slug,parentExternalId,\
        options,categoryPath,images,attributes,weight,_id,parentId,categoryId,version\r\n";
    assert!(whole.starts_with(header), "{whole}");
    let rows = rows(&whole);
    let [full, variant, plain] = rows.as_slice() else {
        panic!("three rows: {whole}")
    };
    assert_eq!(full["name"], "Wool, \"thick\"");
    assert_eq!(full["description"], "Two\nlines,\r\nand more");
    assert_eq!(full["manufacturer"], "=1+1");
    assert_eq!(
        (full["price"].as_str(), full["currency"].as_str()),
        ("1.250", "KWD")
    );
    assert_eq!(
        (variant["price"].as_str(), variant["currency"].as_str()),
        ("700", "JPY")
    );
    assert_eq!(
        (plain["price"].as_str(), plain["name"].as_str()),
        ("0.05", "@SUM(A1)")
    );
    assert_eq!(
        (full["compareAtPrice"].as_str(), full["slug"].as_str()),
        ("2.500", "thick-wool")
    );
    assert_eq!(full["categoryPath"], r#"["Socks"]"#);
    assert_eq!(variant["parentId"], full["_id"]);
    assert_eq!(variant["parentExternalId"], "feed,1");
    assert_eq!(variant["options"], r#"[{"name":"size","value":"M"}]"#);
    assert_eq!(full["attributes"], r#"[{"name":"material","value":"wool"}]"#);
    assert_eq!((plain["images"].as_str(), plain["sku"].as_str()), ("", ""));
}

/// Returns the lines of an NDJSON export.
fn lines(shop: &Shop) -> Vec<Value> {
    let answer = shop.ask(KEY, "{ exportProducts { data } }");
    let data = answer["exportProducts"]["data"].as_str().unwrap();
    data.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Imports lines of an export unchanged, and returns the outcomes.
fn import_lines(shop: &Shop, lines: &[Value]) -> Vec<Value> {
    let query = "mutation ($products: [ImportProductInput!]!) {
        importProducts(products: $products) { outcomes { outcome field } } }";
    let body = json!({ "query": query, "variables": { "products": lines } });
    let answer = shop.answer(KEY, &body);
    assert_eq!(answer["errors"], Value::Null);
    let outcomes = answer["data"]["importProducts"]["outcomes"].as_array().unwrap();
    outcomes
        .iter()
        .map(|outcome| {
            if outcome["field"].is_null() {
                outcome["outcome"].clone()
            } else {
                outcome["field"].clone()
            }
        })
        .collect()
}

#[test]
fn imports_exported_lines_unchanged() {
    let shop = stocked();
    let mut exported = lines(&shop);
    assert_eq!(import_lines(&shop, &exported), ["UNCHANGED"; 3]);
    assert_eq!(lines(&shop), exported);

    // An empty shop gets the same products, variants and categories. Only ids and versions differ.
    let other = Shop::new();
    assert_eq!(import_lines(&other, &exported), ["CREATED"; 3]);
    let mut copies = lines(&other);
    assert_eq!(copies[1]["parentId"], copies[0]["_id"]);
    assert_eq!(import_lines(&other, &exported), ["UNCHANGED"; 3]);
    for (copy, line) in copies.iter_mut().zip(&exported) {
        for field in ["_id", "parentId", "categoryId", "version"] {
            if let Some(own) = line.get(field) {
                copy[field] = own.clone();
            }
        }
    }
    assert_eq!(copies, exported);

    exported[1].as_object_mut().unwrap().remove("externalId");
    let outcomes = import_lines(&shop, &exported);
    assert_eq!(
        outcomes,
        ["UNCHANGED", "externalId", "UNCHANGED"],
        "only one row is refused"
    );
}

#[test]
fn exports_lines_by_default() {
    let shop = stocked();
    let answer = shop.ask(KEY, "{ exportProducts { data } }");
    let lines: Vec<Value> = answer["exportProducts"]["data"]
        .as_str()
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        (lines.len(), &lines[0]["price"], &lines[0]["images"][0]["alt"]),
        (3, &json!(1250), &json!("A \"sock\""))
    );
    let path = json!([{ "slug": "socks", "name": "Socks", "position": 0 }]);
    assert_eq!(
        (&lines[0]["category"], &lines[2]["category"]),
        (&path, &Value::Null)
    );
}
