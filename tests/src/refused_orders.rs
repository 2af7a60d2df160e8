//! Orders that can't be placed: each says why, and takes nothing.

use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::client::As;
use crate::product_import::import;
use crate::trials::trials;
use crate::world::{Stock, UNKNOWN_ID, World, place_order, place_order_of, text_at, unique};

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "refused_orders",
        [
            an_order_short_of_stock_names_every_line_and_takes_none,
            an_empty_cart_is_refused,
            the_same_product_twice_is_refused,
            a_quantity_outside_its_range_is_refused,
            a_product_id_of_another_shape_is_refused,
            an_unknown_product_is_named,
            more_than_a_hundred_lines_are_refused,
            lines_of_two_currencies_are_refused,
        ]
    )
}

/// A hundred new products at a price of 1, of which there are 1,000 each.
pub fn hundred_products(world: &World) -> Result<Vec<String>> {
    let maker = unique("hundred");
    let rows: Vec<Value> = (0..100)
        .map(|number| {
            json!({ "externalId": format!("{maker}-{number}"), "manufacturer": maker, "name": format!("line {number}"),
                    "price": 1, "quantity": 1_000 })
        })
        .collect();
    import(world, &rows)?.list("/importProducts/outcomes")?;
    let query = "query ($maker: String) { productConnection(first: 100, filter: { manufacturer: $maker }) {
        edges { node { _id } } } }";
    let found = world
        .shop
        .graphql(As::Anonymous, query, json!({ "maker": maker }))?;
    let ids = found.column("/productConnection/edges", "/node/_id")?;
    ensure!(
        ids.len() == 100,
        "a hundred products should have been imported, not {}",
        ids.len()
    );
    Ok(ids
        .iter()
        .filter_map(|id| id.as_str().map(str::to_owned))
        .collect())
}

/// Fails unless all of these many pieces are still on hand.
fn untouched(world: &World, id: &str, quantity: i64) -> Result<()> {
    let stock = world.stock(id)?;
    let expected = Stock {
        received: quantity,
        on_hand: quantity,
        reserved: 0,
        sold: 0,
    };
    ensure!(
        stock == expected,
        "a refused order should take nothing: {stock:?}"
    );
    Ok(())
}

fn an_order_short_of_stock_names_every_line_and_takes_none(world: &World) -> Result<()> {
    let (plenty, few, none) = (world.product(1, 10)?, world.product(1, 2)?, world.product(1, 0)?);
    let answer = place_order(
        &world.shop,
        world.ada()?.caller(),
        &[(&plenty, 5), (&few, 3), (&none, 1)],
    )?;
    let lines = answer
        .refused("OUT_OF_STOCK")?
        .pointer("/extensions/lines")
        .cloned();
    let expected = json!([
        { "_id": few, "requested": 3, "available": 2 },
        { "_id": none, "requested": 1, "available": 0 },
    ]);
    answer.expect(
        lines.as_ref() == Some(&expected),
        format!("the lines should be {expected}"),
    )?;
    answer.expect(
        answer.partial("/placeOrder")?.is_null(),
        "placeOrder should be null",
    )?;
    for (id, quantity) in [(&plenty, 10), (&few, 2), (&none, 0)] {
        untouched(world, id, quantity)?;
    }
    Ok(())
}

fn an_empty_cart_is_refused(world: &World) -> Result<()> {
    let ada = world.ada()?;
    for lines in [json!([]), Value::Null] {
        let answer = place_order_of(&world.shop, ada.caller(), lines)?;
        answer.bad_input("products")?;
        answer.expect(
            answer.partial("/placeOrder")?.is_null(),
            "placeOrder should be null",
        )?;
    }
    world
        .shop
        .query(ada.caller(), "mutation { placeOrder { _id } }")?
        .bad_input("products")?;
    let id = world.product(1, 5)?;
    let answer = place_order_of(
        &world.shop,
        ada.caller(),
        json!([{ "_id": id, "quantity": 1 }, null]),
    )?;
    answer.refused("BAD_USER_INPUT")?;
    untouched(world, &id, 5)
}

fn the_same_product_twice_is_refused(world: &World) -> Result<()> {
    let (id, other) = (world.product(1, 5)?, world.product(1, 5)?);
    let answer = place_order(
        &world.shop,
        world.ada()?.caller(),
        &[(&id, 1), (&other, 1), (&id, 1)],
    )?;
    answer.bad_input("products[2]._id")?;
    let shouted = id.to_uppercase();
    let answer = place_order(&world.shop, world.ada()?.caller(), &[(&id, 1), (&shouted, 1)])?;
    answer.bad_input("products[1]._id")?;
    untouched(world, &id, 5)?;
    untouched(world, &other, 5)
}

fn a_quantity_outside_its_range_is_refused(world: &World) -> Result<()> {
    let ada = world.ada()?;
    let (id, other) = (world.product(1, 2_147_483_647)?, world.product(1, 5)?);
    for quantity in [0, -1, 1_000_001, 2_147_483_647, -2_147_483_648] {
        let answer = place_order(&world.shop, ada.caller(), &[(&other, 1), (&id, quantity)])?;
        answer.bad_input("products[1].quantity")?;
    }
    untouched(world, &id, 2_147_483_647)?;
    untouched(world, &other, 5)?;
    place_order(&world.shop, ada.caller(), &[(&id, 1_000_000)])?.text("/placeOrder/_id")?;
    Ok(())
}

fn a_product_id_of_another_shape_is_refused(world: &World) -> Result<()> {
    let id = world.product(1, 5)?;
    for bad in [
        "",
        "1",
        "507f1f77bcf86cd799439011",
        "not-a-uuid",
        "' OR ''='",
        "\u{0}",
        &"a".repeat(5_000),
    ] {
        let answer = place_order(&world.shop, world.ada()?.caller(), &[(&id, 1), (bad, 1)])?;
        answer.bad_input("products[1]._id")?;
    }
    untouched(world, &id, 5)
}

fn an_unknown_product_is_named(world: &World) -> Result<()> {
    let id = world.product(1, 5)?;
    let answer = place_order(&world.shop, world.ada()?.caller(), &[(&id, 1), (UNKNOWN_ID, 1)])?;
    let message = text_at(answer.refused("NOT_FOUND")?, "/message")?;
    answer.expect(
        message.contains(UNKNOWN_ID),
        "the message should name the product",
    )?;
    untouched(world, &id, 5)
}

fn more_than_a_hundred_lines_are_refused(world: &World) -> Result<()> {
    let mut ids = hundred_products(world)?;
    ids.push(world.product(1, 5)?);
    let lines: Vec<(&str, i64)> = ids.iter().map(|id| (id.as_str(), 1)).collect();
    place_order(&world.shop, world.ada()?.caller(), &lines)?.bad_input("products")?;
    let (first, last) = (ids.first(), ids.last());
    untouched(world, first.map_or("", String::as_str), 1_000)?;
    untouched(world, last.map_or("", String::as_str), 5)
}

fn lines_of_two_currencies_are_refused(world: &World) -> Result<()> {
    let product = |currency: &str| {
        world.product_of(
            json!({ "name": unique("currency"), "price": 1, "quantity": 5, "currency": currency }),
        )
    };
    let (euro, yen) = (product("EUR")?, product("JPY")?);
    place_order(&world.shop, world.ada()?.caller(), &[(&euro, 1), (&yen, 1)])?.bad_input("products")?;
    untouched(world, &euro, 5)?;
    untouched(world, &yen, 5)
}
