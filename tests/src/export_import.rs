//! `exportProducts` and `mercato import`: from one shop into an empty one, with categories, variants, SKUs and stock.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::client::{As, Shop};
use crate::own::{Binary, Home, Running, own_trials};

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    own_trials!(
        "export_import",
        [an_export_makes_the_same_products_in_an_empty_shop]
    )
}

/// What a mutation made.
fn made(shop: &Shop, query: &str, variables: Value) -> Result<String> {
    let answer = shop.graphql(As::Key, query, variables)?;
    Ok(answer.text("/made/_id")?.to_owned())
}

/// Categories, a product with all there is, two variants of it, and one that no feed knows.
fn stock(shop: &Shop) -> Result<()> {
    let category = "mutation ($input: CreateCategoryInput!) { made: createCategory(input: $input) { _id } }";
    let clothes = json!({ "input": { "name": "Clothes", "slug": "clothes", "position": 3 } });
    let clothes = made(shop, category, clothes)?;
    let socks = json!({ "input": { "name": "Warm socks", "slug": "socks", "parentId": clothes } });
    made(shop, category, socks)?;
    let product = "mutation ($input: CreateProductInput!) { made: createProduct(input: $input) { _id } }";
    let full = json!({
        "name": "Wool, \"thick\"", "description": "Two\nlines", "manufacturer": "=1+1", "externalId": "feed,1", "price": 1_250,
        "currency": "KWD", "quantity": 3, "sku": "S-1", "categoryId": "socks",
        "images": [{ "url": "https://shop.example/a.jpg", "alt": "A sock" }],
        "attributes": [{ "name": "material", "value": "wool" }],
    });
    let parent = made(shop, product, json!({ "input": full }))?;
    let variant = "mutation ($parent: ID!, $size: String!, $input: CreateProductInput!) {
        made: createVariant(parentId: $parent, options: [{ name: \"size\", value: $size }], input: $input) { _id } }";
    for (size, sku) in [("M", Some("S-1-M")), ("L", None)] {
        let input = json!({ "name": format!("Wool {size}"), "price": 1_300, "currency": "KWD", "quantity": 5, "sku": sku,
            "externalId": format!("feed,1,{size}"), "categoryId": "clothes" });
        let variables = json!({ "parent": parent, "size": size, "input": input });
        made(shop, variant, variables)?;
    }
    let plain = json!({ "input": { "name": "Plain", "price": 0, "quantity": 0 } });
    made(shop, product, plain).map(drop)
}

/// The whole export, and its lines by the products' names, without what is another one in each shop.
fn export(shop: &Shop) -> Result<(String, BTreeMap<String, Value>)> {
    let answer = shop.query(As::Key, "{ exportProducts { data } }")?;
    let data = answer.text("/exportProducts/data")?.to_owned();
    let mut lines: Vec<Value> = data.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let member = |line: &Value, name: &str| line.get(name).and_then(Value::as_str).map(str::to_owned);
    let names: BTreeMap<_, _> = lines
        .iter()
        .map(|line| (member(line, "_id"), member(line, "name")))
        .collect();
    let mut products = BTreeMap::new();
    for line in &mut lines {
        let name = member(line, "name").context("a product has a name")?;
        let parent = names.get(&member(line, "parentId")).cloned();
        let members = line.as_object_mut().context("a line is an object")?;
        for of_one_shop in ["_id", "version", "categoryId", "parentId"] {
            members.remove(of_one_shop);
        }
        members.insert("parent".into(), json!(parent));
        products.insert(name, line.clone());
    }
    Ok((data, products))
}

/// Imports a file, and holds its summary against what is expected.
fn import(binary: &Binary, home: &Home, shop: &Shop, file: &Path, expected: &str) -> Result<()> {
    let mut command = binary.command(home.path());
    command.arg("import").arg(file).args(["--url", shop.url()]);
    let output = command.env("API_SECRET", shop.secret()).output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the import should succeed:\n{told}");
    ensure!(told.contains(expected), "{expected} is expected:\n{told}");
    Ok(())
}

fn an_export_makes_the_same_products_in_an_empty_shop(binary: &Binary) -> Result<()> {
    let (home, other) = (Home::new()?, Home::new()?);
    let source = Running::start(&home, &mut binary.up(&home, &home.data()))?;
    let target = Running::start(&other, &mut binary.up(&other, &other.data()))?;
    let (from, to) = (source.shop(), target.shop());
    stock(&from)?;
    let (data, before) = export(&from)?;
    let file = home.path().join("products.jsonl");
    std::fs::write(&file, data)?;
    import(
        binary,
        &home,
        &to,
        &file,
        "4 created, 0 updated, 0 unchanged, 0 refused",
    )?;
    let (_, mut after) = export(&to)?;
    // What no feed knows is known by the id that it had.
    let plain = after.get_mut("Plain").and_then(Value::as_object_mut);
    let id = plain.context("it is there")?.remove("externalId");
    ensure!(id.is_some(), "it should have an external id");
    ensure!(before == after, "the same is expected:\n{before:#?}\n{after:#?}");
    let tree = to.query(
        As::Anonymous,
        "{ categories { slug name position children { slug name } } }",
    )?;
    let expected = json!([{ "slug": "clothes", "name": "Clothes", "position": 3,
        "children": [{ "slug": "socks", "name": "Warm socks" }] }]);
    tree.expect(
        tree.data("/categories")? == &expected,
        "the tree should be the same",
    )?;

    import(
        binary,
        &home,
        &to,
        &file,
        "0 created, 0 updated, 4 unchanged, 0 refused",
    )?;
    // In the shop that it comes from, what has no external id is not made twice.
    import(
        binary,
        &home,
        &from,
        &file,
        "0 created, 0 updated, 3 unchanged, 1 refused",
    )?;
    ensure!(export(&from)?.1 == before, "nothing should have changed");
    source.stop()?;
    target.stop()
}
