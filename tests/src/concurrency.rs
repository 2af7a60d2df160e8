//! Many at once: nothing is sold twice, no name is taken twice, no edit is lost.

use std::sync::{Arc, Barrier};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::As;
use crate::trials::trials;
use crate::world::{Stock, World, login, place_order, register, unique};

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "concurrency",
        [
            of_200_orders_for_50_pieces_exactly_50_succeed,
            orders_of_crossing_lines_neither_oversell_nor_hang,
            of_20_registrations_of_one_name_exactly_one_wins,
            of_20_products_with_one_external_id_exactly_one_is_created,
            of_20_edits_of_one_version_exactly_one_wins,
            deliveries_at_once_are_all_counted,
        ]
    )
}

/// Runs so many actions at the same moment, and tells what they answered.
pub fn at_once<'a, T: Send>(
    count: usize,
    action: impl Fn(usize) -> Result<T> + Send + Sync + 'a,
) -> Result<Vec<T>> {
    let barrier = Barrier::new(count);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..count)
            .map(|number| {
                let (barrier, action) = (&barrier, &action);
                scope.spawn(move || {
                    barrier.wait();
                    action(number)
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().map_err(|_| anyhow::anyhow!("a worker panicked"))?)
            .collect()
    })
}

/// How many were answered without an error; all others must have this code.
pub fn winners(answers: &[Answer], code: &str) -> Result<usize> {
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.errors().is_empty());
    for answer in lost {
        answer.refused(code)?;
    }
    Ok(won.len())
}

fn of_200_orders_for_50_pieces_exactly_50_succeed(world: &World) -> Result<()> {
    let product = world.product(10, 50)?;
    let customers = [world.ada()?, world.bob()?];
    let answers = at_once(200, |number| {
        let customer = customers.get(number % 2).context("there are two customers")?;
        place_order(&world.shop, customer.caller(), &[(&product, 1)])
    })?;
    let won = winners(&answers, "OUT_OF_STOCK")?;
    ensure!(won == 50, "50 orders should succeed, not {won}");
    for answer in answers.iter().filter(|answer| !answer.errors().is_empty()) {
        let lines = answer
            .refused("OUT_OF_STOCK")?
            .pointer("/extensions/lines")
            .cloned();
        let expected = json!([{ "_id": product, "requested": 1, "available": 0 }]);
        answer.expect(
            lines.as_ref() == Some(&expected),
            format!("the lines should be {expected}"),
        )?;
    }
    let mut ids = Vec::new();
    for answer in answers.iter().filter(|answer| answer.errors().is_empty()) {
        ids.push(answer.text("/placeOrder/_id")?);
    }
    ids.sort_unstable();
    ids.dedup();
    ensure!(ids.len() == 50, "each order should have an id of its own");
    let stock = world.stock(&product)?;
    ensure!(
        stock.on_hand == 0 && stock.received == 50,
        "nothing should be left: {stock:?}"
    );
    world.stock_becomes(
        &product,
        Stock {
            received: 50,
            on_hand: 0,
            reserved: 0,
            sold: 50,
        },
    )
}

/// Lines in opposite orders are what makes locks deadlock.
fn orders_of_crossing_lines_neither_oversell_nor_hang(world: &World) -> Result<()> {
    let (first, second) = (world.product(10, 15)?, world.product(10, 20)?);
    let ada = world.ada()?;
    let answers = at_once(40, |number| {
        let lines = [(first.as_str(), 1), (second.as_str(), 1)];
        let crossed = [(second.as_str(), 1), (first.as_str(), 1)];
        place_order(
            &world.shop,
            ada.caller(),
            if number % 2 == 0 { &lines } else { &crossed },
        )
    })?;
    let won = winners(&answers, "OUT_OF_STOCK")?;
    ensure!(won == 15, "15 orders should succeed, not {won}");
    world.stock_becomes(
        &first,
        Stock {
            received: 15,
            on_hand: 0,
            reserved: 0,
            sold: 15,
        },
    )?;
    world.stock_becomes(
        &second,
        Stock {
            received: 20,
            on_hand: 5,
            reserved: 0,
            sold: 15,
        },
    )
}

fn of_20_registrations_of_one_name_exactly_one_wins(world: &World) -> Result<()> {
    let name = unique("race");
    let password = |number: usize| format!("password of {number}");
    let answers = at_once(20, |number| {
        let name = if number % 2 == 0 {
            name.clone()
        } else {
            name.to_uppercase()
        };
        register(&world.shop, As::Anonymous, &name, &password(number))
    })?;
    let won = winners(&answers, "CONFLICT")?;
    ensure!(won == 1, "one registration should win, not {won}");
    let winner = answers
        .iter()
        .position(|answer| answer.errors().is_empty())
        .context("one won")?;
    login(&world.shop, &name, &password(winner))?.text("/login/access_token")?;
    login(&world.shop, &name, &password((winner + 1) % 20))?.refused("UNAUTHENTICATED")?;
    Ok(())
}

fn of_20_products_with_one_external_id_exactly_one_is_created(world: &World) -> Result<()> {
    let (external, maker) = (unique("external"), unique("maker"));
    let query = "mutation ($input: CreateProductInput) { createProduct(input: $input) { _id } }";
    let answers = at_once(20, |number| {
        let input = json!({ "name": format!("racer {number}"), "price": 1, "quantity": 1,
                            "externalId": external, "manufacturer": maker });
        world.shop.graphql(As::Key, query, json!({ "input": input }))
    })?;
    let won = winners(&answers, "CONFLICT")?;
    ensure!(won == 1, "one product should be created, not {won}");
    let found = world.shop.graphql(
        As::Anonymous,
        "query ($maker: String) { productConnection(filter: { manufacturer: $maker }) { edges { node { _id } } } }",
        json!({ "maker": maker }),
    )?;
    found.expect(
        found.list("/productConnection/edges")?.len() == 1,
        "one product should be there",
    )
}

fn of_20_edits_of_one_version_exactly_one_wins(world: &World) -> Result<()> {
    let product = world.product(1, 1)?;
    let query = "mutation ($id: ID!, $price: Int) { updateProduct(id: $id, version: 1, input: { price: $price }) { price version } }";
    let answers = at_once(20, |number| {
        world
            .shop
            .graphql(As::Key, query, json!({ "id": product, "price": 100 + number }))
    })?;
    let won = winners(&answers, "CONFLICT")?;
    ensure!(won == 1, "one edit should win, not {won}");
    let winner = answers
        .iter()
        .find(|answer| answer.errors().is_empty())
        .context("one won")?;
    let read = world.shop.graphql(
        As::Anonymous,
        "query ($id: ID!) { product(id: $id) { price version } }",
        json!({ "id": product }),
    )?;
    read.expect(
        read.data("/product")? == winner.data("/updateProduct")?,
        "the winner's price should be there",
    )
}

fn deliveries_at_once_are_all_counted(world: &World) -> Result<()> {
    let product = world.product(1, 0)?;
    let query =
        "mutation ($id: ID!, $quantity: Int!) { receiveStock(id: $id, quantity: $quantity) { quantity } }";
    let answers = at_once(20, |number| {
        world
            .shop
            .graphql(As::Key, query, json!({ "id": product, "quantity": number + 1 }))
    })?;
    for answer in &answers {
        answer.data("/receiveStock/quantity").map(Value::is_i64)?;
    }
    let stock = world.stock(&product)?;
    ensure!(
        stock
            == Stock {
                received: 210,
                on_hand: 210,
                reserved: 0,
                sold: 0
            },
        "210 should be there: {stock:?}"
    );
    Ok(())
}
