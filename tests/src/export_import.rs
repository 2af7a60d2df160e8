//! `exportProducts` and `mercato import`: products move from one shop to an empty one with their categories,
//! variants, SKUs and stock.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::binary::{Binary, binary_trials};
use crate::import_command::import;
use crate::process::Home;
use crate::shop::{As, Shop};

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    binary_trials!(
        "export_import",
        [an_export_recreates_the_products_in_an_empty_shop]
    )
}

/// Runs a mutation and returns the id of the result.
fn create(shop: &Shop, query: &str, variables: Value) -> Result<String> {
    let answer = shop.graphql(As::Key, query, variables)?;
    Ok(answer.text("/created/_id")?.to_owned())
}

/// Creates two categories, a product with all fields, two variants of it, and a product without an external
/// id.
fn fill(shop: &Shop) -> Result<()> {
    let category =
        "mutation ($input: CreateCategoryInput!) { created: createCategory(input: $input) { _id } }";
    let clothes = json!({ "input": { "name": "Clothes", "slug": "clothes", "position": 3 } });
    let clothes = create(shop, category, clothes)?;
    let socks = json!({ "input": { "name": "Warm socks", "slug": "socks", "parentId": clothes } });
    create(shop, category, socks)?;
    let full = json!({
        "name": "Wool, \"thick\"", "description": "Two\nlines", "manufacturer": "=1+1", "externalId": "feed,1", "price": 1_250, "compareAtPrice": 2_500, "slug": "thick-wool",
        "currency": "KWD", "quantity": 3, "sku": "S-1", "categoryId": "socks",
        "images": [{ "url": "https://shop.example/a.jpg", "alt": "A sock" }],
        "attributes": [{ "name": "material", "value": "wool" }], "weight": 250,
    });
    let parent = shop.product_from(full)?;
    let variant = "mutation ($parent: ID!, $size: String!, $input: CreateProductInput!) {
        created: createVariant(parentId: $parent, options: [{ name: \"size\", value: $size }], input: $input) { _id } }";
    for (size, sku) in [("M", Some("S-1-M")), ("L", None)] {
        let input = json!({ "name": format!("Wool {size}"), "price": 1_300, "currency": "KWD", "quantity": 5, "sku": sku,
            "externalId": format!("feed,1,{size}"), "categoryId": "clothes" });
        let variables = json!({ "parent": parent, "size": size, "input": input });
        create(shop, variant, variables)?;
    }
    let plain = json!({ "name": "Plain", "price": 0, "quantity": 0 });
    shop.product_from(plain).map(drop)
}

/// Returns the whole export, and its lines by the names of the products, without the members that differ
/// between shops.
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
        for member in ["_id", "version", "categoryId", "parentId"] {
            members.remove(member);
        }
        members.insert("parent".into(), json!(parent));
        products.insert(name, line.clone());
    }
    Ok((data, products))
}

/// Imports a file. Fails unless the summary has these four counts.
fn import_with(
    shop: &Shop,
    binary: &Binary,
    home: &Home,
    file: &Path,
    [created, updated, unchanged, refused]: [u32; 4],
) -> Result<()> {
    let output = import(shop, binary, home, file, &[])?;
    let log = String::from_utf8_lossy(&output.stderr);
    let expected = format!("{created} created, {updated} updated, {unchanged} unchanged, {refused} refused");
    ensure!(
        log.contains(&expected),
        "the log should contain `{expected}`:\n{log}"
    );
    Ok(())
}

fn an_export_recreates_the_products_in_an_empty_shop(binary: &Binary) -> Result<()> {
    let (home, other) = (Home::new()?, Home::new()?);
    let source = binary.start(&home)?;
    let target = binary.start(&other)?;
    let (from, to) = (source.shop(), target.shop());
    fill(&from)?;
    let (data, before) = export(&from)?;
    let file = home.path().join("products.jsonl");
    std::fs::write(&file, data)?;
    import_with(&to, binary, &home, &file, [4, 0, 0, 0])?;
    let (_, mut after) = export(&to)?;
    // The import sets the missing external id to the id in the first shop.
    let plain = after.get_mut("Plain").and_then(Value::as_object_mut);
    let id = plain.context("the plain product is there")?.remove("externalId");
    ensure!(id.is_some(), "the plain product should have an external id");
    ensure!(
        before == after,
        "both shops should have the same products:\n{before:#?}\n{after:#?}"
    );
    let tree = to.query(
        As::Anonymous,
        "{ categories { slug name position children { slug name } } }",
    )?;
    let expected = json!([{ "slug": "clothes", "name": "Clothes", "position": 3,
        "children": [{ "slug": "socks", "name": "Warm socks" }] }]);
    tree.has("/categories", expected)?;

    import_with(&to, binary, &home, &file, [0, 0, 4, 0])?;
    // The first shop refuses the product without an external id instead of creating it again.
    import_with(&from, binary, &home, &file, [0, 0, 3, 1])?;
    ensure!(
        export(&from)?.1 == before,
        "the refused import should change nothing"
    );
    source.stop()?;
    target.stop()
}
