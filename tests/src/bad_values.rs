//! Values of products at and beyond their bounds: what is refused names its field, and is not half done.

use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::client::As;
use crate::trials::trials;
use crate::world::{World, create_product, unique};

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "bad_values",
        [
            values_at_their_bounds_are_taken,
            values_beyond_their_bounds_are_refused,
            a_refused_product_is_not_there,
            an_edit_to_a_bad_value_is_refused,
            a_name_is_trimmed,
        ]
    )
}

/// A good product, but for what is given.
fn product(changes: &Value) -> Value {
    let mut input = json!({ "name": unique("bounds"), "price": 1, "quantity": 1 });
    for (field, value) in changes.as_object().into_iter().flatten() {
        if let Some(members) = input.as_object_mut() {
            members.insert(field.clone(), value.clone());
        }
    }
    input
}

/// The values beyond the bounds that creating and editing share.
fn beyond() -> Vec<(&'static str, Value)> {
    vec![
        ("name", json!("")),
        ("name", json!("   ")),
        ("name", json!("\u{a0}\u{2003}\n")),
        ("name", json!("n".repeat(501))),
        ("name", json!("n".repeat(10_000))),
        ("name", json!("a\u{0}")),
        ("name", json!("two\nlines")),
        ("description", json!("a\u{7}bell")),
        ("manufacturer", json!("a\tb")),
        ("description", json!("d".repeat(10_001))),
        ("manufacturer", json!("m".repeat(201))),
        ("price", json!(-1)),
        ("price", json!(-2_147_483_648)),
        ("currency", json!("")),
        ("currency", json!("US")),
        ("currency", json!("USDT")),
        ("currency", json!("123")),
        ("currency", json!("€")),
        ("currency", json!("ÜÖÄ")),
    ]
}

fn values_at_their_bounds_are_taken(world: &World) -> Result<()> {
    for (field, value) in [
        ("name", json!("n")),
        ("name", json!("é".repeat(500))),
        ("description", json!("密".repeat(10_000))),
        ("description", json!("")),
        ("description", json!("two\r\nlines\tand a tab")),
        ("manufacturer", json!("m".repeat(200))),
        ("externalId", json!(format!("{:e<500}", unique("")))),
        ("price", json!(0)),
        ("price", json!(2_147_483_647)),
        ("quantity", json!(0)),
        ("quantity", json!(2_147_483_647)),
        ("currency", json!("JPY")),
    ] {
        let answer = create_product(&world.shop, As::Key, product(&json!({ field: value })))?;
        let found = answer.data(&format!("/createProduct/{field}"))?;
        let fine = found == &value || (value == json!("") && found.is_null());
        answer.expect(fine, format!("{field} should be kept"))?;
    }
    Ok(())
}

fn values_beyond_their_bounds_are_refused(world: &World) -> Result<()> {
    let of_new = [
        ("externalId", json!("e".repeat(501))),
        ("quantity", json!(-1)),
        ("quantity", json!(-2_147_483_648)),
    ];
    for (field, value) in beyond().into_iter().chain(of_new) {
        let answer = create_product(&world.shop, As::Key, product(&json!({ field: value })))?;
        answer.bad_input(field)?;
        answer.expect(
            answer.partial("/createProduct")?.is_null(),
            "createProduct should be null",
        )?;
    }
    Ok(())
}

fn a_refused_product_is_not_there(world: &World) -> Result<()> {
    let (maker, external) = (unique("maker"), unique("external"));
    let bad = json!({ "manufacturer": maker, "externalId": external, "price": -1 });
    create_product(&world.shop, As::Key, product(&bad))?.bad_input("price")?;
    let found = world.shop.graphql(
        As::Key,
        "query ($maker: String) { productConnection(filter: { manufacturer: $maker }) { edges { node { _id } } } }",
        json!({ "maker": maker }),
    )?;
    found.expect(
        found.list("/productConnection/edges")?.is_empty(),
        "no product should be there",
    )?;
    let good = json!({ "manufacturer": maker, "externalId": external });
    create_product(&world.shop, As::Key, product(&good))?.text("/createProduct/_id")?;
    Ok(())
}

fn an_edit_to_a_bad_value_is_refused(world: &World) -> Result<()> {
    let id = world.product(5, 5)?;
    let query = "mutation ($id: ID!, $input: UpdateProductInput!) { updateProduct(id: $id, version: 1, input: $input) { _id } }";
    for (field, value) in beyond() {
        let answer = world
            .shop
            .graphql(As::Key, query, json!({ "id": id, "input": { field: value } }))?;
        answer.bad_input(field)?;
        answer.expect(
            answer.partial("/updateProduct")?.is_null(),
            "updateProduct should be null",
        )?;
    }
    let read = world.shop.graphql(
        As::Anonymous,
        "query ($id: ID!) { product(id: $id) { price version description } }",
        json!({ "id": id }),
    )?;
    let expected = json!({ "price": 5, "version": 1, "description": null });
    read.expect(
        read.data("/product")? == &expected,
        format!("the product should still be {expected}"),
    )
}

fn a_name_is_trimmed(world: &World) -> Result<()> {
    let name = unique("trimmed");
    let answer = create_product(
        &world.shop,
        As::Key,
        product(&json!({ "name": format!("  {name}\n") })),
    )?;
    answer.expect(
        answer.text("/createProduct/name")? == name,
        "the blanks around the name should be gone",
    )
}
