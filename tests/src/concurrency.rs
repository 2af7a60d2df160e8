//! Concurrent requests: no unit is sold twice, no name is used twice, and no edit is lost.

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::json;

use crate::fixtures::{Stock, unique};
use crate::parallel::{at_once, winner, winners};
use crate::shop::{As, Shop};
use crate::trials::trials;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "concurrency",
        portable = [
            of_200_orders_for_50_units_exactly_50_succeed,
            orders_with_lines_in_opposite_order_do_not_deadlock,
            of_8_registrations_of_one_name_exactly_one_wins,
            of_20_products_with_one_external_id_exactly_one_is_created,
            of_20_edits_of_one_version_exactly_one_wins,
            concurrent_deliveries_are_all_counted
        ]
    )
}

fn of_200_orders_for_50_units_exactly_50_succeed(shop: &Shop) -> Result<()> {
    let product = shop.product(10, 50)?;
    let customers = [shop.ada()?, shop.bob()?];
    let answers = at_once(200, |number| {
        let customer = customers.get(number % 2).context("there are two customers")?;
        shop.place_order(customer.caller(), &[(&product, 1)])
    })?;
    let won = winners(&answers, "OUT_OF_STOCK")?;
    ensure!(won.len() == 50, "50 orders should succeed, not {}", won.len());
    for answer in answers.iter().filter(|answer| !answer.errors().is_empty()) {
        answer.out_of_stock(&[(&product, 1, 0)])?;
    }
    let ids = won.iter().map(|answer| answer.text("/placeOrder/_id"));
    let ids: HashSet<_> = ids.collect::<Result<_>>()?;
    ensure!(ids.len() == 50, "no two orders should have the same id");
    let stock = shop.stock(&product)?;
    ensure!(
        stock.on_hand == 0 && stock.received == 50,
        "no unit should be on hand: {stock:?}"
    );
    shop.stock_becomes(&product, Stock::settled(50, 50))
}

/// Locks that are taken in opposite orders can deadlock.
fn orders_with_lines_in_opposite_order_do_not_deadlock(shop: &Shop) -> Result<()> {
    let (first, second) = (shop.product(10, 15)?, shop.product(10, 20)?);
    let ada = shop.ada()?;
    let answers = at_once(40, |number| {
        let lines = [(first.as_str(), 1), (second.as_str(), 1)];
        let reversed = [(second.as_str(), 1), (first.as_str(), 1)];
        shop.place_order(ada.caller(), if number % 2 == 0 { &lines } else { &reversed })
    })?;
    let won = winners(&answers, "OUT_OF_STOCK")?;
    ensure!(won.len() == 15, "15 orders should succeed, not {}", won.len());
    shop.stock_becomes(&first, Stock::settled(15, 15))?;
    shop.stock_becomes(&second, Stock::settled(20, 15))
}

fn of_8_registrations_of_one_name_exactly_one_wins(shop: &Shop) -> Result<()> {
    let name = unique("race");
    let password = |number: usize| format!("password of {number}");
    let answers = at_once(8, |number| {
        let name = if number % 2 == 0 {
            name.clone()
        } else {
            name.to_uppercase()
        };
        shop.register_as(&name, &password(number))
    })?;
    winner(&answers, "CONFLICT")?;
    let winner = answers.iter().position(|answer| answer.errors().is_empty());
    let winner = winner.context("one registration has succeeded")?;
    shop.login(&name, &password(winner))?
        .text("/login/access_token")?;
    shop.login(&name, &password((winner + 1) % 8))?
        .refused("UNAUTHENTICATED")?;
    for name in [name.clone(), name.to_uppercase()] {
        let later = shop.register_as(&name, "another password")?;
        later.refused("CONFLICT")?;
        later.is_null("/registerUser")?;
    }
    Ok(())
}

fn of_20_products_with_one_external_id_exactly_one_is_created(shop: &Shop) -> Result<()> {
    let (external, maker) = (unique("external"), unique("maker"));
    let input = |number: usize| {
        json!({ "name": format!("racer {number}"), "price": 1, "quantity": 1,
            "externalId": external, "manufacturer": maker })
    };
    let answers = at_once(20, |number| shop.create_product(As::Key, input(number)))?;
    winner(&answers, "CONFLICT")?;
    let later = shop.create_product(As::Key, input(20))?;
    later.refused("CONFLICT")?;
    later.is_null("/createProduct")?;
    let found = shop.find_products(json!({ "manufacturer": maker }))?;
    ensure!(found.len() == 1, "one product should be stored: {found:?}");
    Ok(())
}

fn of_20_edits_of_one_version_exactly_one_wins(shop: &Shop) -> Result<()> {
    let product = shop.product(1, 1)?;
    let answers = at_once(20, |number| {
        shop.update_product(&product, 1, json!({ "price": 100 + number }))
    })?;
    let winner = winner(&answers, "CONFLICT")?;
    shop.read_product(As::Anonymous, &product)?
        .has("/product", winner.data("/updateProduct")?)
}

fn concurrent_deliveries_are_all_counted(shop: &Shop) -> Result<()> {
    let product = shop.product(1, 0)?;
    for answer in at_once(20, |number| {
        shop.receive_stock(&product, i64::try_from(number)? + 1)
    })? {
        answer.int("/receiveStock/quantity")?;
    }
    let stock = shop.stock(&product)?;
    ensure!(
        stock == Stock::settled(210, 0),
        "210 units should be on hand: {stock:?}"
    );
    Ok(())
}
