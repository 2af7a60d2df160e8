//! Deleted products: hidden from shoppers, and kept for past orders.

use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::fixtures::{UNKNOWN_ID, unique};
use crate::shop::{As, Shop};
use crate::trials::trials;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "deleted_products",
        portable = [
            a_deleted_product_is_hidden_from_shoppers_and_kept_in_orders,
            an_import_restores_a_deleted_product
        ],
        component = [a_deletion_of_another_version_is_refused]
    )
}

fn a_deleted_product_is_hidden_from_shoppers_and_kept_in_orders(shop: &Shop) -> Result<()> {
    let name = unique("deleted");
    let id = shop.product_from(json!({ "name": name, "price": 100, "quantity": 5 }))?;
    let ada = shop.ada()?;
    let order = shop.order(ada.caller(), &[(&id, 2)])?;
    shop.delete_product(&id, 1)?.text("/deleteProduct/archivedAt")?;

    for caller in [As::Anonymous, ada.caller()] {
        let answer = shop.read_product(caller, &id)?;
        answer.refused("NOT_FOUND")?;
        answer.is_null("/product")?;
    }
    shop.read_product(shop.root()?.caller(), &id)?
        .text("/product/archivedAt")?;
    let path = format!("/api/products/{id}");
    for (caller, status) in [
        (shop.root()?.caller(), 200),
        (ada.caller(), 404),
        (As::Anonymous, 404),
        (As::Key, 200),
    ] {
        let response = shop.get(caller, &path)?;
        response.expect_status(status)?;
        if status == 200 {
            response.text("/archivedAt")?;
        }
    }
    shop.place_order(ada.caller(), &[(&id, 1)])?
        .refused("NOT_FOUND")?;
    let found = shop.find_products(json!({ "search": name }))?;
    ensure!(found.is_empty(), "no list should contain the product: {found:?}");
    let query = "query ($id: ID!) { order(id: $id) { products { quantity product { name } } } }";
    shop.graphql(ada.caller(), query, json!({ "id": order }))?
        .has("/order/products/0/product/name", &name)
}

fn a_deletion_of_another_version_is_refused(shop: &Shop) -> Result<()> {
    let id = shop.product(100, 5)?;
    for version in [2, 7] {
        shop.delete_product(&id, version)?.conflict(1)?;
    }
    shop.delete_product(&id, -1)?.bad_input("version")?;
    shop.delete_product(UNKNOWN_ID, 1)?.refused("NOT_FOUND")?;
    shop.delete_product("no id", 1)?.bad_input("id")?;
    let answer = shop.read_product(As::Anonymous, &id)?;
    answer.has("/product/version", 1)?;
    let first = shop.delete_product(&id, 1)?;
    let again = shop.delete_product(&id, 1)?;
    again.has("/deleteProduct", first.data("/deleteProduct")?)?;
    shop.delete_product(&id, 2)?.refused("NOT_FOUND")?;
    Ok(())
}

fn an_import_restores_a_deleted_product(shop: &Shop) -> Result<()> {
    let external = unique("back");
    let id =
        shop.product_from(json!({ "name": "back", "price": 1, "quantity": 3, "externalId": external }))?;
    shop.delete_product(&id, 1)?.text("/deleteProduct/archivedAt")?;
    let row = json!({ "name": "back", "price": 2, "quantity": 9, "externalId": external });
    shop.import_products(&[row])?
        .has("/importProducts/outcomes/0/outcome", "UPDATED")?;
    let answer = shop.read_product(As::Anonymous, &id)?;
    answer.has("/product/archivedAt", Value::Null)?;
    answer.has("/product/quantity", 3)
}
