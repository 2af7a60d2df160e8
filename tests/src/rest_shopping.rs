//! REST: what a customer does from the catalog to the payment, and what the keepers of the shop do besides.

use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::client::{As, Call};
use crate::rest::{ask, call, problem, text, value};
use crate::trials::trials;
use crate::world::{World, check_time, unique};

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "rest_shopping",
        [a_product_is_found_by_its_details_and_deleted,]
    )
}

fn a_product_is_found_by_its_details_and_deleted(world: &World) -> Result<()> {
    let (category, sku) = (world.category()?, unique("sku"));
    let categories = ask(world, As::Anonymous, "GET", "/api/categories", Value::Null)?;
    categories.expect_status(200)?;
    categories.expect(categories.text().contains(&category), || {
        "the category should be listed".into()
    })?;
    let new = json!({
        "name": sku, "price": 1250, "quantity": 3, "sku": sku, "categoryId": category,
        "images": [{ "url": "https://shop.example/hat.jpg", "alt": "A hat" }],
        "attributes": [{ "name": "material", "value": "felt" }],
    });
    let created = ask(world, As::Key, "POST", "/api/products", new.clone())?;
    created.expect_status(201)?;
    for name in ["sku", "categoryId", "images", "attributes"] {
        ensure!(
            created.json()?.get(name) == new.get(name),
            "{name} should be as it was sent"
        );
    }
    let taken = ask(world, As::Key, "POST", "/api/products", new)?;
    problem(&taken, 409, "CONFLICT")?;
    for filter in [
        format!("sku={sku}"),
        format!("category={category}&standalone=true"),
    ] {
        let list = format!("/api/products?{filter}");
        let page = ask(world, As::Anonymous, "GET", &list, Value::Null)?;
        ensure!(
            text(&page, "/items/0/name")? == sku && value(&page, "/pageInfo/hasNextPage")? == false,
            "{filter} should find it"
        );
    }
    let path = format!("/api/products/{}", text(&created, "/_id")?);
    let delete = |tag: &str| {
        let call = call("DELETE", &path, Value::Null).header("if-match", tag);
        world.shop.send_as(As::Key, call)
    };
    problem(&delete("\"7\"")?, 409, "CONFLICT")?;
    problem(
        &ask(world, world.bob()?.caller(), "DELETE", &path, Value::Null)?,
        403,
        "FORBIDDEN",
    )?;
    let deleted = delete(created.header("etag").unwrap_or_default())?;
    deleted.expect_status(200)?;
    check_time(&text(&deleted, "/archivedAt")?)?;
    problem(&world.shop.send(Call::new("GET", &path))?, 404, "NOT_FOUND")
}
