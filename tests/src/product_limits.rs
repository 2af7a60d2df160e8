//! Values of products at and beyond their limits: a refusal names the field and stores nothing.

use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::fixtures::unique;
use crate::shop::{As, Shop};
use crate::trials::trials;
use crate::values::set;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "product_limits",
        component = [
            values_at_their_limits_are_accepted,
            values_beyond_their_limits_are_refused,
            a_refused_product_is_not_stored,
            an_edit_to_a_bad_value_is_refused,
            a_name_is_trimmed
        ]
    )
}

/// Returns the input of a valid product with these changes.
fn product(changes: &Value) -> Value {
    let mut input = json!({ "name": unique("limits"), "price": 1, "quantity": 1 });
    for (field, value) in changes.as_object().into_iter().flatten() {
        set(&mut input, field, value.clone());
    }
    input
}

/// Returns invalid values of the fields that a new product and an edit have in common.
fn invalid_values() -> Vec<(&'static str, Value)> {
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
        ("description", json!("d".repeat(65_537))),
        ("compareAtPrice", json!(-1)),
        ("manufacturer", json!("m".repeat(201))),
        ("price", json!(-1)),
        ("price", json!(-2_147_483_648)),
        ("weight", json!(-1)),
        ("currency", json!("")),
        ("currency", json!("US")),
        ("currency", json!("USDT")),
        ("currency", json!("123")),
        ("currency", json!("€")),
        ("currency", json!("ÜÖÄ")),
        ("currency", json!("ZZZ")),
        ("currency", json!("BTC")),
        ("currency", json!("XXX")),
    ]
}

fn values_at_their_limits_are_accepted(shop: &Shop) -> Result<()> {
    for (field, value) in [
        ("name", json!("n")),
        ("name", json!("é".repeat(500))),
        ("description", json!("d".repeat(65_536))),
        ("description", json!("密".repeat(10_001))),
        ("description", json!("")),
        ("description", json!("two\r\nlines\tand a tab")),
        ("manufacturer", json!("m".repeat(200))),
        ("externalId", json!(format!("{:e<500}", unique("")))),
        ("price", json!(0)),
        ("price", json!(2_147_483_647)),
        ("quantity", json!(0)),
        ("quantity", json!(2_147_483_647)),
        ("currency", json!("JPY")),
        ("weight", json!(1)),
        ("weight", json!(2_147_483_647)),
    ] {
        let answer = shop.create_product(As::Key, product(&json!({ field: value })))?;
        let found = answer.data(&format!("/createProduct/{field}"))?;
        let kept = found == &value || (value == json!("") && found.is_null());
        answer.expect(kept, format!("{field} should be kept"))?;
    }
    Ok(())
}

fn values_beyond_their_limits_are_refused(shop: &Shop) -> Result<()> {
    let of_new_products = [
        ("externalId", json!("e".repeat(501))),
        ("quantity", json!(-1)),
        ("quantity", json!(-2_147_483_648)),
    ];
    for (field, value) in invalid_values().into_iter().chain(of_new_products) {
        let answer = shop.create_product(As::Key, product(&json!({ field: value })))?;
        answer.bad_input(field)?;
        answer.is_null("/createProduct")?;
    }
    Ok(())
}

fn a_refused_product_is_not_stored(shop: &Shop) -> Result<()> {
    let (maker, external) = (unique("maker"), unique("external"));
    let bad = json!({ "manufacturer": maker, "externalId": external, "price": -1 });
    shop.create_product(As::Key, product(&bad))?.bad_input("price")?;
    let found = shop.find_products(json!({ "manufacturer": maker }))?;
    ensure!(found.is_empty(), "no product should be stored: {found:?}");
    let good = json!({ "manufacturer": maker, "externalId": external });
    shop.create_product(As::Key, product(&good))?
        .text("/createProduct/_id")?;
    Ok(())
}

fn an_edit_to_a_bad_value_is_refused(shop: &Shop) -> Result<()> {
    let id = shop.product(5, 5)?;
    for (field, value) in invalid_values() {
        let answer = shop.update_product(&id, 1, json!({ field: value }))?;
        answer.bad_input(field)?;
        answer.is_null("/updateProduct")?;
    }
    let product = shop.read_product(As::Anonymous, &id)?;
    product.has("/product/price", 5)?;
    product.has("/product/version", 1)?;
    product.has("/product/description", Value::Null)
}

fn a_name_is_trimmed(shop: &Shop) -> Result<()> {
    let name = unique("trimmed");
    let answer = shop.create_product(As::Key, product(&json!({ "name": format!("  {name}\n") })))?;
    answer.has("/createProduct/name", &name)
}
