//! Stock that keepers of the shop adjust and count, and the ledger of its movements.

use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::As;
use crate::trials::trials;
use crate::world::{UNKNOWN_ID, World, place_order};

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "stock",
        [
            stock_is_adjusted_and_counted_and_never_negative,
            what_cannot_be_done_to_stock_is_refused,
            the_ledger_tells_every_movement_newest_first,
            a_product_has_a_threshold_of_its_own,
        ]
    )
}

const STOCK: &str = "quantity stock { received onHand reserved sold writtenOff }";

fn adjust(world: &World, id: &str, delta: i64, reason: &str) -> Result<Answer> {
    let query = format!(
        "mutation ($id: ID!, $delta: Int!, $reason: String!) {{
            adjustStock(id: $id, delta: $delta, reason: $reason) {{ {STOCK} }} }}"
    );
    world.shop.graphql(
        As::Key,
        &query,
        json!({ "id": id, "delta": delta, "reason": reason }),
    )
}

fn set(world: &World, id: &str, quantity: i64) -> Result<Answer> {
    let query = format!(
        "mutation ($id: ID!, $quantity: Int!) {{ setStock(id: $id, quantity: $quantity) {{ {STOCK} }} }}"
    );
    world
        .shop
        .graphql(As::Key, &query, json!({ "id": id, "quantity": quantity }))
}

fn ledger(world: &World, id: &str, first: i64, after: Option<&str>) -> Result<Answer> {
    let query = "query ($id: ID!, $first: Int!, $after: String) {
        stockMovements(productId: $id, first: $first, after: $after) {
            edges { cursor node { _id time productId kind pieces delta reason actor orderId } }
            pageInfo { hasNextPage } } }";
    world.shop.graphql(
        As::Key,
        query,
        json!({ "id": id, "first": first, "after": after }),
    )
}

fn stock_is_adjusted_and_counted_and_never_negative(world: &World) -> Result<()> {
    let id = world.product(100, 10)?;
    place_order(&world.shop, world.ada()?.caller(), &[(&id, 2)])?.text("/placeOrder/_id")?;
    let answer = adjust(world, &id, -3, "broken in transport")?;
    answer.expect(
        answer.int("/adjustStock/quantity")? == 5 && answer.int("/adjustStock/stock/writtenOff")? == 3,
        "three should be written off",
    )?;
    let short = adjust(world, &id, -6, "lost")?;
    let error = short.refused("OUT_OF_STOCK")?;
    short.expect(
        error.pointer("/extensions/lines/0/available") == Some(&json!(5)),
        "the error should tell what is on hand",
    )?;
    let answer = set(world, &id, 7)?;
    answer.expect(
        answer.int("/setStock/quantity")? == 7 && answer.int("/setStock/stock/received")? == 12,
        "two should be received",
    )?;
    let answer = set(world, &id, 0)?;
    let at = |field: &str| answer.int(&format!("/setStock/stock/{field}"));
    answer.expect(
        at("received")? == at("onHand")? + at("reserved")? + at("sold")? + at("writtenOff")?,
        "received should be on hand + reserved + sold + written off",
    )?;
    answer.expect(at("reserved")? + at("sold")? == 2, "what is ordered should stay")?;
    place_order(&world.shop, world.ada()?.caller(), &[(&id, 1)])?.refused("OUT_OF_STOCK")?;
    Ok(())
}

fn what_cannot_be_done_to_stock_is_refused(world: &World) -> Result<()> {
    let id = world.product(100, 10)?;
    adjust(world, &id, 0, "x")?.bad_input("delta")?;
    adjust(world, &id, -2_147_483_648, "x")?.bad_input("delta")?;
    adjust(world, &id, 2_147_483_647, "x")?.bad_input("delta")?;
    adjust(world, &id, 1, "  ")?.bad_input("reason")?;
    set(world, &id, -1)?.bad_input("quantity")?;
    adjust(world, UNKNOWN_ID, 1, "x")?.refused("NOT_FOUND")?;
    set(world, UNKNOWN_ID, 1)?.refused("NOT_FOUND")?;
    adjust(world, "no id", 1, "x")?.bad_input("id")?;
    ledger(world, "no id", 1, None)?.bad_input("productId")?;
    anyhow::ensure!(
        world.stock(&id)?.on_hand == 10,
        "what is refused should change nothing"
    );
    Ok(())
}

fn the_ledger_tells_every_movement_newest_first(world: &World) -> Result<()> {
    let id = world.product(100, 10)?;
    let order = place_order(&world.shop, world.ada()?.caller(), &[(&id, 4)])?;
    let order = order.text("/placeOrder/_id")?;
    adjust(world, &id, -1, "a thief")?.int("/adjustStock/quantity")?;
    let (mut nodes, mut after) = (Vec::<Value>::new(), None::<String>);
    loop {
        let page = ledger(world, &id, 2, after.as_deref())?;
        let edges = page.list("/stockMovements/edges")?;
        nodes.extend(edges.iter().filter_map(|edge| edge.get("node").cloned()));
        if page.data("/stockMovements/pageInfo/hasNextPage")? == &Value::Bool(false) {
            break;
        }
        let last = page.list("/stockMovements/edges")?.last();
        after = last
            .and_then(|edge| edge.pointer("/cursor"))
            .and_then(Value::as_str)
            .map(Into::into);
    }
    nodes.reverse();
    // The sale itself comes with an event, sooner or later than the adjustment.
    nodes.retain(|node| node.get("kind") != Some(&json!("SOLD")));
    let told: Vec<_> = nodes
        .iter()
        .map(|node| {
            ["kind", "pieces", "delta", "reason", "actor", "orderId"]
                .map(|field| node.get(field).cloned().unwrap_or_default())
        })
        .collect();
    let expected = [
        [
            json!("RECEIVED"),
            json!(10),
            json!(10),
            Value::Null,
            json!("api-key"),
            Value::Null,
        ],
        [
            json!("RESERVED"),
            json!(4),
            json!(-4),
            Value::Null,
            Value::Null,
            json!(order),
        ],
        [
            json!("ADJUSTED"),
            json!(1),
            json!(-1),
            json!("a thief"),
            json!("api-key"),
            Value::Null,
        ],
    ];
    anyhow::ensure!(
        told == expected,
        "the ledger should be {expected:?} and is {told:?}"
    );
    Ok(())
}

fn a_product_has_a_threshold_of_its_own(world: &World) -> Result<()> {
    let id = world.product_of(json!({ "name": "scarce", "price": 1, "quantity": 6, "lowStockAt": 5 }))?;
    let read = || {
        world.shop.graphql(
            As::Key,
            "query ($id: ID!) { product(id: $id) { quantity stock { lowStockAt } } }",
            json!({ "id": id }),
        )
    };
    let answer = read()?;
    answer.expect(
        answer.int("/product/stock/lowStockAt")? == 5,
        "the threshold should be as given",
    )?;
    // Whoever buys does not notice that it is told.
    for _ in 0..3 {
        place_order(&world.shop, world.ada()?.caller(), &[(&id, 1)])?.text("/placeOrder/_id")?;
    }
    let update = |version: i64, low_stock_at: i64| {
        world.shop.graphql(
            As::Key,
            "mutation ($id: ID!, $version: Int!, $input: UpdateProductInput!) {
                updateProduct(id: $id, version: $version, input: $input) { version } }",
            json!({ "id": id, "version": version, "input": { "lowStockAt": low_stock_at } }),
        )
    };
    update(1, -1)?.int("/updateProduct/version")?;
    let answer = read()?;
    answer.expect(
        answer.data("/product/stock/lowStockAt")?.is_null() && answer.int("/product/quantity")? == 3,
        "the threshold should be the shop's",
    )
}
