//! The stock of products: its changes by operators, and the ledger of its movements.

use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::fixtures::UNKNOWN_ID;
use crate::graphql::GraphqlResponse;
use crate::shop::{As, Shop};
use crate::trials::trials;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "stock",
        portable = [
            stock_is_adjusted_and_set_and_never_negative,
            the_ledger_lists_every_movement_newest_first
        ],
        component = [
            invalid_stock_changes_are_refused,
            a_product_may_have_its_own_low_stock_threshold
        ]
    )
}

const STOCK: &str = "quantity stock { received onHand reserved sold writtenOff }";

fn adjust(shop: &Shop, id: &str, delta: i64, reason: &str) -> Result<GraphqlResponse> {
    let query = format!(
        "mutation ($id: ID!, $delta: Int!, $reason: String!) {{
            adjustStock(id: $id, delta: $delta, reason: $reason) {{ {STOCK} }} }}"
    );
    let variables = json!({ "id": id, "delta": delta, "reason": reason });
    shop.graphql(As::Key, &query, variables)
}

fn set_stock(shop: &Shop, id: &str, quantity: i64) -> Result<GraphqlResponse> {
    let query = format!(
        "mutation ($id: ID!, $quantity: Int!) {{ setStock(id: $id, quantity: $quantity) {{ {STOCK} }} }}"
    );
    shop.graphql(As::Key, &query, json!({ "id": id, "quantity": quantity }))
}

const LEDGER: &str =
    "query ($id: ID!, $after: String) { stockMovements(productId: $id, first: 2, after: $after) {
    edges { node { _id time productId kind pieces delta reason actor orderId } }
    pageInfo { hasNextPage endCursor } } }";

fn stock_is_adjusted_and_set_and_never_negative(shop: &Shop) -> Result<()> {
    let id = shop.product(100, 10)?;
    shop.order(shop.ada()?.caller(), &[(&id, 2)])?;
    let answer = adjust(shop, &id, -3, "broken in transport")?;
    answer.has("/adjustStock/quantity", 5)?;
    answer.has("/adjustStock/stock/writtenOff", 3)?;
    let short = adjust(shop, &id, -6, "lost")?;
    let error = short.refused("OUT_OF_STOCK")?;
    short.expect(
        error.pointer("/extensions/lines/0/available") == Some(&json!(5)),
        "the error should contain the available quantity",
    )?;
    let answer = set_stock(shop, &id, 7)?;
    answer.has("/setStock/quantity", 7)?;
    answer.has("/setStock/stock/received", 12)?;
    let answer = set_stock(shop, &id, 0)?;
    let count = |field: &str| answer.int(&format!("/setStock/stock/{field}"));
    answer.expect(
        count("received")? == count("onHand")? + count("reserved")? + count("sold")? + count("writtenOff")?,
        "received should be on hand + reserved + sold + written off",
    )?;
    answer.expect(
        count("reserved")? + count("sold")? == 2,
        "the ordered units should not change",
    )?;
    shop.place_order(shop.ada()?.caller(), &[(&id, 1)])?
        .refused("OUT_OF_STOCK")?;
    Ok(())
}

fn invalid_stock_changes_are_refused(shop: &Shop) -> Result<()> {
    let id = shop.product(100, 10)?;
    adjust(shop, &id, 0, "x")?.bad_input("delta")?;
    adjust(shop, &id, -2_147_483_648, "x")?.bad_input("delta")?;
    adjust(shop, &id, 2_147_483_647, "x")?.bad_input("delta")?;
    adjust(shop, &id, 1, "  ")?.bad_input("reason")?;
    set_stock(shop, &id, -1)?.bad_input("quantity")?;
    adjust(shop, UNKNOWN_ID, 1, "x")?.refused("NOT_FOUND")?;
    set_stock(shop, UNKNOWN_ID, 1)?.refused("NOT_FOUND")?;
    adjust(shop, "no id", 1, "x")?.bad_input("id")?;
    shop.graphql(As::Key, LEDGER, json!({ "id": "no id" }))?
        .bad_input("productId")?;
    ensure!(
        shop.stock(&id)?.on_hand == 10,
        "a refused change should change nothing"
    );
    Ok(())
}

fn the_ledger_lists_every_movement_newest_first(shop: &Shop) -> Result<()> {
    let id = shop.product(100, 10)?;
    let order = shop.order(shop.ada()?.caller(), &[(&id, 4)])?;
    adjust(shop, &id, -1, "a thief")?.int("/adjustStock/quantity")?;
    let mut movements = shop.all_nodes(As::Key, LEDGER, "/stockMovements", json!({ "id": id }))?;
    // An event records the sale, before or after the adjustment.
    movements.retain(|movement| movement.get("kind") != Some(&json!("SOLD")));
    let expected = [
        json!({ "kind": "ADJUSTED", "pieces": 1, "delta": -1, "reason": "a thief", "actor": "api-key", "orderId": null }),
        json!({ "kind": "RESERVED", "pieces": 4, "delta": -4, "reason": null, "actor": null, "orderId": order }),
        json!({ "kind": "RECEIVED", "pieces": 10, "delta": 10, "reason": null, "actor": "api-key", "orderId": null }),
    ];
    ensure!(
        movements.len() == expected.len(),
        "the ledger should have three entries: {movements:?}"
    );
    for (found, expected) in movements.iter().zip(&expected) {
        for (field, value) in expected.as_object().into_iter().flatten() {
            ensure!(
                found.get(field) == Some(value),
                "{field} should be {value}: {movements:?}"
            );
        }
    }
    Ok(())
}

fn a_product_may_have_its_own_low_stock_threshold(shop: &Shop) -> Result<()> {
    let id = shop.product_from(json!({ "name": "scarce", "price": 1, "quantity": 6, "lowStockAt": 5 }))?;
    let query = "query ($id: ID!) { product(id: $id) { quantity stock { lowStockAt } } }";
    let read = || shop.graphql(As::Key, query, json!({ "id": id }));
    read()?.has("/product/stock/lowStockAt", 5)?;
    // The threshold does not affect orders.
    for _ in 0..3 {
        shop.order(shop.ada()?.caller(), &[(&id, 1)])?;
    }
    shop.update_product(&id, 1, json!({ "lowStockAt": -1 }))?
        .int("/updateProduct/version")?;
    let answer = read()?;
    answer.has("/product/stock/lowStockAt", Value::Null)?;
    answer.has("/product/quantity", 3)
}
