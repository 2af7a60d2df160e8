//! `importProducts`: feeds in batches, known by their external ids.

use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::As;
use crate::trials::trials;
use crate::world::{World, place_order, text_at, unique};

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "product_import",
        [
            an_import_creates_updates_and_leaves_alone,
            an_import_does_not_undo_sales,
            one_bad_row_of_an_import_does_not_spoil_the_others,
            at_most_500_rows_are_taken_at_once,
        ]
    )
}

/// Imports rows and tells the outcomes.
pub fn import(world: &World, rows: &[Value]) -> Result<Answer> {
    let query = "mutation ($rows: [ImportProductInput!]!) {
        importProducts(products: $rows) { outcomes { outcome code field message } } }";
    world.shop.graphql(As::Key, query, json!({ "rows": rows }))
}

/// The product of an external id, found by the manufacturer that only it has.
fn imported(world: &World, manufacturer: &str) -> Result<Value> {
    let query = "query ($manufacturer: String) { productConnection(filter: { manufacturer: $manufacturer }) {
        edges { node { _id name price quantity externalId version } } } }";
    let answer = world
        .shop
        .graphql(As::Anonymous, query, json!({ "manufacturer": manufacturer }))?;
    answer.expect(
        answer.list("/productConnection/edges")?.len() == 1,
        "there should be one such product",
    )?;
    Ok(answer.data("/productConnection/edges/0/node")?.clone())
}

fn an_import_creates_updates_and_leaves_alone(world: &World) -> Result<()> {
    let maker = unique("maker");
    let row = |name: &str, price: i64, quantity: i64| json!({ "externalId": maker, "manufacturer": maker, "name": name, "price": price, "quantity": quantity });
    for (row, outcome, name, price, version) in [
        (row("first name", 100, 10), "CREATED", "first name", 100, 1),
        (row("first name", 100, 10), "UNCHANGED", "first name", 100, 1),
        (row("first name", 100, 99), "UNCHANGED", "first name", 100, 1),
        (row("second name", 120, 99), "UPDATED", "second name", 120, 2),
    ] {
        let answer = import(world, &[row])?;
        let outcomes = answer.column("/importProducts/outcomes", "/outcome")?;
        answer.expect(
            outcomes == [json!(outcome)],
            format!("the outcome should be {outcome}"),
        )?;
        let product = imported(world, &maker)?;
        answer.expect(
            product.get("name") == Some(&json!(name)),
            format!("the name should be {name}: {product}"),
        )?;
        answer.expect(
            product.get("price") == Some(&json!(price)),
            format!("the price should be {price}: {product}"),
        )?;
        answer.expect(
            product.get("quantity") == Some(&json!(10)),
            format!("an import should not restock: {product}"),
        )?;
        answer.expect(
            product.get("version") == Some(&json!(version)),
            format!("version of {product}"),
        )?;
    }
    Ok(())
}

fn one_bad_row_of_an_import_does_not_spoil_the_others(world: &World) -> Result<()> {
    let maker = unique("maker");
    let row = |number: usize, name: &str, price: i64, currency: &str| {
        json!({ "externalId": format!("{maker}-{number}"), "manufacturer": maker, "name": name, "price": price,
                "quantity": 1, "currency": currency })
    };
    let answer = import(
        world,
        &[
            row(0, "good", 1, "USD"),
            row(1, " ", 1, "USD"),
            row(2, "bad price", -1, "USD"),
            row(3, "bad currency", 1, "DOLLAR"),
            row(4, "good", 1, "USD"),
        ],
    )?;
    let outcomes = answer.column("/importProducts/outcomes", "/outcome")?;
    answer.expect(
        outcomes == ["CREATED", "REFUSED", "REFUSED", "REFUSED", "CREATED"],
        "each row should have its outcome, in the order of the rows",
    )?;
    let fields = answer.column("/importProducts/outcomes", "/field")?;
    let expected = [
        Value::Null,
        json!("name"),
        json!("price"),
        json!("currency"),
        Value::Null,
    ];
    answer.expect(fields == expected, "a refused row should name its field")?;
    for (index, outcome) in answer
        .list("/importProducts/outcomes")?
        .iter()
        .enumerate()
        .skip(1)
        .take(3)
    {
        answer.expect(
            text_at(outcome, "/code")? == "BAD_USER_INPUT",
            format!("the code of row {index}"),
        )?;
        answer.expect(
            text_at(outcome, "/message")?.len() > 10,
            format!("the reason of row {index}"),
        )?;
    }
    Ok(())
}

fn an_import_does_not_undo_sales(world: &World) -> Result<()> {
    let maker = unique("maker");
    let row =
        json!({ "externalId": maker, "manufacturer": maker, "name": "sold", "price": 1, "quantity": 10 });
    import(world, std::slice::from_ref(&row))?.list("/importProducts/outcomes")?;
    let id = text_at(&imported(world, &maker)?, "/_id")?.to_owned();
    place_order(&world.shop, world.ada()?.caller(), &[(&id, 4)])?.text("/placeOrder/_id")?;
    let answer = import(world, &[row])?;
    let outcomes = answer.column("/importProducts/outcomes", "/outcome")?;
    answer.expect(outcomes == ["UNCHANGED"], "selling should not count as a change")?;
    let product = imported(world, &maker)?;
    answer.expect(
        product.get("quantity") == Some(&json!(6)),
        format!("6 should be left: {product}"),
    )
}

fn at_most_500_rows_are_taken_at_once(world: &World) -> Result<()> {
    let maker = unique("maker");
    let rows = |count: usize| -> Vec<Value> {
        let row = |number| {
            json!({ "externalId": format!("{maker}-{number}"), "manufacturer": maker, "name": format!("row {number}"),
                    "price": 1, "quantity": 1 })
        };
        (0..count).map(row).collect()
    };
    import(world, &rows(501))?.bad_input("products")?;
    let answer = import(world, &rows(500))?;
    let outcomes = answer.column("/importProducts/outcomes", "/outcome")?;
    answer.expect(
        outcomes.len() == 500 && outcomes.iter().all(|outcome| outcome == "CREATED"),
        "500 rows should be created, and none of them before",
    )
}
