//! Products that are deleted: gone for shoppers, kept for orders of the past.

use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::As;
use crate::rest;
use crate::trials::trials;
use crate::world::{UNKNOWN_ID, World, place_order, unique};

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "deleted_products",
        [
            a_deleted_product_is_gone_for_shoppers_and_kept_for_its_orders,
            a_deletion_of_an_older_version_is_refused_with_the_current_one,
            an_import_brings_a_deleted_product_back,
        ]
    )
}

fn delete(world: &World, who: As<'_>, id: &str, version: i64) -> Result<Answer> {
    let query = "mutation ($id: ID!, $version: Int!) {
        deleteProduct(id: $id, version: $version) { _id version archivedAt } }";
    world
        .shop
        .graphql(who, query, json!({ "id": id, "version": version }))
}

fn read(world: &World, who: As<'_>, id: &str) -> Result<Answer> {
    let query = "query ($id: ID!) { product(id: $id) { _id version quantity archivedAt } }";
    world.shop.graphql(who, query, json!({ "id": id }))
}

fn a_deleted_product_is_gone_for_shoppers_and_kept_for_its_orders(world: &World) -> Result<()> {
    let name = unique("deleted");
    let id = world.product_of(json!({ "name": name, "price": 100, "quantity": 5 }))?;
    let ada = world.ada()?;
    let order = place_order(&world.shop, ada.caller(), &[(&id, 2)])?;
    let order = order.text("/placeOrder/_id")?;
    delete(world, As::Key, &id, 1)?.text("/deleteProduct/archivedAt")?;

    for who in [As::Anonymous, ada.caller()] {
        let answer = read(world, who, &id)?;
        answer.refused("NOT_FOUND")?;
        answer.expect(answer.partial("/product")?.is_null(), "product should be null")?;
    }
    let seen = read(world, world.root()?.caller(), &id)?;
    seen.text("/product/archivedAt")?;
    let path = format!("/api/products/{id}");
    for (who, status) in [
        (world.root()?.caller(), 200),
        (ada.caller(), 404),
        (As::Anonymous, 404),
        (As::Key, 200),
    ] {
        let by_rest = rest::ask(world, who, "GET", &path, Value::Null)?;
        by_rest.expect_status(status)?;
        if status == 200 {
            rest::text(&by_rest, "/archivedAt")?;
        }
    }
    place_order(&world.shop, ada.caller(), &[(&id, 1)])?.refused("NOT_FOUND")?;
    let found = world.shop.graphql(
        As::Anonymous,
        "query ($search: String!) { productConnection(filter: { search: $search }) { edges { node { _id } } } }",
        json!({ "search": name }),
    )?;
    found.expect(
        found.list("/productConnection/edges")?.is_empty(),
        "no list should have it",
    )?;
    let kept = world.shop.graphql(
        ada.caller(),
        "query ($id: ID!) { order(id: $id) { products { quantity product { name } } } }",
        json!({ "id": order }),
    )?;
    kept.expect(
        kept.text("/order/products/0/product/name")? == name,
        "its order should still show it",
    )
}

fn a_deletion_of_an_older_version_is_refused_with_the_current_one(world: &World) -> Result<()> {
    let id = world.product(100, 5)?;
    for version in [2, 7] {
        let answer = delete(world, As::Key, &id, version)?;
        let error = answer.refused("CONFLICT")?;
        answer.expect(
            error.pointer("/extensions/currentVersion") == Some(&json!(1)),
            "the error should tell the current version",
        )?;
    }
    delete(world, As::Key, &id, -1)?.bad_input("version")?;
    delete(world, As::Key, UNKNOWN_ID, 1)?.refused("NOT_FOUND")?;
    delete(world, As::Key, "no id", 1)?.bad_input("id")?;
    let answer = read(world, As::Anonymous, &id)?;
    answer.expect(
        answer.int("/product/version")? == 1,
        "a refused deletion should change nothing",
    )?;
    let first = delete(world, As::Key, &id, 1)?;
    let again = delete(world, As::Key, &id, 1)?;
    again.expect(
        again.data("/deleteProduct")? == first.data("/deleteProduct")?,
        "a deletion may be repeated",
    )?;
    delete(world, As::Key, &id, 2)?.refused("NOT_FOUND")?;
    Ok(())
}

fn an_import_brings_a_deleted_product_back(world: &World) -> Result<()> {
    let external = unique("back");
    let id =
        world.product_of(json!({ "name": "back", "price": 1, "quantity": 3, "externalId": external }))?;
    delete(world, As::Key, &id, 1)?.text("/deleteProduct/archivedAt")?;
    let imported = world.shop.graphql(
        As::Key,
        "mutation ($row: ImportProductInput!) { importProducts(products: [$row]) { outcomes { outcome } } }",
        json!({ "row": { "name": "back", "price": 2, "quantity": 9, "externalId": external } }),
    )?;
    imported.expect(
        imported.text("/importProducts/outcomes/0/outcome")? == "UPDATED",
        "it should be brought back",
    )?;
    let answer = read(world, As::Anonymous, &id)?;
    answer.expect(
        answer.data("/product/archivedAt")? == &Value::Null && answer.int("/product/quantity")? == 3,
        "it should be sold again, with its own stock",
    )
}
