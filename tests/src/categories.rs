//! The tree of categories, and products in it. Each test deletes its categories, since a shop has a limited
//! number of them.

use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::fixtures::{UNKNOWN_ID, unique};
use crate::graphql::GraphqlResponse;
use crate::shop::{As, Shop};
use crate::trials::trials;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "categories",
        portable = [
            a_product_is_found_in_its_category_and_the_parents,
            the_categories_stay_a_tree
        ],
        component = [
            invalid_categories_are_refused,
            a_category_gets_a_slug_from_any_name
        ]
    )
}

fn create(shop: &Shop, input: Value) -> Result<GraphqlResponse> {
    let query = "mutation ($input: CreateCategoryInput!) {
        createCategory(input: $input) { _id name slug position parentId } }";
    shop.graphql(As::Key, query, json!({ "input": input }))
}

fn category(shop: &Shop, prefix: &str, parent: Option<&str>) -> Result<String> {
    let name = unique(prefix);
    let answer = create(shop, json!({ "name": name, "parentId": parent }))?;
    answer.has("/createCategory/parentId", parent)?;
    Ok(answer.text("/createCategory/_id")?.to_owned())
}

fn move_below(shop: &Shop, id: &str, parent: Option<&str>) -> Result<GraphqlResponse> {
    let query = "mutation ($id: ID!, $parent: ID) { moveCategory(id: $id, parentId: $parent) { parentId } }";
    shop.graphql(As::Key, query, json!({ "id": id, "parent": parent }))
}

fn delete(shop: &Shop, id: &str) -> Result<GraphqlResponse> {
    let query = "mutation ($id: ID!) { deleteCategory(id: $id) { _id } }";
    shop.graphql(As::Key, query, json!({ "id": id }))
}

fn a_product_is_found_in_its_category_and_the_parents(shop: &Shop) -> Result<()> {
    let top = category(shop, "top", None)?;
    let below = category(shop, "below", Some(&top))?;
    let other = category(shop, "other", None)?;
    let product = shop
        .product_from(json!({ "name": unique("placed"), "price": 1, "quantity": 1, "categoryId": below }))?;
    let found = |category: &str| -> Result<bool> {
        let products = shop.find_products(json!({ "category": category }))?;
        let ids: Vec<_> = products.iter().map(|found| found.get("_id")).collect();
        Ok(ids == [Some(&json!(product))])
    };
    ensure!(
        found(&top)? && found(&below)? && !found(&other)?,
        "the product should be in its category and in the parent"
    );
    delete(shop, &below)?.refused("CONFLICT")?;
    move_below(shop, &below, Some(&other))?.text("/moveCategory/parentId")?;
    ensure!(
        found(&other)? && !found(&top)?,
        "the product should move with its category"
    );
    let query = "query ($id: ID!) { product(id: $id) { category { _id ancestors { _id } } } }";
    let answer = shop.graphql(As::Anonymous, query, json!({ "id": product }))?;
    answer.has(
        "/product/category",
        json!({ "_id": below, "ancestors": [{ "_id": other }] }),
    )?;
    let query = "mutation ($id: ID!) {
        updateProduct(id: $id, version: 1, input: { categoryId: \"\" }) { category { _id } } }";
    let answer = shop.graphql(As::Key, query, json!({ "id": product }))?;
    answer.has("/updateProduct/category", Value::Null)?;
    for id in [below, other, top] {
        delete(shop, &id)?.text("/deleteCategory/_id")?;
    }
    Ok(())
}

fn the_categories_stay_a_tree(shop: &Shop) -> Result<()> {
    let top = category(shop, "top", None)?;
    let below = category(shop, "below", Some(&top))?;
    move_below(shop, &top, Some(&below))?.refused("CONFLICT")?;
    move_below(shop, &top, Some(&top))?.refused("CONFLICT")?;
    move_below(shop, &top, Some(UNKNOWN_ID))?.refused("NOT_FOUND")?;
    delete(shop, &top)?.refused("CONFLICT")?;
    let answer = shop.query(As::Anonymous, "{ categories { _id children { _id parentId } } }")?;
    let root = json!({ "_id": top, "children": [{ "_id": below, "parentId": top }] });
    answer.column_contains("/categories", "", root)?;
    move_below(shop, &below, None)?.data("/moveCategory")?;
    for id in [top, below] {
        delete(shop, &id)?.text("/deleteCategory/_id")?;
    }
    Ok(())
}

fn invalid_categories_are_refused(shop: &Shop) -> Result<()> {
    let slug = unique("slug");
    let first = create(shop, json!({ "name": "First", "slug": slug }))?;
    let id = first.text("/createCategory/_id")?;
    create(shop, json!({ "name": "Second", "slug": slug }))?.refused("CONFLICT")?;
    create(shop, json!({ "name": " " }))?.bad_input("name")?;
    create(shop, json!({ "name": "x", "slug": "No Slug" }))?.bad_input("slug")?;
    create(shop, json!({ "name": "x", "parentId": UNKNOWN_ID }))?.refused("NOT_FOUND")?;
    create(shop, json!({ "name": "x", "position": -5 }))?.bad_input("position")?;
    let query = "mutation ($id: ID!) {
        updateCategory(id: $id, input: { name: \"Renamed\", position: 3 }) { name slug position } }";
    let answer = shop.graphql(As::Key, query, json!({ "id": id }))?;
    answer.has(
        "/updateCategory",
        json!({ "name": "Renamed", "slug": slug, "position": 3 }),
    )?;
    let product = json!({ "name": "x", "price": 1, "quantity": 1, "categoryId": UNKNOWN_ID });
    shop.create_product(As::Key, product)?.bad_input("categoryId")?;
    delete(shop, id)?.text("/deleteCategory/_id")?;
    delete(shop, id)?.refused("NOT_FOUND")?;
    Ok(())
}

fn a_category_gets_a_slug_from_any_name(shop: &Shop) -> Result<()> {
    for (name, slugs) in [
        ("Äpfel & Birnen", ["apfel-birnen", "aepfel-birnen"]),
        ("Straße", ["strasse", "strasse"]),
        ("Smørrebrød", ["smorrebrod", "smoerrebroed"]),
        ("北京", ["北京", "bei-jing"]),
    ] {
        let mut ids = Vec::new();
        let mut found = Vec::new();
        for _ in 0..2 {
            let created = create(shop, json!({ "name": name }))?;
            let slug = created.text("/createCategory/slug")?.to_owned();
            created.expect(
                slugs.iter().any(|expected| slug.starts_with(expected)),
                format!("the slug should begin with {}", slugs.join(" or ")),
            )?;
            ids.push(created.text("/createCategory/_id")?.to_owned());
            found.push(slug);
        }
        found.dedup();
        ensure!(
            found.len() == 2,
            "the second slug should have a suffix: {found:?}"
        );
        for id in ids {
            delete(shop, &id)?.text("/deleteCategory/_id")?;
        }
    }
    Ok(())
}
