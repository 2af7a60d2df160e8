//! Products: created, read, edited and restocked.

use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::As;
use crate::trials::trials;
use crate::world::{
    Stock, UNKNOWN_ID, World, check_id, check_time, create_product, place_order, text_at, unique,
};

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "catalog",
        [
            a_product_is_created_with_what_was_given_and_sensible_defaults,
            a_product_keeps_every_field_that_was_given,
            a_product_is_read_by_anybody,
            a_product_that_is_not_there_is_null_with_a_reason,
            an_edit_changes_what_it_names_and_nothing_else,
            an_edit_of_an_older_version_is_refused,
            selling_and_receiving_do_not_get_in_an_editors_way,
            received_stock_is_added_and_can_be_bought,
            an_external_id_belongs_to_one_product,
            a_product_may_be_priced_in_another_currency,
        ]
    )
}

const PRODUCT: &str = "query ($id: ID!) { product(id: $id) {
    _id name price quantity description manufacturer externalId currency version createdAt updatedAt } }";

fn read(world: &World, id: &str) -> Result<Value> {
    Ok(world
        .shop
        .graphql(As::Anonymous, PRODUCT, json!({ "id": id }))?
        .data("/product")?
        .clone())
}

fn update(world: &World, id: &str, version: i64, input: Value) -> Result<Answer> {
    let query = "mutation ($id: ID!, $version: Int!, $input: UpdateProductInput!) {
        updateProduct(id: $id, version: $version, input: $input) {
            _id name price quantity description manufacturer externalId currency version createdAt updatedAt } }";
    world.shop.graphql(
        As::Key,
        query,
        json!({ "id": id, "version": version, "input": input }),
    )
}

fn receive(world: &World, id: &str, quantity: i64) -> Result<Answer> {
    let query = "mutation ($id: ID!, $quantity: Int!) { receiveStock(id: $id, quantity: $quantity) { quantity version } }";
    world
        .shop
        .graphql(As::Key, query, json!({ "id": id, "quantity": quantity }))
}

fn a_product_is_created_with_what_was_given_and_sensible_defaults(world: &World) -> Result<()> {
    let name = unique("plain");
    let answer = create_product(
        &world.shop,
        As::Key,
        json!({ "name": name, "price": 1_299, "quantity": 7 }),
    )?;
    check_id(answer.text("/createProduct/_id")?)?;
    check_time(answer.text("/createProduct/createdAt")?)?;
    answer.expect(
        answer.text("/createProduct/name")? == name,
        "the name should be as given",
    )?;
    answer.expect(
        answer.int("/createProduct/price")? == 1_299,
        "the price should be as given",
    )?;
    answer.expect(
        answer.int("/createProduct/quantity")? == 7,
        "the quantity should be as given",
    )?;
    answer.expect(
        answer.int("/createProduct/version")? == 1,
        "a new product should be at version 1",
    )?;
    answer.expect(
        answer.text("/createProduct/currency")?.len() == 3,
        "there should be a currency of ISO 4217",
    )?;
    for field in ["description", "manufacturer", "externalId"] {
        let value = answer.data(&format!("/createProduct/{field}"))?;
        answer.expect(
            value.is_null(),
            format!("{field} was not given and should be null"),
        )?;
    }
    Ok(())
}

fn a_product_keeps_every_field_that_was_given(world: &World) -> Result<()> {
    let input = json!({
        "name": unique("Café \"Größe\" 密码 🔑 <b>&amp;</b>"), "price": 2_147_483_647, "quantity": 2_147_483_647,
        "description": "Zeile eins\nline two\t\\ \u{2028} end", "manufacturer": "O'Hara & Søn",
        "externalId": unique("https://feeds.example/ids?of=one&such="), "currency": "EUR",
    });
    let answer = create_product(&world.shop, As::Key, input.clone())?;
    let product = read(world, answer.text("/createProduct/_id")?)?;
    for (field, given) in input.as_object().into_iter().flatten() {
        answer.expect(
            product.get(field) == Some(given),
            format!("{field} should be {given} in {product}"),
        )?;
    }
    Ok(())
}

fn a_product_is_read_by_anybody(world: &World) -> Result<()> {
    let id = world.product(500, 3)?;
    for who in [
        As::Anonymous,
        As::WrongKey,
        As::Token("not.a.token"),
        world.ada()?.caller(),
        As::Key,
    ] {
        let answer = world.shop.graphql(who, PRODUCT, json!({ "id": id }))?;
        answer.expect(
            answer.text("/product/_id")? == id,
            "the product should be the one asked for",
        )?;
        answer.expect(
            answer.int("/product/price")? == 500,
            "the price should be as created",
        )?;
    }
    let list = world
        .shop
        .query(As::Anonymous, "{ products { _id name price quantity } }")?;
    let ids = list.column("/products", "/_id")?;
    list.expect(
        !ids.is_empty() && ids.len() <= 1_000,
        "products should list between 1 and 1,000",
    )?;
    list.expect(
        ids.len() == 1_000 || ids.contains(&json!(id)),
        "the list should hold the product just created",
    )
}

fn a_product_that_is_not_there_is_null_with_a_reason(world: &World) -> Result<()> {
    let unknown = world
        .shop
        .graphql(As::Anonymous, PRODUCT, json!({ "id": UNKNOWN_ID }))?;
    unknown.refused("NOT_FOUND")?;
    unknown.expect(unknown.partial("/product")?.is_null(), "product should be null")?;
    for id in [
        "",
        "42",
        "507f1f77bcf86cd799439011",
        "../../etc/passwd",
        "' OR 1=1 --",
        "\u{0}",
        &"a".repeat(10_000),
    ] {
        let answer = world.shop.graphql(As::Anonymous, PRODUCT, json!({ "id": id }))?;
        answer.bad_input("id")?;
        answer.expect(answer.partial("/product")?.is_null(), "product should be null")?;
    }
    Ok(())
}

fn an_edit_changes_what_it_names_and_nothing_else(world: &World) -> Result<()> {
    let id = world.product_of(json!({
        "name": unique("edited"), "price": 100, "quantity": 5, "description": "old", "manufacturer": "maker",
    }))?;
    let before = read(world, &id)?;
    let answer = update(world, &id, 1, json!({ "price": 90, "description": "new" }))?;
    let after = answer.data("/updateProduct")?.clone();
    for (field, old) in before.as_object().into_iter().flatten() {
        let new = after.get(field);
        let fine = match field.as_str() {
            "price" => new == Some(&json!(90)),
            "description" => new == Some(&json!("new")),
            "version" => new == Some(&json!(2)),
            "updatedAt" => text_at(&after, "/updatedAt")? >= text_at(&before, "/updatedAt")?,
            _ => new == Some(old),
        };
        answer.expect(fine, format!("{field} was {old}"))?;
    }
    answer.expect(
        read(world, &id)? == after,
        "the product should be read as it was answered",
    )
}

fn an_edit_of_an_older_version_is_refused(world: &World) -> Result<()> {
    let id = world.product(100, 5)?;
    update(world, &id, 1, json!({ "price": 90 }))?.int("/updateProduct/version")?;
    let before = read(world, &id)?;
    for version in [1, 3, 0, -1] {
        let answer = update(world, &id, version, json!({ "price": 80 }))?;
        answer.refused_with_one_of(if version < 1 {
            &["CONFLICT", "BAD_USER_INPUT"]
        } else {
            &["CONFLICT"]
        })?;
        answer.expect(
            answer.partial("/updateProduct")?.is_null(),
            "updateProduct should be null",
        )?;
    }
    let after = read(world, &id)?;
    anyhow::ensure!(
        before == after,
        "a refused edit should change nothing: {before} became {after}"
    );
    update(world, UNKNOWN_ID, 1, json!({ "price": 80 }))?.refused("NOT_FOUND")?;
    update(world, "no id", 1, json!({ "price": 80 }))?.bad_input("id")?;
    Ok(())
}

fn selling_and_receiving_do_not_get_in_an_editors_way(world: &World) -> Result<()> {
    let id = world.product(100, 5)?;
    place_order(&world.shop, world.ada()?.caller(), &[(&id, 2)])?.text("/placeOrder/_id")?;
    receive(world, &id, 4)?.int("/receiveStock/quantity")?;
    let answer = update(world, &id, 1, json!({ "price": 120 }))?;
    answer.expect(
        answer.int("/updateProduct/version")? == 2,
        "the edit should be the first one",
    )?;
    answer.expect(
        answer.int("/updateProduct/quantity")? == 7,
        "the edit should leave the stock alone",
    )
}

fn received_stock_is_added_and_can_be_bought(world: &World) -> Result<()> {
    let id = world.product(100, 0)?;
    place_order(&world.shop, world.ada()?.caller(), &[(&id, 1)])?.refused("OUT_OF_STOCK")?;
    let answer = receive(world, &id, 3)?;
    answer.expect(
        answer.int("/receiveStock/quantity")? == 3,
        "three should be there",
    )?;
    place_order(&world.shop, world.ada()?.caller(), &[(&id, 3)])?.text("/placeOrder/_id")?;
    world.stock_becomes(
        &id,
        Stock {
            received: 3,
            on_hand: 0,
            reserved: 0,
            sold: 3,
        },
    )?;
    for quantity in [0, -1, -2_147_483_648] {
        receive(world, &id, quantity)?.bad_input("quantity")?;
    }
    receive(world, UNKNOWN_ID, 1)?.refused("NOT_FOUND")?;
    receive(world, "no id", 1)?.bad_input("id")?;
    let full = world.product(100, 2_147_483_647)?;
    receive(world, &full, 1)?.bad_input("quantity")?;
    let stock = world.stock(&full)?;
    anyhow::ensure!(
        stock.received == 2_147_483_647,
        "a refused delivery should change nothing: {stock:?}"
    );
    Ok(())
}

fn an_external_id_belongs_to_one_product(world: &World) -> Result<()> {
    let external = unique("sku");
    let input = json!({ "name": unique("one"), "price": 1, "quantity": 1, "externalId": external });
    world.product_of(input.clone())?;
    let second = create_product(&world.shop, As::Key, input)?;
    second.refused("CONFLICT")?;
    second.expect(
        second.partial("/createProduct")?.is_null(),
        "createProduct should be null",
    )
}

fn a_product_may_be_priced_in_another_currency(world: &World) -> Result<()> {
    let id =
        world.product_of(json!({ "name": unique("yen"), "price": 500, "quantity": 2, "currency": "JPY" }))?;
    let answer = place_order(&world.shop, world.ada()?.caller(), &[(&id, 2)])?;
    answer.expect(
        answer.text("/placeOrder/currency")? == "JPY",
        "the order should be in the product's currency",
    )?;
    answer.expect(
        answer.int("/placeOrder/total")? == 1_000,
        "the total should be 1,000 yen",
    )
}
