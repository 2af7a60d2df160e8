//! `importProducts`: products are imported in batches, by their external ids.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::fixtures::unique;
use crate::graphql::GraphqlResponse;
use crate::shop::Shop;
use crate::trials::trials;
use crate::values::text_at;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "product_import",
        portable = [
            an_import_creates_updates_or_skips_a_row,
            an_import_may_have_500_rows
        ],
        component = [
            an_import_does_not_undo_sales,
            a_bad_row_does_not_affect_the_others
        ]
    )
}

/// Returns the only product of a manufacturer.
fn imported(shop: &Shop, manufacturer: &str) -> Result<Value> {
    let mut products = shop.find_products(json!({ "manufacturer": manufacturer }))?;
    ensure!(products.len() == 1, "there should be one product: {products:?}");
    products.pop().context("there is one product")
}

/// Fails unless the rows of an import have these outcomes.
fn has_outcomes(answer: &GraphqlResponse, outcomes: &[&str]) -> Result<()> {
    answer.has_column("/importProducts/outcomes", "/outcome", outcomes)
}

fn an_import_creates_updates_or_skips_a_row(shop: &Shop) -> Result<()> {
    let maker = unique("maker");
    for (name, price, quantity, outcome, version) in [
        ("first name", 100, 10, "CREATED", 1),
        ("first name", 100, 10, "UNCHANGED", 1),
        ("first name", 100, 99, "UNCHANGED", 1),
        ("second name", 120, 99, "UPDATED", 2),
    ] {
        let row = json!({ "externalId": maker, "manufacturer": maker, "name": name, "price": price,
            "quantity": quantity });
        has_outcomes(&shop.import_products(&[row])?, &[outcome])?;
        let product = imported(shop, &maker)?;
        // An import sets the quantity of new products only.
        for (field, expected) in [
            ("name", json!(name)),
            ("price", json!(price)),
            ("quantity", json!(10)),
            ("version", json!(version)),
        ] {
            ensure!(
                product.get(field) == Some(&expected),
                "{field} should be {expected}: {product}"
            );
        }
    }
    Ok(())
}

fn a_bad_row_does_not_affect_the_others(shop: &Shop) -> Result<()> {
    let maker = unique("maker");
    let row = |number: usize, name: &str, price: i64, currency: &str| {
        json!({ "externalId": format!("{maker}-{number}"), "manufacturer": maker, "name": name, "price": price,
                "quantity": 1, "currency": currency })
    };
    let answer = shop.import_products(&[
        row(0, "good", 1, "USD"),
        row(1, " ", 1, "USD"),
        row(2, "bad price", -1, "USD"),
        row(3, "bad currency", 1, "DOLLAR"),
        row(4, "good", 1, "USD"),
    ])?;
    has_outcomes(&answer, &["CREATED", "REFUSED", "REFUSED", "REFUSED", "CREATED"])?;
    let fields = [None, Some("name"), Some("price"), Some("currency"), None];
    answer.has_column("/importProducts/outcomes", "/field", fields)?;
    for row in 1..=3 {
        let outcome = format!("/importProducts/outcomes/{row}");
        answer.has(&format!("{outcome}/code"), "BAD_USER_INPUT")?;
        answer.expect(
            answer.text(&format!("{outcome}/message"))?.len() > 10,
            format!("row {row} should have a message"),
        )?;
    }
    Ok(())
}

fn an_import_does_not_undo_sales(shop: &Shop) -> Result<()> {
    let maker = unique("maker");
    let row =
        json!({ "externalId": maker, "manufacturer": maker, "name": "sold", "price": 1, "quantity": 10 });
    shop.import_products(std::slice::from_ref(&row))?
        .list("/importProducts/outcomes")?;
    let id = text_at(&imported(shop, &maker)?, "/_id")?.to_owned();
    shop.order(shop.ada()?.caller(), &[(&id, 4)])?;
    has_outcomes(&shop.import_products(&[row])?, &["UNCHANGED"])?;
    let product = imported(shop, &maker)?;
    ensure!(
        product.get("quantity") == Some(&json!(6)),
        "6 units should be left: {product}"
    );
    Ok(())
}

fn an_import_may_have_500_rows(shop: &Shop) -> Result<()> {
    let maker = unique("maker");
    let rows = |count: usize| -> Vec<Value> {
        let row = |number| {
            json!({ "externalId": format!("{maker}-{number}"), "manufacturer": maker, "name": format!("row {number}"),
                    "price": 1, "quantity": 1 })
        };
        (0..count).map(row).collect()
    };
    shop.import_products(&rows(501))?.bad_input("products")?;
    // The refused import has created none of the products.
    has_outcomes(&shop.import_products(&rows(500))?, &["CREATED"; 500])
}
