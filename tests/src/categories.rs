//! The tree of categories, and products in it. Each test deletes the categories that it makes: a shop has only so many.

use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::As;
use crate::trials::trials;
use crate::world::{UNKNOWN_ID, World, unique};

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "categories",
        [
            a_product_is_found_in_its_category_and_in_those_above,
            the_tree_stays_a_tree,
            what_cannot_be_a_category_is_refused,
        ]
    )
}

fn create(world: &World, input: Value) -> Result<Answer> {
    let query = "mutation ($input: CreateCategoryInput!) {
        createCategory(input: $input) { _id name slug position parentId } }";
    world.shop.graphql(As::Key, query, json!({ "input": input }))
}

fn category(world: &World, prefix: &str, parent: Option<&str>) -> Result<String> {
    let name = unique(prefix);
    let answer = create(world, json!({ "name": name, "parentId": parent }))?;
    answer.expect(
        answer.data("/createCategory/parentId")? == &json!(parent),
        "the parent should be as given",
    )?;
    Ok(answer.text("/createCategory/_id")?.to_owned())
}

fn relocate(world: &World, id: &str, parent: Option<&str>) -> Result<Answer> {
    let query = "mutation ($id: ID!, $parent: ID) { moveCategory(id: $id, parentId: $parent) { parentId } }";
    world
        .shop
        .graphql(As::Key, query, json!({ "id": id, "parent": parent }))
}

fn delete(world: &World, id: &str) -> Result<Answer> {
    let query = "mutation ($id: ID!) { deleteCategory(id: $id) { _id } }";
    world.shop.graphql(As::Key, query, json!({ "id": id }))
}

fn products(world: &World, category: &str) -> Result<Vec<Value>> {
    let query = "query ($category: ID!) {
        productConnection(filter: { category: $category }) { edges { node { _id } } } }";
    let answer = world
        .shop
        .graphql(As::Anonymous, query, json!({ "category": category }))?;
    answer.column("/productConnection/edges", "/node/_id")
}

fn a_product_is_found_in_its_category_and_in_those_above(world: &World) -> Result<()> {
    let top = category(world, "top", None)?;
    let below = category(world, "below", Some(&top))?;
    let other = category(world, "other", None)?;
    let product = world
        .product_of(json!({ "name": unique("placed"), "price": 1, "quantity": 1, "categoryId": below }))?;
    let found = |category: &str| Ok::<_, anyhow::Error>(products(world, category)? == [json!(product)]);
    anyhow::ensure!(found(&top)? && found(&below)?, "the product should be in both");
    anyhow::ensure!(!found(&other)?, "the product should be in no other");
    delete(world, &below)?.refused("CONFLICT")?;
    relocate(world, &below, Some(&other))?.text("/moveCategory/parentId")?;
    anyhow::ensure!(
        found(&other)? && !found(&top)?,
        "the product should move with its category"
    );
    let query = "query ($id: ID!) { product(id: $id) { category { _id ancestors { _id } } } }";
    let answer = world
        .shop
        .graphql(As::Anonymous, query, json!({ "id": product }))?;
    answer.expect(
        answer.data("/product/category")? == &json!({ "_id": below, "ancestors": [{ "_id": other }] }),
        "the product should tell where it is",
    )?;
    let query = "mutation ($id: ID!) { updateProduct(id: $id, version: 1, input: { categoryId: \"\" }) { category { _id } } }";
    let answer = world.shop.graphql(As::Key, query, json!({ "id": product }))?;
    answer.expect(
        answer.data("/updateProduct/category")?.is_null(),
        "the product should be in none",
    )?;
    for id in [below, other, top] {
        delete(world, &id)?.text("/deleteCategory/_id")?;
    }
    Ok(())
}

fn the_tree_stays_a_tree(world: &World) -> Result<()> {
    let top = category(world, "top", None)?;
    let below = category(world, "below", Some(&top))?;
    relocate(world, &top, Some(&below))?.refused("CONFLICT")?;
    relocate(world, &top, Some(&top))?.refused("CONFLICT")?;
    relocate(world, &top, Some(UNKNOWN_ID))?.refused("NOT_FOUND")?;
    delete(world, &top)?.refused("CONFLICT")?;
    let answer = world
        .shop
        .query(As::Anonymous, "{ categories { _id children { _id parentId } } }")?;
    let mut roots = answer.list("/categories")?.iter();
    let own = roots.find(|root| root.get("_id") == Some(&json!(top)));
    answer.expect(
        own.and_then(|own| own.get("children")) == Some(&json!([{ "_id": below, "parentId": top }])),
        "the tree should hold both",
    )?;
    relocate(world, &below, None)?.data("/moveCategory")?;
    for id in [top, below] {
        delete(world, &id)?.text("/deleteCategory/_id")?;
    }
    Ok(())
}

fn what_cannot_be_a_category_is_refused(world: &World) -> Result<()> {
    let slug = unique("slug");
    let first = create(world, json!({ "name": "First", "slug": slug }))?;
    let id = first.text("/createCategory/_id")?;
    create(world, json!({ "name": "Second", "slug": slug }))?.refused("CONFLICT")?;
    create(world, json!({ "name": " " }))?.bad_input("name")?;
    create(world, json!({ "name": "日本" }))?.bad_input("slug")?;
    create(world, json!({ "name": "x", "slug": "No Slug" }))?.bad_input("slug")?;
    create(world, json!({ "name": "x", "parentId": UNKNOWN_ID }))?.refused("NOT_FOUND")?;
    create(world, json!({ "name": "x", "position": -5 }))?.bad_input("position")?;
    let query = "mutation ($id: ID!) { updateCategory(id: $id, input: { name: \"Renamed\", position: 3 }) { name slug position } }";
    let answer = world.shop.graphql(As::Key, query, json!({ "id": id }))?;
    answer.expect(
        answer.data("/updateCategory")? == &json!({ "name": "Renamed", "slug": slug, "position": 3 }),
        "the category should be renamed and nothing else",
    )?;
    let lost = json!({ "name": "x", "price": 1, "quantity": 1, "categoryId": UNKNOWN_ID });
    crate::world::create_product(&world.shop, As::Key, lost)?.bad_input("categoryId")?;
    delete(world, id)?.text("/deleteCategory/_id")?;
    delete(world, id)?.refused("NOT_FOUND")?;
    Ok(())
}
