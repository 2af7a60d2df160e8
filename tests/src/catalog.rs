//! Products: their creation, reads, edits and deliveries.

use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::fixtures::{Stock, UNKNOWN_ID, check_id, check_time, unique};
use crate::shop::{As, Shop};
use crate::trials::trials;
use crate::values::text_at;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "catalog",
        portable = [
            a_product_is_created_with_defaults,
            a_product_keeps_every_field,
            an_edit_of_another_version_is_refused,
            received_stock_is_added_and_can_be_bought
        ],
        component = [
            anybody_reads_a_product,
            a_missing_product_is_null_with_an_error,
            an_edit_changes_only_the_given_fields,
            stock_changes_do_not_conflict_with_edits,
            a_product_may_be_priced_in_another_currency
        ]
    )
}

fn read(shop: &Shop, id: &str) -> Result<Value> {
    let answer = shop.read_product(As::Anonymous, id)?;
    Ok(answer.data("/product")?.clone())
}

fn a_product_is_created_with_defaults(shop: &Shop) -> Result<()> {
    let name = unique("plain");
    let answer = shop.create_product(As::Key, json!({ "name": name, "price": 1_299, "quantity": 7 }))?;
    check_id(answer.text("/createProduct/_id")?)?;
    check_time(answer.text("/createProduct/createdAt")?)?;
    answer.has("/createProduct/name", &name)?;
    answer.has("/createProduct/price", 1_299)?;
    answer.has("/createProduct/quantity", 7)?;
    answer.has("/createProduct/version", 1)?;
    answer.expect(
        answer.text("/createProduct/currency")?.len() == 3,
        "the product should have a currency (ISO 4217)",
    )?;
    for field in ["description", "manufacturer", "externalId"] {
        answer.has(&format!("/createProduct/{field}"), Value::Null)?;
    }
    Ok(())
}

fn a_product_keeps_every_field(shop: &Shop) -> Result<()> {
    let input = json!({
        "name": unique("Café \"Größe\" 密码 🔑 <b>&amp;</b>"), "price": 2_147_483_647, "quantity": 2_147_483_647,
        "description": "Zeile eins\nline two\t\\ \u{2028} end", "manufacturer": "O'Hara & Søn",
        "externalId": unique("https://feeds.example/ids?of=one&such="), "currency": "EUR",
    });
    let answer = shop.create_product(As::Key, input.clone())?;
    let product = read(shop, answer.text("/createProduct/_id")?)?;
    for (field, given) in input.as_object().into_iter().flatten() {
        answer.expect(
            product.get(field) == Some(given),
            format!("{field} should be {given} in {product}"),
        )?;
    }
    Ok(())
}

fn anybody_reads_a_product(shop: &Shop) -> Result<()> {
    let id = shop.product(500, 3)?;
    for caller in [
        As::Anonymous,
        As::WrongKey,
        As::Token("not.a.token"),
        shop.ada()?.caller(),
        As::Key,
    ] {
        let answer = shop.read_product(caller, &id)?;
        answer.has("/product/_id", &id)?;
        answer.has("/product/price", 500)?;
    }
    let list = shop.query(As::Anonymous, "{ products { _id name price quantity } }")?;
    let ids = list.column("/products", "/_id")?;
    list.expect(
        ids.len() == 1_000 || ids.len() < 1_000 && ids.contains(&json!(id)),
        "the list should contain the product, or the limit of 1,000 products",
    )
}

fn a_missing_product_is_null_with_an_error(shop: &Shop) -> Result<()> {
    let unknown = shop.read_product(As::Anonymous, UNKNOWN_ID)?;
    unknown.refused("NOT_FOUND")?;
    unknown.is_null("/product")?;
    for id in [
        "",
        "42",
        "507f1f77bcf86cd799439011",
        "../../etc/passwd",
        "' OR 1=1 --",
        "\u{0}",
        &"a".repeat(10_000),
    ] {
        let answer = shop.read_product(As::Anonymous, id)?;
        answer.bad_input("id")?;
        answer.is_null("/product")?;
    }
    Ok(())
}

fn an_edit_changes_only_the_given_fields(shop: &Shop) -> Result<()> {
    let id = shop.product_from(json!({
        "name": unique("edited"), "price": 100, "quantity": 5, "description": "old", "manufacturer": "maker",
    }))?;
    let before = read(shop, &id)?;
    let answer = shop.update_product(&id, 1, json!({ "price": 90, "description": "new" }))?;
    let after = answer.data("/updateProduct")?.clone();
    for (field, old) in before.as_object().into_iter().flatten() {
        let new = after.get(field);
        let expected = match field.as_str() {
            "price" => new == Some(&json!(90)),
            "description" => new == Some(&json!("new")),
            "version" => new == Some(&json!(2)),
            "updatedAt" => text_at(&after, "/updatedAt")? >= text_at(&before, "/updatedAt")?,
            _ => new == Some(old),
        };
        answer.expect(expected, format!("{field} was {old}"))?;
    }
    answer.has("/updateProduct", read(shop, &id)?)
}

fn an_edit_of_another_version_is_refused(shop: &Shop) -> Result<()> {
    let id = shop.product(100, 5)?;
    shop.update_product(&id, 1, json!({ "price": 90 }))?
        .int("/updateProduct/version")?;
    let before = read(shop, &id)?;
    for version in [1, 3, 0, -1] {
        let answer = shop.update_product(&id, version, json!({ "price": 80 }))?;
        answer.refused_with_one_of(if version < 1 {
            &["CONFLICT", "BAD_USER_INPUT"]
        } else {
            &["CONFLICT"]
        })?;
        answer.is_null("/updateProduct")?;
    }
    let after = read(shop, &id)?;
    anyhow::ensure!(
        before == after,
        "a refused edit should change nothing: {before} became {after}"
    );
    shop.update_product(UNKNOWN_ID, 1, json!({ "price": 80 }))?
        .refused("NOT_FOUND")?;
    shop.update_product("no id", 1, json!({ "price": 80 }))?
        .bad_input("id")?;
    Ok(())
}

fn stock_changes_do_not_conflict_with_edits(shop: &Shop) -> Result<()> {
    let id = shop.product(100, 5)?;
    shop.order(shop.ada()?.caller(), &[(&id, 2)])?;
    shop.receive_stock(&id, 4)?.int("/receiveStock/quantity")?;
    let answer = shop.update_product(&id, 1, json!({ "price": 120 }))?;
    answer.has("/updateProduct/version", 2)?;
    answer.has("/updateProduct/quantity", 7)
}

fn received_stock_is_added_and_can_be_bought(shop: &Shop) -> Result<()> {
    let id = shop.product(100, 0)?;
    shop.place_order(shop.ada()?.caller(), &[(&id, 1)])?
        .refused("OUT_OF_STOCK")?;
    let answer = shop.receive_stock(&id, 3)?;
    answer.has("/receiveStock/quantity", 3)?;
    shop.order(shop.ada()?.caller(), &[(&id, 3)])?;
    shop.stock_becomes(&id, Stock::settled(3, 3))?;
    for quantity in [0, -1, -2_147_483_648] {
        shop.receive_stock(&id, quantity)?.bad_input("quantity")?;
    }
    shop.receive_stock(UNKNOWN_ID, 1)?.refused("NOT_FOUND")?;
    shop.receive_stock("no id", 1)?.bad_input("id")?;
    let full = shop.product(100, 2_147_483_647)?;
    shop.receive_stock(&full, 1)?.bad_input("quantity")?;
    let stock = shop.stock(&full)?;
    anyhow::ensure!(
        stock.received == 2_147_483_647,
        "a refused delivery should change nothing: {stock:?}"
    );
    Ok(())
}

fn a_product_may_be_priced_in_another_currency(shop: &Shop) -> Result<()> {
    let id =
        shop.product_from(json!({ "name": unique("yen"), "price": 500, "quantity": 2, "currency": "JPY" }))?;
    let answer = shop.place_order(shop.ada()?.caller(), &[(&id, 2)])?;
    answer.has("/placeOrder/currency", "JPY")?;
    answer.has("/placeOrder/total", 1_000)
}
