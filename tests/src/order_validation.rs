//! Orders that cannot be placed: each is refused with the reason, and reserves nothing.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::fixtures::{Stock, UNKNOWN_ID, unique};
use crate::shop::{As, Shop};
use crate::trials::trials;
use crate::values::text_at;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "order_validation",
        portable = [an_order_short_of_stock_names_every_line_and_reserves_nothing],
        component = [
            an_order_without_lines_is_refused,
            the_same_product_twice_is_refused,
            a_quantity_outside_its_range_is_refused,
            an_invalid_product_id_is_refused,
            an_unknown_product_is_named,
            more_than_500_lines_are_refused,
            the_largest_total_is_exact_and_a_larger_one_is_refused,
            lines_of_two_currencies_are_refused
        ]
    )
}

/// Creates 500 products with a price of 1 and 1,000 units each, and returns their ids.
pub fn five_hundred_products(shop: &Shop) -> Result<Vec<String>> {
    (0..5)
        .map(|_| hundred_products(shop))
        .collect::<Result<Vec<_>>>()
        .map(|pages| pages.concat())
}

fn hundred_products(shop: &Shop) -> Result<Vec<String>> {
    let maker = unique("hundred");
    let rows: Vec<Value> = (0..100)
        .map(|number| {
            json!({ "externalId": format!("{maker}-{number}"), "manufacturer": maker, "name": format!("line {number}"),
                "price": 1, "quantity": 1_000 })
        })
        .collect();
    shop.import_products(&rows)?.list("/importProducts/outcomes")?;
    let products = shop.find_products(json!({ "manufacturer": maker }))?;
    ensure!(
        products.len() == 100,
        "100 products should be imported, not {}",
        products.len()
    );
    products
        .iter()
        .map(|product| Ok(text_at(product, "/_id")?.to_owned()))
        .collect()
}

/// Fails unless all units of a product are on hand.
fn untouched(shop: &Shop, id: &str, quantity: i64) -> Result<()> {
    let stock = shop.stock(id)?;
    ensure!(
        stock == Stock::settled(quantity, 0),
        "a refused order should reserve nothing: {stock:?}"
    );
    Ok(())
}

fn an_order_short_of_stock_names_every_line_and_reserves_nothing(shop: &Shop) -> Result<()> {
    let (plenty, few, none) = (shop.product(1, 10)?, shop.product(1, 2)?, shop.product(1, 0)?);
    let answer = shop.place_order(shop.ada()?.caller(), &[(&plenty, 5), (&few, 3), (&none, 1)])?;
    answer.out_of_stock(&[(&few, 3, 2), (&none, 1, 0)])?;
    answer.is_null("/placeOrder")?;
    for (id, quantity) in [(&plenty, 10), (&few, 2), (&none, 0)] {
        untouched(shop, id, quantity)?;
    }
    Ok(())
}

fn an_order_without_lines_is_refused(shop: &Shop) -> Result<()> {
    let ada = shop.ada()?;
    for lines in [json!([]), Value::Null] {
        let answer = shop.place_order_of(ada.caller(), lines)?;
        answer.bad_input("products")?;
        answer.is_null("/placeOrder")?;
    }
    shop.query(ada.caller(), "mutation { placeOrder { _id } }")?
        .bad_input("products")?;
    let id = shop.product(1, 5)?;
    let answer = shop.place_order_of(ada.caller(), json!([{ "_id": id, "quantity": 1 }, null]))?;
    answer.refused("BAD_USER_INPUT")?;
    untouched(shop, &id, 5)
}

fn the_same_product_twice_is_refused(shop: &Shop) -> Result<()> {
    let (id, other) = (shop.product(1, 5)?, shop.product(1, 5)?);
    let answer = shop.place_order(shop.ada()?.caller(), &[(&id, 1), (&other, 1), (&id, 1)])?;
    answer.bad_input("products[2]._id")?;
    let upper_case = id.to_uppercase();
    let answer = shop.place_order(shop.ada()?.caller(), &[(&id, 1), (&upper_case, 1)])?;
    answer.bad_input("products[1]._id")?;
    untouched(shop, &id, 5)?;
    untouched(shop, &other, 5)
}

fn a_quantity_outside_its_range_is_refused(shop: &Shop) -> Result<()> {
    let ada = shop.ada()?;
    let (id, other) = (shop.product(1, 2_147_483_647)?, shop.product(1, 5)?);
    for quantity in [0, -1, 1_000_001, 2_147_483_647, -2_147_483_648] {
        let answer = shop.place_order(ada.caller(), &[(&other, 1), (&id, quantity)])?;
        answer.bad_input("products[1].quantity")?;
    }
    untouched(shop, &id, 2_147_483_647)?;
    untouched(shop, &other, 5)?;
    shop.order(ada.caller(), &[(&id, 1_000_000)])?;
    Ok(())
}

fn an_invalid_product_id_is_refused(shop: &Shop) -> Result<()> {
    let id = shop.product(1, 5)?;
    for bad in [
        "",
        "1",
        "507f1f77bcf86cd799439011",
        "not-a-uuid",
        "' OR ''='",
        "\u{0}",
        &"a".repeat(5_000),
    ] {
        let answer = shop.place_order(shop.ada()?.caller(), &[(&id, 1), (bad, 1)])?;
        answer.bad_input("products[1]._id")?;
    }
    untouched(shop, &id, 5)
}

fn an_unknown_product_is_named(shop: &Shop) -> Result<()> {
    let id = shop.product(1, 5)?;
    let answer = shop.place_order(shop.ada()?.caller(), &[(&id, 1), (UNKNOWN_ID, 1)])?;
    let message = text_at(answer.refused("NOT_FOUND")?, "/message")?;
    answer.expect(
        message.contains(UNKNOWN_ID),
        "the message should name the product",
    )?;
    untouched(shop, &id, 5)
}

fn more_than_500_lines_are_refused(shop: &Shop) -> Result<()> {
    let mut ids = five_hundred_products(shop)?;
    ids.push(shop.product(1, 5)?);
    let lines: Vec<(&str, i64)> = ids.iter().map(|id| (id.as_str(), 1)).collect();
    let answer = shop.place_order(shop.ada()?.caller(), &lines)?;
    let message = text_at(answer.bad_input("products")?, "/message")?;
    ensure!(
        message.contains("500") && message.contains("501"),
        "the message should name the limit and the number of lines: {message}"
    );
    for (id, quantity) in [(ids.first(), 1_000), (ids.last(), 5)] {
        untouched(shop, id.context("there are 501 products")?, quantity)?;
    }
    Ok(())
}

fn the_largest_total_is_exact_and_a_larger_one_is_refused(shop: &Shop) -> Result<()> {
    const MOST: i64 = (1 << 53) - 1;
    let product = |price: i64| -> Result<String> {
        let input =
            json!({ "name": unique("largest"), "price": price, "quantity": 1_000_000, "currency": "IDR" });
        let created = shop.rest(As::Key, "POST", "/api/products", input)?;
        created.expect_status(201)?;
        created.text("/_id")
    };
    let (most, large) = (product(MOST)?, product(2_500_000_000)?);
    let ada = shop.ada()?;
    let place = |id: &str, quantity: i64| {
        let body = json!({ "products": [{ "_id": id, "quantity": quantity }] });
        shop.rest(ada.caller(), "POST", "/api/orders", body)
    };
    for (id, quantity, total) in [(&most, 1, MOST), (&large, 3, 7_500_000_000)] {
        let placed = place(id, quantity)?;
        placed.expect_status(201)?;
        placed.has("/total", total)?;
    }
    for (id, quantity) in [(&most, 2), (&most, 1_000_000)] {
        place(id, quantity)?.problem(400, "BAD_USER_INPUT")?;
    }
    Ok(())
}

fn lines_of_two_currencies_are_refused(shop: &Shop) -> Result<()> {
    let product = |currency: &str| {
        shop.product_from(
            json!({ "name": unique("currency"), "price": 1, "quantity": 5, "currency": currency }),
        )
    };
    let (euro, yen) = (product("EUR")?, product("JPY")?);
    shop.place_order(shop.ada()?.caller(), &[(&euro, 1), (&yen, 1)])?
        .bad_input("products")?;
    untouched(shop, &euro, 5)?;
    untouched(shop, &yen, 5)
}
